/*
 * What an open writer has done since it was opened, and how full it is: for monitoring. Counts only grow.
 *
 * Threads: any. Cheap, and waits for nobody; numbers that are read together may be of moments a little apart.
 */
#ifndef CASSETTE_ACTIVITY_H
#define CASSETTE_ACTIVITY_H

#include "cassette/ingest.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CAS_ACTIVITY_ORIGINS (CAS_ORIGIN_CORRECTED + 1)
#define CAS_ACTIVITY_OUTCOMES (CAS_NEW_VERSION + 1)
#define CAS_ACTIVITY_BUCKETS 15

struct cas_activity {
  /* Objects that became durable, by enum cas_origin and enum cas_outcome, and the sizes of their files. */
  uint64_t objects[CAS_ACTIVITY_ORIGINS][CAS_ACTIVITY_OUTCOMES];
  uint64_t object_bytes[CAS_ACTIVITY_ORIGINS];
  uint64_t healed_blobs;  /* damaged records that what came replaced */
  uint64_t arrived_bytes; /* of blobs, before anything is known of them, and whatever became of them */
  uint64_t blobs;         /* put into groups, and the bytes of their payloads */
  uint64_t blob_stored_bytes;
  uint64_t groups;        /* that became durable */
  uint64_t groups_failed; /* with all that was in them, for want of space or by a failing disk; not while read-only */
  uint64_t sync_ns;       /* that writing and syncing them took in all */
  /* The same by how long it took: each bucket has what took up to `up_to_ns` and longer than the one before. */
  struct cas_activity_bucket {
    uint64_t up_to_ns; /* UINT64_MAX: of the last */
    uint64_t groups;
  } syncs[CAS_ACTIVITY_BUCKETS];
  uint64_t in_flight_bytes;     /* raw bytes between arrival and commit, at this moment */
  uint64_t in_flight_bytes_max; /* above which who brings more waits */
  uint64_t in_flight_waits;     /* how often somebody had to */
  uint64_t compacted_segments;  /* written anew, and their lengths before and after */
  uint64_t compacted_bytes_before, compacted_bytes_after;
  uint64_t packed_blobs;       /* encoded while compacting */
  uint64_t discarded_versions; /* deleted ones whose bytes were let go */
};

/* All is zero for a follower. */
CAS_API void cas_store_activity(const struct cas_store *store, struct cas_activity *activity);

#ifdef __cplusplus
}
#endif
#endif
