/* An index that another version made, or that no version made, is not opened. Speaks to RocksDB itself to make one. */
#include "index_fixture.h"

#include "index/index_format.h"

#include <rocksdb/c.h>

static void put_raw_key(struct fixture *f, const char *key, size_t size, const char *value) {
  char *message = NULL;
  rocksdb_options_t *options = rocksdb_options_create();
  rocksdb_writeoptions_t *write_options = rocksdb_writeoptions_create();
  rocksdb_options_set_create_if_missing(options, 1);
  rocksdb_t *db = rocksdb_open(options, f->index_folder, &message);
  assert_null(message);
  rocksdb_put(db, write_options, key, size, value, strlen(value), &message);
  assert_null(message);
  rocksdb_close(db);
  rocksdb_writeoptions_destroy(write_options);
  rocksdb_options_destroy(options);
}

static void put_raw(struct fixture *f, const char *key, const char *value) { put_raw_key(f, key, strlen(key), value); }

static void another_version_is_unsupported(void **state) {
  struct fixture *f = *state;
  put_raw(f, "v", "0");
  assert_int_equal(index_open(f->index_folder, &f->index, &f->error), CAS_UNSUPPORTED);
  struct index *follower = NULL;
  assert_int_equal(index_open_follower(f->index_folder, f->scratch, &follower, &f->error), CAS_UNSUPPORTED);
}

static void entries_without_a_version_are_corrupt(void **state) {
  struct fixture *f = *state;
  put_raw(f, "something", "else");
  assert_int_equal(index_open(f->index_folder, &f->index, &f->error), CAS_CORRUPT);
}

static void this_version_is_opened(void **state) {
  struct fixture *f = *state;
  put_raw(f, "v", INDEX_VERSION);
  assert_ok(index_open(f->index_folder, &f->index, &f->error), &f->error);
}

/* Entries whose key or value no index writes: what meets them says so, and nothing else suffers. */
static void damaged_entries_are_corrupt(void **state) {
  struct fixture *f = *state;
  struct index_node node;
  struct index_totals totals;
  struct texts texts = {0};
  char name[256];
  put_raw(f, "v", INDEX_VERSION);
  put_raw(f, "t", "\xff");
  put_raw(f, "n\x01/p", "\xff");
  put_raw(f, "n\x02p/a/b", "");
  put_raw_key(f,
              "u\x02"
              "1\0\0\0\0\0",
              8, ""); /* no path behind the version */
  put_raw(f, "d20200101", "");
  assert_ok(index_open(f->index_folder, &f->index, &f->error), &f->error);
  assert_int_equal(index_get_node(f->index, "p", &node, &f->error), CAS_CORRUPT);
  assert_int_equal(index_list(f->index, "", NULL, add_path, &texts, &f->error), CAS_CORRUPT);
  assert_int_equal(index_list(f->index, "p", NULL, add_path, &texts, &f->error), CAS_CORRUPT);
  assert_int_equal(index_get_totals(f->index, &totals, &f->error), CAS_CORRUPT);
  assert_int_equal(index_find_uid(f->index, CAS_LEVEL_STUDY, "1", add_text, &texts, &f->error), CAS_CORRUPT);
  assert_int_equal(index_list_uids(f->index, CAS_LEVEL_STUDY, NULL, add_text, &texts, &f->error), CAS_CORRUPT);
  assert_int_equal(index_list_dates(f->index, NULL, add_text, &texts, &f->error), CAS_CORRUPT);
  assert_int_equal(index_find_dates(f->index, NULL, NULL, add_text, &texts, &f->error), CAS_CORRUPT);
  assert_int_equal(index_get_name(f->index, "", "x", name, sizeof name, &f->error), CAS_NOT_FOUND);
  struct index_batch *batch;
  assert_int_equal(index_batch_begin(f->index, &batch, &f->error), CAS_CORRUPT);
  assert_int_equal(texts.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_folder, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(another_version_is_unsupported),
      TEST(entries_without_a_version_are_corrupt),
      TEST(this_version_is_opened),
      TEST(damaged_entries_are_corrupt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
