/*
 * The record of a change of states: what was done with which versions, when, by whom and why. Its payload is in
 * docs/format.md.
 *
 * Threads: any.
 */
#ifndef STORE_STATE_RECORD_H
#define STORE_STATE_RECORD_H

#include "cassette/state.h"
#include "segment/segment.h"

struct state_target {
  uint32_t version; /* 0: of all versions, and of those to come */
  char uid[CAS_UID_TEXT_MAX];
};

struct state_record {
  enum cas_action action;
  enum cas_reason reason;
  uint64_t since;   /* the group in which it was first durable; 0: that of the record */
  uint32_t ordinal; /* of the states of that group */
  bool of_object;   /* a manifest of that group says that this record belongs to it */
  int64_t time_ns;
  char who[CAS_WHO_MAX + 1];
  char why[CAS_WHY_MAX + 1];
  uint32_t target_count;
  struct state_target *targets; /* owned; NULL where only the head is known */
};

void state_record_fini(struct state_record *state);

/* Appends what stands before the targets, then the targets. */
CAS_MUST_USE cas_status state_record_encode(const struct state_record *state, struct cas_buffer *bytes);

/* CAS_CORRUPT for bytes that break the format: then nothing is left to free. */
CAS_MUST_USE cas_status state_record_decode(struct cas_slice bytes, struct state_record *state);

/* The record and its payload of raw or compressed bytes, and back: CAS_CORRUPT. */
CAS_MUST_USE cas_status state_record_write(struct cas_store *store, const struct state_record *state,
                                           struct record *record, struct cas_buffer *payload);
CAS_MUST_USE cas_status state_record_read(struct cas_store *store, const struct record *record,
                                          struct cas_slice payload, struct state_record *state);

/* Only what stands before the targets, whatever follows. */
CAS_MUST_USE bool state_record_decode_head(struct cas_slice bytes, struct state_record *state);

/* Whether it belongs to an instance of the same group, with which it became durable: a correction, a rejection note. */
bool state_record_needs_instance(const struct state_record *state);

/* Whether a hiding for this reason holds also for versions that come later. */
bool state_reason_lasts(enum cas_reason reason);

#endif
