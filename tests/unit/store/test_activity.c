/* What a writer counts of itself follows what was done. */
#include <errno.h>

#include "cassette/activity.h"
#include "cassette/compact.h"
#include "faulty_store.h"

static int setup(void **state) {
  struct temporary_store *t = calloc(1, sizeof *t);
  faulty_store_create(t, 7, 1 << 20);
  *state = t;
  return 0;
}

static int teardown(void **state) {
  faulty_store_destroy(*state);
  free(*state);
  return 0;
}

static uint64_t synced(const struct cas_activity *activity) {
  uint64_t groups = 0;
  for (size_t i = 0; i < CAS_ACTIVITY_BUCKETS; i++) {
    groups += activity->syncs[i].groups;
    if (i > 0) assert_true(activity->syncs[i].up_to_ns > activity->syncs[i - 1].up_to_ns);
  }
  assert_true(activity->syncs[CAS_ACTIVITY_BUCKETS - 1].up_to_ns == UINT64_MAX);
  return groups;
}

static void objects_count_by_origin_and_outcome(void **state) {
  struct temporary_store *t = *state;
  CLEANUP_BUFFER struct cas_buffer first = {0}, other = {0};
  struct synthetic what = {0}, changed = {.patient_id = "P2"};
  struct cas_activity before, after;
  synthetic_file(&what, "A", &first);
  synthetic_file(&changed, "A", &other);
  cas_store_activity(t->store, &before);
  assert_int_equal(before.groups, 0);
  assert_true(before.in_flight_bytes_max > 0);
  synthetic_import(t->store, &first);
  synthetic_import(t->store, &first);
  synthetic_import(t->store, &other);
  cas_store_activity(t->store, &after);
  const uint64_t *imported = after.objects[CAS_ORIGIN_IMPORT];
  assert_int_equal(imported[CAS_STORED], 1);
  assert_int_equal(imported[CAS_DUPLICATE], 1);
  assert_int_equal(imported[CAS_NEW_VERSION], 1);
  assert_int_equal(after.objects[CAS_ORIGIN_RECEIVED][CAS_STORED], 0);
  assert_int_equal(after.object_bytes[CAS_ORIGIN_IMPORT], 2 * first.size + other.size);
  assert_true(after.groups >= 2 && after.groups == synced(&after) && after.sync_ns > 0);
  assert_int_equal(after.groups_failed, 0);
  assert_true(after.blobs >= 3 && after.blob_stored_bytes > 0);
  assert_true(after.arrived_bytes >= first.size);
  assert_int_equal(after.in_flight_bytes, 0);
}

static void what_fails_is_no_object(void **state) {
  struct temporary_store *t = *state;
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct synthetic what = {0};
  struct cas_ingest_result result;
  struct cas_activity activity;
  synthetic_file(&what, "A", &file);
  assert_int_equal(synthetic_import_bytes(t->store, slice_of("hello, this is text", 19), &result), CAS_REFUSED);
  faulty_disk_fail(t->seams.disk, FAULTY_SYNC, 1, 1, EIO);
  assert_int_equal(synthetic_import_bytes(t->store, slice_of_buffer(&file), &result), CAS_IO);
  cas_store_activity(t->store, &activity);
  assert_int_equal(activity.objects[CAS_ORIGIN_IMPORT][CAS_STORED], 0);
  assert_int_equal(activity.object_bytes[CAS_ORIGIN_IMPORT], 0);
  assert_true(activity.groups_failed >= 1);
}

static void compacting_counts(void **state) {
  struct temporary_store *t = *state;
  struct cas_compact_options options = {.min_percent = 1, .seal_bytes = 1};
  struct cas_compact_result result;
  struct cas_activity activity;
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct synthetic what = {.rows = 256, .columns = 256};
  t->options.encode = CAS_ENCODE_LATER;
  temporary_reopen(t);
  synthetic_file(&what, "A", &file);
  synthetic_import(t->store, &file);
  assert_int_equal(cas_store_compact(t->store, &options, &result, NULL), CAS_OK);
  assert_true(result.segments > 0 && result.packed_blobs > 0);
  cas_store_activity(t->store, &activity);
  assert_int_equal(activity.compacted_segments, result.segments);
  assert_int_equal(activity.compacted_bytes_before, result.bytes_before);
  assert_int_equal(activity.compacted_bytes_after, result.bytes_after);
  assert_int_equal(activity.packed_blobs, result.packed_blobs);
}

static void there_is_space(void **state) {
  struct temporary_store *t = *state;
  struct cas_space space;
  struct cas_stats stats;
  assert_int_equal(cas_store_space(t->store, &space, NULL), CAS_OK);
  assert_int_equal(cas_store_stats(t->store, &stats, NULL), CAS_OK);
  assert_true(space.free_bytes > 0 && space.free_bytes <= space.total_bytes);
  assert_int_equal(stats.free_bytes, space.free_bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(objects_count_by_origin_and_outcome, setup, teardown),
      cmocka_unit_test_setup_teardown(what_fails_is_no_object, setup, teardown),
      cmocka_unit_test_setup_teardown(compacting_counts, setup, teardown),
      cmocka_unit_test_setup_teardown(there_is_space, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
