/*
 * What the log and the index say of snapshots. A RECORD_SNAPSHOT makes one or takes one away; it shows the groups
 * before its own. Its payload is in docs/format.md. The index keeps, as a fact under the snapshot's name, the number of
 * the last group that it shows and the payload of the record that made it.
 *
 * Threads: those of the batch.
 */
#ifndef STORE_SNAPSHOT_RECORD_H
#define STORE_SNAPSHOT_RECORD_H

#include "cassette/snapshot.h"
#include "index/index.h"
#include "segment/segment.h"

struct snapshot_record {
  bool removes;
  int64_t created_ns;
  uint64_t instances, bytes;
  int64_t last_arrival_ns;
  char name[CAS_SNAPSHOT_NAME_MAX + 1];
};

#define SNAPSHOT_PAYLOAD_BYTES_MAX (41 + CAS_SNAPSHOT_NAME_MAX)

/* The prefix of the facts, and room for one's name. */
#define SNAPSHOT_FACT_PREFIX "snapshot/"
#define SNAPSHOT_FACT_NAME_BYTES (sizeof SNAPSHOT_FACT_PREFIX + CAS_SNAPSHOT_NAME_MAX)

bool snapshot_name_is_valid(const char *name);

/* The record and its payload, `bytes` of *size. */
void snapshot_encode(const struct snapshot_record *snapshot, struct record *record,
                     uint8_t bytes[SNAPSHOT_PAYLOAD_BYTES_MAX], size_t *size);

/* False for bytes that break the format. */
CAS_MUST_USE bool snapshot_decode(struct cas_slice payload, struct snapshot_record *snapshot);

/* Brings the index up to date with a record of this group. */
CAS_MUST_USE cas_status snapshot_apply(struct index_batch *batch, uint64_t group,
                                       const struct snapshot_record *snapshot, struct cas_error *error);

/* The name of a snapshot's fact. The name must be valid. */
void snapshot_fact_name(const char *name, char fact[SNAPSHOT_FACT_NAME_BYTES]);

/* What a fact says: the snapshot and the last group that it shows. False where it is damaged. */
CAS_MUST_USE bool snapshot_decode_fact(struct cas_slice value, uint64_t *group, struct snapshot_record *snapshot);

#endif
