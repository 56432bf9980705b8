/*
 * The real disks, io_uring and plain, over a temporary folder: each test runs with both. What only a broken device
 * shows is left to the faulty disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/disk.h"
#include "support/test_folder.h"

struct place {
  struct test_folder folder;
  struct io_disk *disk;
};

typedef cas_status (*open_fn)(const char *folder, bool read_only, struct io_disk **disk, struct cas_error *error);

static int set_up(void **state, const char *parent, open_fn open) {
  struct place *place = calloc(1, sizeof *place);
  if (!test_folder_make(&place->folder, parent)) return -1;
  struct cas_error error = {0};
  if (open(place->folder.path, false, &place->disk, &error) != CAS_OK) {
    print_error("%s\n", error.message);
    return -1;
  }
  *state = place;
  return 0;
}

static int set_up_ring(void **state) { return set_up(state, NULL, io_disk_open); }
static int set_up_plain(void **state) { return set_up(state, NULL, io_disk_open_plain); }
static int set_up_memory(void **state) {
  return set_up(state, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL, io_disk_open);
}

static int tear_down(void **state) {
  struct place *place = *state;
  place->disk->ops->close(place->disk);
  test_folder_remove(&place->folder);
  free(place);
  return 0;
}

static uint8_t byte_at(uint64_t offset) { return (uint8_t)(offset * 131 + (offset >> 11)); }

static cas_status write_range(struct place *place, struct io_file *file, uint64_t from, uint64_t to) {
  while (from < to) {
    struct io_block *block;
    assert_int_equal(place->disk->ops->block_take(place->disk, &block, NULL), CAS_OK);
    size_t size = to - from < block->capacity ? (size_t)(to - from) : block->capacity;
    for (size_t i = 0; i < size; i++) block->data[i] = byte_at(from + i);
    cas_status status = file->ops->submit(file, from, block, size, NULL);
    if (status != CAS_OK) return status;
    from += size;
  }
  return CAS_OK;
}

static void check_range(struct io_file *file, uint64_t from, uint64_t to) {
  static uint8_t bytes[1u << 20];
  while (from < to) {
    size_t got, size = to - from < sizeof bytes ? (size_t)(to - from) : sizeof bytes;
    assert_int_equal(file->ops->read(file, from, bytes, size, &got, NULL), CAS_OK);
    assert_int_equal(got, size);
    for (size_t i = 0; i < size; i++)
      if (bytes[i] != byte_at(from + i)) fail_msg("byte %llu differs", (unsigned long long)(from + i));
    from += size;
  }
}

static struct io_file *open_file(struct place *place, const char *name, enum io_open_mode mode) {
  struct io_file *file;
  struct cas_error error = {0};
  if (place->disk->ops->open(place->disk, name, mode, &file, &error) != CAS_OK) fail_msg("%s", error.message);
  return file;
}

static void test_bytes_come_back(void **state) {
  struct place *place = *state;
  struct io_file *file = open_file(place, "a", IO_CREATE), *other;
  uint64_t size, end = 20u << 20; /* more than all blocks together */
  uint8_t byte;
  size_t got;
  assert_int_equal(write_range(place, file, 0, end), CAS_OK);
  assert_int_equal(file->ops->sync(file, NULL), CAS_OK);
  assert_int_equal(file->ops->size(file, &size, NULL), CAS_OK);
  assert_int_equal(size, end);
  check_range(file, 0, end);
  /* Blocks of every length, each synced, read through another file while it grows. */
  other = open_file(place, "a", IO_READ);
  for (uint64_t step = SEGMENT_BLOCK_BYTES; step <= 20 * SEGMENT_BLOCK_BYTES; step += SEGMENT_BLOCK_BYTES) {
    assert_int_equal(write_range(place, file, end, end + step), CAS_OK);
    assert_int_equal(file->ops->sync(file, NULL), CAS_OK);
    check_range(other, end > 5000 ? end - 5000 : 0, end + step);
    assert_int_equal(other->ops->read(other, end + step, &byte, 1, &got, NULL), CAS_END);
    assert_int_equal(got, 0);
    end += step;
  }
  other->ops->close(other);
  file->ops->close(file);
}

static void test_writing_goes_on_in_an_existing_file(void **state) {
  struct place *place = *state;
  struct io_file *file = open_file(place, "a", IO_CREATE);
  assert_int_equal(write_range(place, file, 0, 8192), CAS_OK);
  file->ops->close(file); /* waits for what is in flight */
  file = open_file(place, "a", IO_APPEND);
  assert_int_equal(write_range(place, file, 8192, 3u << 20), CAS_OK);
  assert_int_equal(file->ops->truncate(file, 1u << 20, NULL), CAS_OK);
  assert_int_equal(write_range(place, file, 1u << 20, 2u << 20), CAS_OK);
  assert_int_equal(file->ops->sync(file, NULL), CAS_OK);
  uint64_t size;
  assert_int_equal(file->ops->size(file, &size, NULL), CAS_OK);
  assert_int_equal(size, 2u << 20);
  check_range(file, 0, size);
  file->ops->close(file);
}

static void test_many_files_are_written_at_once(void **state) {
  struct place *place = *state;
  struct io_file *files[7]; /* more than there are fixed ones */
  for (int i = 0; i < 7; i++) {
    char name[16];
    snprintf(name, sizeof name, "file%d", i);
    files[i] = open_file(place, name, IO_CREATE);
  }
  for (uint64_t at = 0; at < 6; at++)
    for (int i = 0; i < 7; i++) assert_int_equal(write_range(place, files[i], at << 18, (at + 1) << 18), CAS_OK);
  for (int i = 6; i >= 0; i--) {
    assert_int_equal(files[i]->ops->sync(files[i], NULL), CAS_OK);
    check_range(files[i], 0, 6u << 18);
    files[i]->ops->close(files[i]);
  }
}

struct names {
  char text[256];
};

static cas_status add_name(void *arg, const char *name) {
  struct names *names = arg;
  size_t used = strlen(names->text);
  snprintf(names->text + used, sizeof names->text - used, "[%s]", name);
  return CAS_OK;
}

static void test_names(void **state) {
  struct place *place = *state;
  const struct io_disk_ops *ops = place->disk->ops;
  struct names names = {0};
  struct io_file *file;
  assert_int_equal(ops->make_folder(place->disk, "f", NULL), CAS_OK);
  assert_int_equal(ops->make_folder(place->disk, "f", NULL), CAS_EXISTS);
  assert_int_equal(ops->make_folder(place->disk, "f/g", NULL), CAS_OK);
  assert_int_equal(ops->open(place->disk, "f/x", IO_APPEND, &file, NULL), CAS_NOT_FOUND);
  assert_int_equal(ops->open(place->disk, "none/x", IO_CREATE, &file, NULL), CAS_NOT_FOUND);
  file = open_file(place, "f/x", IO_CREATE);
  file->ops->close(file);
  assert_int_equal(ops->open(place->disk, "f/x", IO_CREATE, &file, NULL), CAS_EXISTS);
  assert_int_equal(ops->list(place->disk, "f", add_name, &names, NULL), CAS_OK);
  assert_int_equal(strlen(names.text), strlen("[x][g/]"));
  assert_non_null(strstr(names.text, "[x]"));
  assert_non_null(strstr(names.text, "[g/]"));
  assert_int_equal(ops->list(place->disk, "none", add_name, &names, NULL), CAS_NOT_FOUND);
  assert_int_equal(ops->remove(place->disk, "f/x", NULL), CAS_OK);
  assert_int_equal(ops->remove(place->disk, "f/x", NULL), CAS_NOT_FOUND);
  uint64_t free_bytes = 0, total_bytes = 0;
  assert_int_equal(ops->space(place->disk, &free_bytes, &total_bytes, NULL), CAS_OK);
  assert_true(total_bytes >= free_bytes && total_bytes > 0);
}

static void test_a_small_file_is_replaced_whole(void **state) {
  struct place *place = *state;
  const struct io_disk_ops *ops = place->disk->ops;
  uint8_t bytes[16] = {0};
  size_t got;
  assert_int_equal(ops->replace(place->disk, "s", slice_of("first content", 13), NULL), CAS_OK);
  assert_int_equal(ops->replace(place->disk, "s", slice_of("second", 6), NULL), CAS_OK);
  struct io_file *file = open_file(place, "s", IO_READ);
  assert_int_equal(file->ops->read(file, 0, bytes, sizeof bytes, &got, NULL), CAS_END);
  assert_int_equal(got, 6);
  assert_memory_equal(bytes, "second", 6);
  file->ops->close(file);
  struct names names = {0};
  assert_int_equal(ops->list(place->disk, "", add_name, &names, NULL), CAS_OK);
  assert_string_equal(names.text, "[s]");
}

/* A write that the system refuses, here for the limit on file sizes, bars sync until the file is cut; then all goes on.
 */
static void test_a_failed_write_is_told_and_mended(void **state) {
  struct place *place = *state;
  struct io_file *file = open_file(place, "a", IO_CREATE);
  struct rlimit old, small = {(4u << 20) + 8192, RLIM_INFINITY}; /* within a block: the system writes a part */
  assert_int_equal(write_range(place, file, 0, 1u << 20), CAS_OK);
  assert_int_equal(file->ops->sync(file, NULL), CAS_OK);
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  small.rlim_max = old.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  struct cas_error error = {0};
  (void)!write_range(place, file, 1u << 20, 6u << 20);
  cas_status status = file->ops->sync(file, &error);
  cas_status again = file->ops->sync(file, NULL);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
  assert_int_equal(status, CAS_IO);
  assert_int_equal(again, CAS_IO);
  assert_int_equal(error.system_errno, EFBIG);
  assert_int_equal(file->ops->truncate(file, 1u << 20, NULL), CAS_OK);
  assert_int_equal(write_range(place, file, 1u << 20, 6u << 20), CAS_OK);
  assert_int_equal(file->ops->sync(file, NULL), CAS_OK);
  check_range(file, 0, 6u << 20);
  file->ops->close(file);
}

static void test_a_block_can_be_given_back(void **state) {
  struct place *place = *state;
  for (int round = 0; round < 3; round++) {
    struct io_block *blocks[WRITE_BUFFER_COUNT];
    for (size_t i = 0; i < WRITE_BUFFER_COUNT; i++) {
      assert_int_equal(place->disk->ops->block_take(place->disk, &blocks[i], NULL), CAS_OK);
      assert_int_equal(blocks[i]->capacity, WRITE_BUFFER_BYTES);
      assert_int_equal((uintptr_t)blocks[i]->data % SEGMENT_BLOCK_BYTES, 0);
      for (size_t j = 0; j < i; j++) assert_ptr_not_equal(blocks[i], blocks[j]);
    }
    for (size_t i = 0; i < WRITE_BUFFER_COUNT; i++) place->disk->ops->block_return(place->disk, blocks[i]);
  }
}

static void test_reading_only(void **state) {
  struct place *place = *state;
  struct io_disk *reader;
  struct io_file *file = open_file(place, "a", IO_CREATE);
  struct io_block *block;
  assert_int_equal(write_range(place, file, 0, 8192), CAS_OK);
  assert_int_equal(file->ops->sync(file, NULL), CAS_OK);
  file->ops->close(file);
  assert_int_equal(io_disk_open(place->folder.path, true, &reader, NULL), CAS_OK);
  assert_int_equal(reader->ops->open(reader, "b", IO_CREATE, &file, NULL), CAS_INVALID);
  assert_int_equal(reader->ops->open(reader, "a", IO_APPEND, &file, NULL), CAS_INVALID);
  assert_int_equal(reader->ops->block_take(reader, &block, NULL), CAS_INVALID);
  assert_int_equal(reader->ops->open(reader, "a", IO_READ, &file, NULL), CAS_OK);
  check_range(file, 0, 8192);
  file->ops->close(file);
  reader->ops->close(reader);
}

static void test_a_missing_folder(void **state) {
  (void)state;
  struct io_disk *disk;
  struct cas_error error = {0};
  assert_int_equal(io_disk_open("/nowhere/at/all", false, &disk, &error), CAS_NOT_FOUND);
  assert_non_null(strstr(error.message, "/nowhere/at/all"));
  assert_int_equal(io_disk_open("/nowhere/at/all", true, &disk, &error), CAS_NOT_FOUND);
}

#define ON(disk, test)                                                                                                 \
  { #test " on " #disk, test, set_up_##disk, tear_down, NULL }
#define ON_ALL(test) ON(ring, test), ON(plain, test), ON(memory, test)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_ALL(test_bytes_come_back),
      ON_ALL(test_writing_goes_on_in_an_existing_file),
      ON_ALL(test_many_files_are_written_at_once),
      ON_ALL(test_names),
      ON_ALL(test_a_small_file_is_replaced_whole),
      ON_ALL(test_a_failed_write_is_told_and_mended),
      ON_ALL(test_a_block_can_be_given_back),
      ON_ALL(test_reading_only),
      cmocka_unit_test(test_a_missing_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
