/*
 * P1 while a segment is written anew: the power is cut in each write, sync and change of a name of it, one after the
 * other, with the index as it is then, gone, or of before. After each cut everything is there bit-exact and verify is
 * clean; when none is left to cut, the segment has become smaller.
 */
#include "compacting.h"
#include "faulty_store.h"

#define OBJECTS 6u

static void make_object(unsigned number, struct cas_buffer *file) {
  char uid[32];
  snprintf(uid, sizeof uid, "1.2.3.4.%u", number);
  struct synthetic what = {.sop_uid = uid, .pixel_seed = number, .rows = 64, .columns = 64, .private_bytes = 20000};
  synthetic_file(&what, "A", file);
}

static void check_all(struct cas_store *store) {
  for (unsigned i = 0; i < OBJECTS; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    char uid[32];
    snprintf(uid, sizeof uid, "1.2.3.4.%u", i);
    make_object(i, &file);
    assert_int_equal(synthetic_read_back(store, uid, 1, &file), CAS_OK);
  }
  check_clean(store);
}

static cas_status stop(void *arg, const struct cas_compact_progress *progress) {
  (void)arg;
  (void)progress;
  return CAS_END;
}

/* All but its pixels is noise, and these were put off; nothing comes behind it. */
static void make_segment(struct temporary_store *t) {
  struct cas_compact_options options = {.seal_bytes = 1, .min_percent = 1, .progress = stop};
  struct cas_compact_result result;
  for (unsigned i = 0; i < OBJECTS; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    make_object(i, &file);
    synthetic_import(t->store, &file);
  }
  assert_int_equal(cas_store_compact(t->store, &options, &result, NULL), CAS_END);
}

static void take_index(struct temporary_store *t, uint64_t variant) {
  if (variant > 0) faulty_store_run(t, "rm -r $p/index");
  if (variant > 1) faulty_store_run(t, "cp -r $p/index.before $p/index");
}

/* Returns whether the power was cut before it was done. */
static bool cut_power_at(struct temporary_store *t, uint64_t nth) {
  struct cas_compact_options options = {.seal_bytes = 1, .min_percent = 1, .threads = 1};
  struct cas_compact_result result;
  faulty_disk_power_off_at(t->seams.disk, nth);
  bool done = cas_store_compact(t->store, &options, &result, NULL) == CAS_OK;
  faulty_disk_power_off_at(t->seams.disk, 0);
  cas_store_close(t->store);
  faulty_disk_restart(t->seams.disk);
  take_index(t, nth % 3);
  temporary_open(t);
  check_all(t->store);
  return !done;
}

static void p1_a_segment_is_written_anew_or_stays(void **state) {
  (void)state;
  struct temporary_store t = {.options = {.encode = CAS_ENCODE_LATER}};
  uint64_t nth = 1;
  faulty_store_create(&t, 7, 1 << 20);
  make_segment(&t);
  uint64_t before = segment_bytes(t.store);
  cas_store_close(t.store);
  faulty_store_keep_index(&t);
  temporary_open(&t);
  while (cut_power_at(&t, nth)) nth++;
  printf("%llu cuts\n", (unsigned long long)nth - 1);
  assert_true(nth > 8);
  assert_true(segment_bytes(t.store) < before);
  assert_int_equal(compact(t.store).segments, 0);
  faulty_store_destroy(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(p1_a_segment_is_written_anew_or_stays)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
