/* Opening, closing, damage, blobs, facts and totals. */
#include "index_fixture.h"

#include "index/index_db.h"

#include <dirent.h>

static void a_second_open_is_busy(void **state) {
  struct fixture *f = *state;
  struct index *second = NULL;
  assert_int_equal(index_open(f->index_folder, &second, &f->error), CAS_BUSY);
  assert_null(second);
  assert_int_equal(f->error.status, CAS_BUSY);
}

static int hold_open(const char *folder) {
  struct index *index;
  char byte = index_open(folder, &index, NULL) == CAS_OK ? 'y' : 'n';
  return write(1, &byte, 1) == 1 && read(0, &byte, 1) == 1;
}

static void another_process_is_busy(void **state) {
  struct fixture *f = *state;
  struct process holder = start_process(f->index_folder);
  char byte = 0;
  assert_int_equal(read(holder.hear, &byte, 1), 1);
  assert_int_equal(byte, 'y');
  assert_int_equal(index_open(f->index_folder, &f->index, &f->error), CAS_BUSY);
  kill_process(&holder);
  close_process(&holder);
  assert_ok(index_open(f->index_folder, &f->index, &f->error), &f->error);
}

static void a_folder_without_a_parent_cannot_be_opened(void **state) {
  struct fixture *f = *state;
  char folder[128];
  snprintf(folder, sizeof folder, "%s/no/such/index", f->folder);
  assert_int_equal(index_open(folder, &f->index, &f->error), CAS_IO);
  assert_non_null(strstr(f->error.message, folder));
}

/* A folder named as RocksDB words a held lock must not make another failure look like one. */
static void the_folders_name_does_not_decide_the_status(void **state) {
  struct fixture *f = *state;
  char folder[128];
  snprintf(folder, sizeof folder, "%s/lock hold by current process/index", f->folder);
  assert_int_equal(index_open(folder, &f->index, &f->error), CAS_IO);
}

/* As RocksDB 7.8.3 words them. */
static void messages_become_statuses(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *message;
    cas_status status;
  } cases[] = {
      {"Corruption: block checksum mismatch: No space left on device", CAS_CORRUPT},
      {"IO error: No space left on device: While appending to file: /a/000009.log: No space left on device",
       CAS_NO_SPACE},
      {"IO error: While lock file: /a/LOCK: Resource temporarily unavailable", CAS_BUSY},
      {"IO error: lock hold by current process, acquire time 1: /a/LOCK: No locks available", CAS_BUSY},
      {"IO error: While open a file for random read: /a/lock hold by current process/1.sst: Too many open files",
       CAS_NO_DESCRIPTORS},
      {"Invalid argument: Found options: IO error: While open: /a: Too many open files in system", CAS_NO_DESCRIPTORS},
      {"IO error: While mmap file: /a: Cannot allocate memory", CAS_NO_MEMORY},
      {"Not implemented: something", CAS_IO},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(index_db_fail(&f->error, f->index, "test", strdup(cases[i].message)), cases[i].status);
  assert_int_equal(index_db_fail(&f->error, f->index, "test", NULL), CAS_OK);
}

static bool overwrite(const char *folder, const char *suffix, const char *with, off_t offset) {
  struct dirent *entry;
  bool found = false;
  DIR *listing = opendir(folder);
  assert_non_null(listing);
  while ((entry = readdir(listing)) != NULL) {
    size_t size = strlen(entry->d_name), end = strlen(suffix);
    if (size < end || strcmp(entry->d_name + size - end, suffix) != 0) continue;
    int file = openat(dirfd(listing), entry->d_name, O_WRONLY);
    found |= file >= 0 && pwrite(file, with, strlen(with), offset) == (ssize_t)strlen(with);
    close(file);
  }
  closedir(listing);
  return found;
}

static void a_damaged_list_of_tables_is_corrupt(void **state) {
  struct fixture *f = *state;
  index_close(f->index);
  f->index = NULL;
  struct dirent *entry;
  DIR *listing = opendir(f->index_folder);
  while ((entry = readdir(listing)) != NULL)
    if (strncmp(entry->d_name, "MANIFEST", 8) == 0)
      assert_true(overwrite(f->index_folder, entry->d_name, "damage", 12));
  closedir(listing);
  assert_int_equal(index_open(f->index_folder, &f->index, &f->error), CAS_CORRUPT);
}

static void a_damaged_table_is_corrupt(void **state) {
  struct fixture *f = *state;
  struct blob_id id = blob_id_of(1, 0);
  struct index_blob blob = blob_of(1, 0);
  struct index_batch *batch = begin(f);
  assert_ok(index_batch_put_blob(batch, &id, &blob, &f->error), &f->error);
  apply(f, batch);
  assert_ok(index_flush(f->index, &f->error), &f->error);
  index_close(f->index);
  f->index = NULL;
  assert_true(overwrite(f->index_folder, ".sst", "damage", 3));
  cas_status status = index_open(f->index_folder, &f->index, &f->error);
  if (status == CAS_OK) status = index_get_blob(f->index, &id, &blob, &f->error);
  assert_int_equal(status, CAS_CORRUPT);
}

static void blobs_come_back(void **state) {
  struct fixture *f = *state;
  enum { BLOBS = 500 };
  struct index_batch *batch = begin(f);
  for (uint32_t i = 0; i < BLOBS; i++) {
    struct blob_id id = blob_id_of(i / 2, (uint16_t)(i % 2 ? 0xff00 : 0));
    struct index_blob blob = blob_of(i, (uint8_t)(i % INDEX_CODECS_MAX));
    assert_ok(index_batch_put_blob(batch, &id, &blob, &f->error), &f->error);
  }
  apply(f, batch);
  for (int opened = 0; opened < 2; opened++) {
    for (uint32_t i = 0; i < BLOBS; i++) {
      struct blob_id id = blob_id_of(i / 2, (uint16_t)(i % 2 ? 0xff00 : 0));
      struct index_blob expected = blob_of(i, (uint8_t)(i % INDEX_CODECS_MAX)), blob;
      assert_ok(index_get_blob(f->index, &id, &blob, &f->error), &f->error);
      assert_memory_equal(&blob.cookie, &expected.cookie, 16);
      assert_int_equal(blob.codec, expected.codec);
      assert_int_equal(blob.raw_size, expected.raw_size);
      assert_int_equal(blob.stored_size, expected.stored_size);
      id.ordinal = 7;
      assert_int_equal(index_get_blob(f->index, &id, &blob, &f->error), CAS_NOT_FOUND);
    }
    reopen(f);
  }
}

static void an_impossible_codec_is_refused(void **state) {
  struct fixture *f = *state;
  struct blob_id id = blob_id_of(1, 0);
  struct index_blob blob = blob_of(1, INDEX_CODECS_MAX);
  struct index_batch *batch = begin(f);
  assert_int_equal(index_batch_put_blob(batch, &id, &blob, &f->error), CAS_INVALID);
  apply(f, batch);
  assert_int_equal(index_get_blob(f->index, &id, &blob, &f->error), CAS_NOT_FOUND);
}

static void totals_follow_blobs(void **state) {
  struct fixture *f = *state;
  struct index_totals totals;
  assert_ok(index_get_totals(f->index, &totals, &f->error), &f->error);
  assert_int_equal(totals.blobs, 0);
  struct blob_id first = blob_id_of(1, 0), second = blob_id_of(1, 1);
  struct index_blob a = {.codec = 1, .raw_size = 1000, .stored_size = 600, .cookie.bytes = {1}};
  struct index_blob b = {.codec = 2, .raw_size = 1000, .stored_size = 300, .cookie.bytes = {2}};
  struct index_batch *batch = begin(f);
  assert_ok(index_batch_put_blob(batch, &first, &a, &f->error), &f->error);
  assert_ok(index_batch_put_blob(batch, &second, &b, &f->error), &f->error);
  assert_ok(index_batch_put_blob(batch, &first, &a, &f->error), &f->error); /* the same record again */
  index_batch_count_manifest(batch, 4096);
  apply(f, batch);
  assert_ok(index_get_totals(f->index, &totals, &f->error), &f->error);
  assert_int_equal(totals.blobs, 2);
  assert_int_equal(totals.raw_bytes[1], 1000);
  assert_int_equal(totals.stored_bytes[1], 600);
  assert_int_equal(totals.stored_bytes[2], 300);
  assert_int_equal(totals.manifest_bytes, 4096);
  assert_int_equal(totals.superseded_bytes, 0);
  b.cookie.bytes[0] = 3;
  batch = begin(f);
  assert_ok(index_batch_put_blob(batch, &first, &b, &f->error), &f->error); /* encoded better, elsewhere */
  index_batch_count_manifest(batch, 4096);
  apply(f, batch);
  reopen(f);
  assert_ok(index_get_totals(f->index, &totals, &f->error), &f->error);
  assert_int_equal(totals.blobs, 2);
  assert_int_equal(totals.raw_bytes[1], 0);
  assert_int_equal(totals.stored_bytes[1], 0);
  assert_int_equal(totals.raw_bytes[2], 2000);
  assert_int_equal(totals.stored_bytes[2], 600);
  assert_int_equal(totals.manifest_bytes, 8192);
  assert_int_equal(totals.superseded_bytes, 600);
}

static void totals_follow_nodes(void **state) {
  struct fixture *f = *state;
  struct index_totals totals;
  struct index_batch *batch = begin(f);
  put_node(f, batch, "p", "p", NULL, NULL);
  put_node(f, batch, "p/s", "s", NULL, NULL);
  put_node(f, batch, "p/s/r", "r", NULL, NULL);
  put_node(f, batch, "p/s/r/i", "i", NULL, NULL);
  put_node(f, batch, "p/s/r/j", "j", NULL, NULL);
  put_node(f, batch, "p/s/r/j", "j2", NULL, NULL);
  put_node(f, batch, "q", "q", NULL, NULL);
  apply(f, batch);
  batch = begin(f);
  struct index_node larger = node_of("p/s/r/i", "i", 5);
  larger.bytes = 7;
  assert_ok(index_batch_put_node(batch, &larger, NULL, NULL, &f->error), &f->error);
  put_node(f, batch, "p", "p", NULL, NULL);
  apply(f, batch);
  assert_ok(index_get_totals(f->index, &totals, &f->error), &f->error);
  assert_int_equal(totals.patients, 2);
  assert_int_equal(totals.studies, 1);
  assert_int_equal(totals.series, 1);
  assert_int_equal(totals.instances, 2);
  assert_int_equal(totals.instance_bytes, 5000 + 7);
}

static void put_fact(struct fixture *f, const char *name, const char *value, size_t size) {
  struct index_batch *batch = begin(f);
  assert_ok(index_batch_put_fact(batch, name, slice_of(value, size), &f->error), &f->error);
  apply(f, batch);
}

static void facts_come_back(void **state) {
  struct fixture *f = *state;
  CLEANUP_BUFFER struct cas_buffer value = {0};
  assert_int_equal(index_get_fact(f->index, "mark", &value, &f->error), CAS_NOT_FOUND);
  put_fact(f, "mark", "\0\1\2", 3);
  put_fact(f, "mark/2", "other", 5);
  put_fact(f, "empty", NULL, 0);
  reopen(f);
  assert_ok(index_get_fact(f->index, "mark", &value, &f->error), &f->error);
  assert_int_equal(value.size, 3);
  assert_memory_equal(value.data, "\0\1\2", 3);
  assert_ok(index_get_fact(f->index, "mark/2", &value, &f->error), &f->error);
  assert_true(slice_equal(slice_of_buffer(&value), slice_of("other", 5)));
  assert_ok(index_get_fact(f->index, "empty", &value, &f->error), &f->error);
  assert_int_equal(value.size, 0);
  assert_int_equal(index_get_fact(f->index, "mar", &value, &f->error), CAS_NOT_FOUND);
  char large[100000];
  memset(large, 'd', sizeof large);
  put_fact(f, "dictionary", large, sizeof large);
  assert_ok(index_get_fact(f->index, "dictionary", &value, &f->error), &f->error);
  assert_true(slice_equal(slice_of_buffer(&value), slice_of(large, sizeof large)));
}

static void everything_survives_flush_and_reopen(void **state) {
  struct fixture *f = *state;
  struct index_node back;
  struct index_batch *batch = begin(f);
  put_node(f, batch, "p", "p", "p", NULL);
  apply(f, batch);
  assert_ok(index_flush(f->index, &f->error), &f->error);
  reopen(f);
  struct index_node expected = node_of("p", "p", 5);
  assert_ok(index_get_node(f->index, "p", &back, &f->error), &f->error);
  assert_node_equal(&back, &expected);
  index_node_fini(&back);
  assert_ok(index_refresh(f->index, &f->error), &f->error);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_FOLDER(name) cmocka_unit_test_setup_teardown(name, setup_folder, teardown)

int main(int argc, char **argv) {
  if (argc > 1) return hold_open(argv[1]);
  const struct CMUnitTest tests[] = {
      TEST_FOLDER(another_process_is_busy),
      TEST_FOLDER(a_folder_without_a_parent_cannot_be_opened),
      TEST_FOLDER(the_folders_name_does_not_decide_the_status),
      TEST(messages_become_statuses),
      TEST(a_second_open_is_busy),
      TEST(a_damaged_list_of_tables_is_corrupt),
      TEST(a_damaged_table_is_corrupt),
      TEST(blobs_come_back),
      TEST(an_impossible_codec_is_refused),
      TEST(totals_follow_blobs),
      TEST(totals_follow_nodes),
      TEST(facts_come_back),
      TEST(everything_survives_flush_and_reopen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
