/*
 * P3: a rebuild by several threads gives the same index, byte for byte, as the log replayed record by record: over many
 * segments with versions, duplicates, patients that share names, snapshots and healed blobs; and also after damage.
 */
#include "cassette/snapshot.h"
#include "store/healed.h"
#include "support/test_random.h"
#include "synthetic.h"
#include "unit/index/index_dump.h"

#define OBJECTS 400

static void store_object(struct cas_store *store, struct test_random *random) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  char uid[32], series[32], study[32], patient[32], number[16];
  unsigned instance = (unsigned)test_random_below(random, OBJECTS * 3 / 4); /* the rest: versions and duplicates */
  snprintf(uid, sizeof uid, "1.2.3.4.%u", instance);
  snprintf(series, sizeof series, "1.2.3.%u", instance % 12);
  snprintf(study, sizeof study, "1.2.%u", instance % 6);
  snprintf(patient, sizeof patient, instance % 3 == 0 ? "P/%u" : "P_%u", instance % 2); /* names that collide */
  snprintf(number, sizeof number, "%u", instance % 20);
  struct synthetic what = {.sop_uid = uid,
                           .series_uid = series,
                           .study_uid = study,
                           .patient_id = patient,
                           .number = number,
                           .pixel_seed = (unsigned)test_random_below(random, 2)};
  synthetic_file(&what, "A", &file);
  synthetic_import(store, &file);
}

static void fill(struct temporary_store *t, struct test_random *random) {
  for (int i = 0; i < OBJECTS; i++) {
    char name[32];
    store_object(t->store, random);
    snprintf(name, sizeof name, "s%d", i / 40);
    if (i % 40 == 20) assert_int_equal(cas_snapshot_create(t->store, name, NULL), CAS_OK);
    if (i % 80 == 70) assert_int_equal(cas_snapshot_remove(t->store, name, NULL), CAS_OK);
    if (i % 100 == 99) temporary_reopen(t);
  }
}

/* One record after the other, on this thread; and again, as long as healed headers were missed that are good behind. */
static cas_status replay_in_order(const char *path) {
  struct cas_store *store;
  struct segment_mark end;
  struct replay_options options = {0};
  bool more;
  assert_int_equal(store_open_for_rebuild(path, NULL, "index.order", &store, NULL), CAS_OK);
  assert_int_equal(healed_create(store, &options.healed), CAS_OK);
  cas_status status = store_replay(store, SEGMENT_SCAN_PAYLOADS, &options, &end, NULL);
  while (status == CAS_OK) {
    assert_int_equal(healed_find(options.healed, &more, NULL), CAS_OK);
    if (!more) break;
    assert_int_equal(store_restart_index(store, "index.order", NULL), CAS_OK);
    status = store_replay(store, SEGMENT_SCAN_PAYLOADS, &options, &end, NULL);
  }
  healed_destroy(options.healed);
  cas_store_close(store);
  return status;
}

static void compare(const char *path) {
  cas_status status = replay_in_order(path);
  CLEANUP_BUFFER struct cas_buffer expected = dump_index(path, "index.order", NULL);
  for (unsigned readers = 2; readers <= 4; readers += 2) {
    struct cas_store_options options = {.workers = readers};
    assert_int_equal(cas_store_rebuild(path, &options, NULL, NULL, NULL), status);
    if (status != CAS_OK) continue;
    CLEANUP_BUFFER struct cas_buffer rebuilt = dump_index(path, "index", NULL);
    assert_int_equal(rebuilt.size, expected.size);
    assert_memory_equal(rebuilt.data, expected.data, expected.size);
  }
}

static void damage(const char *path, uint64_t segments, struct test_random *random) {
  char name[160];
  snprintf(name, sizeof name, "%s/segments/00/%08u.seg", path, (unsigned)(1 + test_random_below(random, segments)));
  FILE *file = fopen(name, "r+");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  for (int i = 0; i < 4; i++) {
    long at = (long)test_random_below(random, (uint64_t)ftell(file));
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fputc((int)test_random_below(random, 256), file) == EOF, 0);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
  }
  fclose(file);
}

static void p3_in_parallel_is_the_same_as_in_order(void **state) {
  (void)state;
  struct test_random random = {test_random_seed("test_p3_parallel")};
  for (uint64_t round = test_random_rounds(1); round > 0; round--) {
    struct temporary_store t = {.options = {.segment_bytes = 64 << 10}};
    struct cas_stats stats;
    temporary_create(&t);
    fill(&t, &random);
    assert_int_equal(cas_store_stats(t.store, &stats, NULL), CAS_OK);
    assert_true(stats.segments > 3 && stats.instances > OBJECTS / 2);
    cas_store_close(t.store);
    compare(t.path);
    /* Damage, and what is sent after it, which heals a part. */
    for (int i = 0; i < 2; i++) {
      damage(t.path, stats.segments, &random);
      compare(t.path);
      temporary_open(&t);
      for (int object = 0; object < 20; object++) store_object(t.store, &random);
      cas_store_close(t.store);
      compare(t.path);
    }
    temporary_open(&t);
    temporary_destroy(&t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(p3_in_parallel_is_the_same_as_in_order)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
