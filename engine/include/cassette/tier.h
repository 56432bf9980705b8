/*
 * Tiers: sealed segments move to a cold place, a folder on a slower and larger file system, and back. Where a segment
 * lies changes nothing else: names, versions, snapshots, bytes, and how they are read.
 *
 * Caveats
 *  - A segment leaves its tier when its copy in the other one is durable and every record of it was read back and
 *    checked. Until then both take space. A damaged segment does not move.
 *  - While the cold place is away the archive goes on. What would need a segment there fails with CAS_AWAY, and works
 *    again when the place is back. What arrives and cannot be compared with what is away is stored again: as further
 *    blobs, and an object with a known SOP Instance UID as a new version.
 *  - Compacting writes a segment of the cold place anew in the cold place.
 *  - Files that a reader in another process has open take their space until it looks at the store again.
 *
 * Threads: any; one at a time moves, recalls or compacts (CAS_BUSY for the second). Everything else goes on meanwhile.
 */
#ifndef CASSETTE_TIER_H
#define CASSETTE_TIER_H

#include "cassette/compact.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Makes `folder`, which must exist, the cold place of the store at `path`: puts the file CASSETTE-COLD into it, and the
 * link "cold" into the store. It must be empty, or be this store's cold place already, as after it was mounted
 * elsewhere. CAS_REFUSED: it is neither, it lies in the store, or segments are missing in it that were moved before;
 * the detail says which. CAS_BUSY: the store has another cold place, and is open for writing. Durable on return.
 */
CAS_API CAS_MUST_USE cas_status cas_tier_set(const char *path, const char *folder, struct cas_error *error);

enum cas_tier_state {
  CAS_TIER_NONE, /* the store has no cold place */
  CAS_TIER_HERE,
  CAS_TIER_AWAY,
};

struct cas_tier_status {
  enum cas_tier_state state;
  char folder[256]; /* where the cold place is; "" where there is none */
  char reason[512]; /* why it is away, else "" */
  uint64_t hot_segments, hot_bytes;
  uint64_t cold_segments, cold_bytes; /* 0 while it is away */
  uint64_t away_segments;
  uint64_t hot_free_bytes, cold_free_bytes; /* on the file systems; 0 where it is away */
};
CAS_API CAS_MUST_USE cas_status cas_store_tier_status(struct cas_store *store, struct cas_tier_status *status,
                                                      struct cas_error *error);

/* Zero means the default everywhere. */
struct cas_tier_options {
  int64_t sealed_before_ns;  /* move: segments that were sealed before this time, UTC */
  uint64_t keep_free_bytes;  /* move: the oldest ones until so much is free in the store. With both, what either asks
                              * for; with neither, all that are sealed */
  const uint32_t *segments;  /* recall: these numbers; default: all */
  size_t segment_count;      /* of them */
  uint32_t after;            /* only segments with a higher number */
  uint32_t segments_max;     /* try so many; default: all that are asked for */
  uint64_t bytes_per_second; /* read at most so fast; default: as fast as possible */
  bool dry_run;              /* only counts what would go: in segments_left and bytes_left */
  cas_compact_progress_fn progress;
  void *arg;
};

struct cas_tier_result {
  uint64_t segments, bytes;           /* that moved */
  uint64_t damaged_segments;          /* stayed where they are */
  uint64_t segments_left, bytes_left; /* asked for, and not reached */
  uint32_t reached;                   /* the number of the last one that was tried, 0 for none */
};

/*
 * Moves sealed segments to the cold place, the oldest first; or brings them back. `result` is filled in also on
 * failure: what moved before stays moved, the segment under way stays where it was. The store must be open for writing
 * (CAS_INVALID), and have a cold place (CAS_INVALID). CAS_AWAY: it is not there. CAS_NO_SPACE: it is full; or, in
 * recalling, the store's disk would be. CAS_NOT_FOUND: a segment to be recalled does not exist.
 */
CAS_API CAS_MUST_USE cas_status cas_store_tier_move(struct cas_store *store, const struct cas_tier_options *options,
                                                    struct cas_tier_result *result, struct cas_error *error);
CAS_API CAS_MUST_USE cas_status cas_store_tier_recall(struct cas_store *store, const struct cas_tier_options *options,
                                                      struct cas_tier_result *result, struct cas_error *error);

#ifdef __cplusplus
}
#endif
#endif
