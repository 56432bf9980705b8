/*
 * A segment copied from one tier of the volume to the other, byte for byte. The copy has a name that counts for
 * nothing (volume_create_new()) until its caller publishes it.
 *
 * Threads: any; one at a time copies a segment.
 */
#ifndef SEGMENT_SEGMENT_COPY_H
#define SEGMENT_SEGMENT_COPY_H

#include "segment/segment.h"

/* Called now and then with the bytes since the last time; another status than CAS_OK stops with it. */
typedef cas_status (*segment_copy_step_fn)(void *arg, uint64_t bytes);

struct segment_copy {
  struct volume *volume;
  const struct segment_store_key *key;
  uint64_t segment;
  enum volume_tier to;
  segment_copy_step_fn step;
  void *arg;
  uint64_t bytes; /* of the durable part, which is all that is copied; set by segment_copy_write() */
};

/* Writes the copy and syncs it. The segment must be sealed. On failure nothing is left of it, as far as possible. */
CAS_MUST_USE cas_status segment_copy_write(struct segment_copy *copy, struct cas_error *error);

/* Reads the copy and checks every record of it. CAS_CORRUPT: it is not whole and good. */
CAS_MUST_USE cas_status segment_copy_check(const struct segment_copy *copy, struct cas_error *error);

/* When a segment was sealed: the one behind it was made then. UTC, nanoseconds since 1970. CAS_NOT_FOUND: there is none
 * behind it. */
CAS_MUST_USE cas_status segment_sealed_ns(struct volume *volume, const struct segment_store_key *key, uint32_t number,
                                          int64_t *sealed_ns, struct cas_error *error);

#endif
