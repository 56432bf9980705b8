/*
 * Damage in the files of an index: who follows must see everything or be refused. RocksDB's list of tables, cut off
 * behind any whole entry, is a whole list to RocksDB.
 */
#include "index_fixture.h"

#include <dirent.h>
#include <unistd.h>

#include "index/index_tables.h"
#include "support/test_stride.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static void write_and_flush(struct fixture *f, const char *value) {
  struct index_batch *batch = begin(f);
  assert_ok(index_batch_put_fact(batch, "a", slice_of(value, strlen(value)), &f->error), &f->error);
  apply(f, batch);
  assert_ok(index_flush(f->index, &f->error), &f->error);
}

static void close_index(struct fixture *f) {
  index_close(f->index);
  f->index = NULL;
}

/* The path of a file whose name has this in it. */
static void find_file(const struct fixture *f, const char *part, char path[400]) {
  DIR *folder = opendir(f->index_folder);
  const struct dirent *entry;
  assert_non_null(folder);
  while ((entry = readdir(folder)) != NULL && strstr(entry->d_name, part) == NULL) continue;
  assert_non_null(entry);
  snprintf(path, 400, "%s/%s", f->index_folder, entry->d_name);
  closedir(folder);
}

static size_t read_file(const char *path, uint8_t bytes[FILE_BYTES_MAX]) {
  FILE *file = fopen(path, "re");
  assert_non_null(file);
  size_t size = fread(bytes, 1, FILE_BYTES_MAX, file);
  assert_true(size < FILE_BYTES_MAX);
  fclose(file);
  return size;
}

static void write_file(const char *path, const uint8_t *bytes, size_t size) {
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

/* CAS_CORRUPT, or CAS_OK where what was written last is there. */
static cas_status follow(struct fixture *f, const char *written_last) {
  CLEANUP_BUFFER struct cas_buffer value = {0};
  struct index *index = NULL;
  cas_status status = index_open_follower(f->index_folder, f->scratch, &index, &f->error);
  if (status == CAS_OK) status = index_get_fact(index, "a", &value, &f->error);
  index_close(index);
  if (status == CAS_OK)
    assert_true(slice_equal(slice_of_buffer(&value), slice_of(written_last, strlen(written_last))));
  else
    assert_int_equal(status, CAS_CORRUPT);
  return status;
}

/* An entry of RocksDB's logs has a head of 7 bytes: checksum, size of what follows, kind. */
static size_t entry_bytes(const uint8_t *at) { return 7 + (size_t)at[4] + ((size_t)at[5] << 8); }

/* The last entry may be one that nothing follows from: which logs of writes are gone. */
static void a_list_of_tables_that_is_cut_off_shows_nothing_of_earlier(void **state) {
  static uint8_t whole[FILE_BYTES_MAX];
  struct fixture *f = *state;
  char list[400];
  unsigned refused = 0;
  write_and_flush(f, "first");
  write_and_flush(f, "second");
  close_index(f);
  find_file(f, "MANIFEST-", list);
  size_t size = read_file(list, whole);
  for (size_t at = 0; at < size; at += entry_bytes(whole + at)) {
    write_file(list, whole, at);
    refused += follow(f, "second") == CAS_CORRUPT;
  }
  assert_true(refused >= 4);
  write_file(list, whole, size);
  assert_int_equal(follow(f, "second"), CAS_OK);
}

/* The log has what it lost. */
static void a_writer_goes_on_from_what_is_left(void **state) {
  static uint8_t list_bytes[FILE_BYTES_MAX];
  struct fixture *f = *state;
  char list[400];
  write_and_flush(f, "first");
  find_file(f, "MANIFEST-", list);
  size_t size = read_file(list, list_bytes);
  write_and_flush(f, "second");
  close_index(f);
  assert_int_equal(truncate(list, (off_t)size), 0);
  assert_int_equal(follow(f, "second"), CAS_CORRUPT);
  reopen(f);
  assert_int_equal(follow(f, "first"), CAS_OK);
}

static void damage_of_what_was_reached_hides_nothing(void **state) {
  static uint8_t bytes[FILE_BYTES_MAX];
  struct fixture *f = *state;
  char path[400];
  write_and_flush(f, "all");
  close_index(f);
  find_file(f, "REACHED", path);
  size_t size = read_file(path, bytes);
  for (size_t i = 0; i < size; i += test_stride(1)) {
    bytes[i] ^= (uint8_t)(1u << i % 8);
    write_file(path, bytes, size);
    assert_int_equal(follow(f, "all"), CAS_OK);
    bytes[i] ^= (uint8_t)(1u << i % 8);
  }
  write_file(path, bytes, size / 2);
  assert_int_equal(follow(f, "all"), CAS_OK);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(follow(f, "all"), CAS_OK);
}

/* RocksDB, as Debian builds it, ends the process over some properties of a table that cannot be; they are near its end.
 */
static void a_damaged_table_is_refused(void **state) {
  static uint8_t bytes[FILE_BYTES_MAX];
  struct fixture *f = *state;
  char path[400];
  write_and_flush(f, "all");
  close_index(f);
  find_file(f, ".sst", path);
  size_t size = read_file(path, bytes);
  for (size_t i = size / 2; i < size; i += test_stride(7)) {
    bytes[i] ^= 0x80;
    write_file(path, bytes, size);
    (void)follow(f, "all");
    bytes[i] ^= 0x80;
  }
  write_file(path, bytes, size);
  assert_int_equal(follow(f, "all"), CAS_OK);
}

/* The power went while it was written: its end is on the disk, and a sector before that is not. */
static void a_damaged_table_that_is_not_in_force_is_no_damage(void **state) {
  static uint8_t bytes[FILE_BYTES_MAX];
  struct fixture *f = *state;
  char path[400], stray[500];
  write_and_flush(f, "all");
  close_index(f);
  find_file(f, ".sst", path);
  snprintf(stray, sizeof stray, "%s/000999.sst", f->index_folder);
  size_t size = read_file(path, bytes);
  for (size_t i = size / 2; i < size; i++) {
    bytes[i] ^= 0x80;
    write_file(path, bytes, size);
    const bool is_refused = index_tables_check(f->index_folder, NULL) == CAS_CORRUPT;
    write_file(stray, bytes, size);
    bytes[i] ^= 0x80;
    write_file(path, bytes, size);
    assert_int_equal(index_tables_check(f->index_folder, NULL), CAS_OK);
    if (!is_refused) continue;
    reopen(f);
    assert_int_not_equal(access(stray, F_OK), 0);
    return;
  }
  fail();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_list_of_tables_that_is_cut_off_shows_nothing_of_earlier, setup, teardown),
      cmocka_unit_test_setup_teardown(a_writer_goes_on_from_what_is_left, setup, teardown),
      cmocka_unit_test_setup_teardown(a_damaged_table_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_damaged_table_that_is_not_in_force_is_no_damage, setup, teardown),
      cmocka_unit_test_setup_teardown(damage_of_what_was_reached_hides_nothing, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
