/* Owns the bounds of the histogram. */
#include "store/activity.h"

#include "store/budget.h"
#include "store/committer.h"

/* From what a disk with a cache of its own takes to what makes senders give up. */
static const uint64_t up_to_ns[CAS_ACTIVITY_BUCKETS] = {
    UINT64_C(100000),    UINT64_C(250000),    UINT64_C(500000),     UINT64_C(1000000),     UINT64_C(2500000),
    UINT64_C(5000000),   UINT64_C(10000000),  UINT64_C(25000000),   UINT64_C(50000000),    UINT64_C(100000000),
    UINT64_C(250000000), UINT64_C(500000000), UINT64_C(1000000000), UINT64_C(10000000000), UINT64_MAX,
};

void activity_add_blob(struct activity *activity, uint64_t stored_bytes) {
  activity_add(&activity->blobs, 1);
  activity_add(&activity->blob_stored_bytes, stored_bytes);
}

void activity_add_group(struct activity *activity, int64_t began_ns) {
  const uint64_t took_ns = (uint64_t)(clock_monotonic_ns() - began_ns);
  size_t bucket = 0;
  while (took_ns > up_to_ns[bucket]) bucket++;
  activity_add(&activity->syncs[bucket], 1);
  activity_add(&activity->sync_ns, took_ns);
}

void activity_add_object(struct activity *activity, const struct commit_instance *instance) {
  const enum cas_origin origin = instance->manifest.origin;
  if (instance->status != CAS_OK) return;
  activity_add(&activity->objects[origin][instance->result.outcome], 1);
  activity_add(&activity->object_bytes[origin], instance->manifest.file_size);
  activity_add(&activity->healed_blobs, instance->result.healed_blobs);
}

void activity_add_compaction(struct activity *activity, const struct cas_compact_result *result) {
  activity_add(&activity->compacted_segments, result->segments);
  activity_add(&activity->compacted_bytes_before, result->bytes_before);
  activity_add(&activity->compacted_bytes_after, result->bytes_after);
  activity_add(&activity->packed_blobs, result->packed_blobs);
  activity_add(&activity->discarded_versions, result->discarded_versions);
}

static uint64_t get(const atomic_uint_fast64_t *count) { return atomic_load_explicit(count, memory_order_relaxed); }

void cas_store_activity(const struct cas_store *store, struct cas_activity *out) {
  const struct activity *activity = store->activity;
  *out = (struct cas_activity){0};
  for (size_t i = 0; i < CAS_ACTIVITY_BUCKETS; i++) out->syncs[i].up_to_ns = up_to_ns[i];
  if (activity == NULL) return;
  for (size_t origin = 0; origin < CAS_ACTIVITY_ORIGINS; origin++) {
    out->object_bytes[origin] = get(&activity->object_bytes[origin]);
    for (size_t outcome = 0; outcome < CAS_ACTIVITY_OUTCOMES; outcome++)
      out->objects[origin][outcome] = get(&activity->objects[origin][outcome]);
  }
  for (size_t i = 0; i < CAS_ACTIVITY_BUCKETS; i++) out->groups += out->syncs[i].groups = get(&activity->syncs[i]);
  out->healed_blobs = get(&activity->healed_blobs);
  out->arrived_bytes = cas_store_arrived(store);
  out->blobs = get(&activity->blobs);
  out->blob_stored_bytes = get(&activity->blob_stored_bytes);
  out->groups_failed = get(&activity->groups_failed);
  out->sync_ns = get(&activity->sync_ns);
  out->compacted_segments = get(&activity->compacted_segments);
  out->compacted_bytes_before = get(&activity->compacted_bytes_before);
  out->compacted_bytes_after = get(&activity->compacted_bytes_after);
  out->packed_blobs = get(&activity->packed_blobs);
  out->discarded_versions = get(&activity->discarded_versions);
  budget_fill(store->budget, &out->in_flight_bytes, &out->in_flight_waits);
  out->in_flight_bytes_max = store->in_flight_bytes_max;
}
