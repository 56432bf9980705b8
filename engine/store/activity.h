/*
 * The counts of cassette/activity.h that are the store's own.
 *
 * Threads: any.
 */
#ifndef STORE_ACTIVITY_H
#define STORE_ACTIVITY_H

#include <stdatomic.h>

#include "base/clock.h"
#include "cassette/activity.h"
#include "cassette/compact.h"

struct commit_instance;

struct activity {
  atomic_uint_fast64_t objects[CAS_ACTIVITY_ORIGINS][CAS_ACTIVITY_OUTCOMES];
  atomic_uint_fast64_t object_bytes[CAS_ACTIVITY_ORIGINS];
  atomic_uint_fast64_t healed_blobs, blobs, blob_stored_bytes, groups_failed, sync_ns;
  atomic_uint_fast64_t syncs[CAS_ACTIVITY_BUCKETS];
  atomic_uint_fast64_t compacted_segments, compacted_bytes_before, compacted_bytes_after, packed_blobs,
      discarded_versions;
};

static inline void activity_add(atomic_uint_fast64_t *count, uint64_t more) {
  atomic_fetch_add_explicit(count, more, memory_order_relaxed);
}

/* A blob was appended. */
void activity_add_blob(struct activity *activity, uint64_t stored_bytes);

/* A group was written and synced since `began_ns` of clock_monotonic_ns(). */
void activity_add_group(struct activity *activity, int64_t began_ns);

/* Counts the object if it became durable. */
void activity_add_object(struct activity *activity, const struct commit_instance *instance);

/* Segments were compacted, to the end or not. */
void activity_add_compaction(struct activity *activity, const struct cas_compact_result *result);

#endif
