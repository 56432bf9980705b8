/*
 * Where the durable part of a segment begins and ends, which is known from the segment behind it or from its own
 * COMMITs.
 *
 * Threads: any.
 */
#ifndef SEGMENT_SEGMENT_BOUNDS_H
#define SEGMENT_SEGMENT_BOUNDS_H

#include "segment/segment_format.h"

/* What a segment says of itself and of the one before it. */
struct segment_origin {
  bool header_good;
  bool has_records;     /* of any group, also a void one; always true with a good header only if they were looked for */
  bool previous_known;  /* from the header or, where that is damaged, from the first COMMIT */
  uint64_t first_group; /* 0 if the header is damaged */
  struct segment_mark previous; /* .segment 0: there was none */
  uint64_t end;                 /* of a segment written anew with a good header; else 0 */
  bool was_written;             /* a header was durable here once, whatever is left of it */
};

CAS_MUST_USE cas_status segment_origin_read(struct volume *volume, const struct segment_store_key *key,
                                            uint64_t segment, struct segment_origin *origin, struct cas_error *error);

/* What a crash left of a creation. No record is written before the header is durable, and no generation gets its name
 * before it is whole: a longer file, or one of a generation, is damaged, and not void. */
static inline bool segment_is_void(const struct segment_origin *origin) {
  return !origin->header_good && !origin->has_records && !origin->was_written;
}

/* The last group in a segment that has a valid COMMIT. */
struct segment_last_group {
  bool found;
  uint64_t group;
  uint64_t begin;
  uint64_t end;
};

/* Looks in [from, present end). */
CAS_MUST_USE cas_status segment_last_group_find(struct volume *volume, const struct segment_store_key *key,
                                                uint64_t segment, uint64_t from, struct segment_last_group *last,
                                                struct cas_error *error);

/* What of a segment is to be scanned, and how. */
struct segment_range {
  uint64_t offset;        /* 0: with the header */
  uint64_t end;           /* of the durable part */
  uint64_t check_from;    /* from here on every payload is checked */
  uint64_t doubtful_from; /* from here to `end`, damage is the remains of a torn write; 0: nowhere */
  segment_needs_fn needs; /* blobs whose payloads are read besides; NULL: none */
};

/* segment_scan() with bounds that are known. */
CAS_MUST_USE cas_status segment_scan_range(struct volume *volume, const struct segment_store_key *key, uint64_t segment,
                                           const struct segment_range *range, unsigned flags, segment_event_fn each,
                                           void *arg, struct cas_error *error);

/* One segment of a recovery, and what its bounds are. */
struct segment_part {
  uint64_t segment, next;     /* and the one behind it, 0 for the last */
  uint64_t size;              /* of the last one, when it was looked at */
  struct segment_range range; /* .offset is given */
  /* Of the last one only. */
  struct segment_origin origin;
  struct segment_last_group last;
};

/* Finds the bounds; segment_part_is_lost() tells whether anything is left to scan. */
CAS_MUST_USE cas_status segment_part_bound(struct volume *volume, const struct segment_store_key *key,
                                           struct segment_part *part, struct cas_error *error);

/* The durable part ends before the offset where it should begin. */
static inline bool segment_part_is_lost(const struct segment_part *part) {
  return (part->next != 0 ? part->range.end : part->size) < part->range.offset;
}

/* The end of `segment` as `next`, the origin of the one behind it, tells it. False also for a segment written anew,
 * which has its end in its own header. */
bool segment_end_from_next(uint64_t segment, const struct segment_origin *next, struct segment_range *range);

#endif
