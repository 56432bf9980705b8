/*
 * Walks over the bytes of one segment from record to record, with sequential reads, for which the disk is told ahead
 * what comes. Long payloads that nobody asks for are passed over. Knows records, not groups.
 *
 * Threads: a walk belongs to one thread.
 */
#ifndef SEGMENT_SEGMENT_WALK_H
#define SEGMENT_SEGMENT_WALK_H

#include "segment/segment_format.h"

struct segment_walk {
  struct volume *volume;
  const struct segment_store_key *key;
  uint64_t segment;
  uint64_t at;     /* next byte to look at */
  uint64_t limit;  /* nothing behind it is looked at */
  uint8_t *window; /* owned: bytes [window_offset, window_offset + window_size) */
  size_t window_capacity, window_size;
  uint64_t window_offset;
  uint64_t announced_to; /* what the disk was told of ends here */
  uint64_t ahead_bytes;  /* how far ahead it is told at the next read */
  bool passes_over; /* what the disk does not give counts as zeros, and so as damaged, instead of ending the walk */
};

enum segment_walk_kind {
  WALK_RECORD,
  WALK_COMMIT, /* with a good payload */
  WALK_BAD,    /* bytes in which no record begins */
  WALK_END,
};

struct segment_walk_item {
  enum segment_walk_kind kind;
  uint64_t offset;
  uint64_t size;               /* bytes on disk */
  struct record_header header; /* RECORD, COMMIT */
  struct commit commit;        /* COMMIT */
};

/* Starts at `from`, a multiple of RECORD_ALIGN_BYTES behind the header. Ends at `limit` or the segment's present end,
 * whichever comes first. `key` is borrowed. */
CAS_MUST_USE cas_status segment_walk_init(struct segment_walk *walk, struct volume *volume,
                                          const struct segment_store_key *key, uint64_t segment, uint64_t from,
                                          uint64_t limit, struct cas_error *error);
void segment_walk_fini(struct segment_walk *walk);

CAS_MUST_USE cas_status segment_walk_next(struct segment_walk *walk, struct segment_walk_item *item,
                                          struct cas_error *error);

/* Reads the payload of the record that segment_walk_next() gave last. It is valid until the next call. */
CAS_MUST_USE cas_status segment_walk_payload(struct segment_walk *walk, const struct segment_walk_item *item,
                                             struct cas_slice *payload, bool *good, struct cas_error *error);

#define CLEANUP_WALK __attribute__((cleanup(segment_walk_fini)))

#endif
