/* Segments by number: their names, their list, and how many files are open for reading them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>

#include "base/limits.h"
#include "support/faulty_disk.h"
#include "support/test_folder.h"
#include "volume/volume.h"

static void write_segment(struct volume *volume, uint32_t number) {
  struct io_file *file;
  struct io_block *block;
  struct io_disk *disk = volume_disk(volume);
  assert_int_equal(volume_create(volume, number, &file, NULL), CAS_OK);
  assert_int_equal(disk->ops->block_take(disk, &block, NULL), CAS_OK);
  memset(block->data, (int)(number % 251), SEGMENT_BLOCK_BYTES);
  assert_int_equal(file->ops->submit(file, 0, block, SEGMENT_BLOCK_BYTES, NULL), CAS_OK);
  assert_int_equal(file->ops->sync(file, NULL), CAS_OK);
  file->ops->close(file);
}

static void check_segment(struct volume *volume, uint32_t number) {
  uint8_t bytes[100];
  size_t got;
  uint64_t size;
  assert_int_equal(volume_read(volume, number, 3000, bytes, sizeof bytes, &got, NULL), CAS_OK);
  for (size_t i = 0; i < sizeof bytes; i++) assert_int_equal(bytes[i], number % 251);
  assert_int_equal(volume_size(volume, number, &size, NULL), CAS_OK);
  assert_int_equal(size, SEGMENT_BLOCK_BYTES);
}

static void test_names_are_fixed(void **state) {
  (void)state;
  static const struct {
    uint32_t number;
    const char *name;
  } cases[] = {{1, "segments/00/00000001.seg"},       {999, "segments/00/00000999.seg"},
               {1000, "segments/01/00001000.seg"},    {99999, "segments/99/00099999.seg"},
               {100000, "segments/100/00100000.seg"}, {UINT32_MAX, "segments/4294967/4294967295.seg"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char name[VOLUME_NAME_BYTES];
    volume_name(cases[i].number, VOLUME_HOT, name);
    assert_string_equal(name, cases[i].name);
  }
}

static void test_segments_are_listed_in_order(void **state) {
  (void)state;
  struct io_disk *disk = faulty_disk_create(&(struct faulty_disk_options){.block_bytes = SEGMENT_BLOCK_BYTES});
  static const uint32_t numbers[] = {1000, 2, 100000, 1, 999, 5000, UINT32_MAX};
  static const uint64_t sorted[] = {1, 2, 999, 1000, 5000, 100000, UINT32_MAX};
  struct volume *volume;
  uint64_t *listed;
  size_t count;
  assert_int_equal(volume_open(disk, 2, &volume, NULL), CAS_OK);
  assert_int_equal(volume_list(volume, &listed, &count, NULL, NULL), CAS_OK);
  assert_int_equal(count, 0);
  free(listed);
  for (size_t i = 0; i < 7; i++) write_segment(volume, numbers[i]);
  /* What is not named like a segment of its folder is none. */
  static const char *const others[] = {
      "segments/00/00000003.seg.new", "segments/00/3.seg",     "segments/00/notes.txt",  "segments/00/00001001.seg",
      "segments/00/00000000.seg",     "segments/00000004.seg", "segments/0/00000004.seg"};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) faulty_disk_put(disk, others[i], slice_of("x", 1));
  assert_int_equal(disk->ops->make_folder(disk, "segments/0", NULL), CAS_OK);
  assert_int_equal(disk->ops->make_folder(disk, "segments/00/00000005.seg", NULL), CAS_OK);
  assert_int_equal(volume_list(volume, &listed, &count, NULL, NULL), CAS_OK);
  assert_int_equal(count, 7);
  assert_memory_equal(listed, sorted, sizeof sorted);
  for (size_t i = 0; i < 7; i++) check_segment(volume, numbers[i]);
  free(listed);
  volume_close(volume);
  faulty_disk_destroy(disk);
}

static void test_segments_that_are_not_there(void **state) {
  (void)state;
  struct io_disk *disk = faulty_disk_create(&(struct faulty_disk_options){.block_bytes = SEGMENT_BLOCK_BYTES});
  struct volume *volume;
  struct io_file *file;
  uint8_t byte;
  size_t got;
  uint64_t size;
  assert_int_equal(volume_open(disk, 2, &volume, NULL), CAS_OK);
  write_segment(volume, 1);
  for (uint32_t number = 0; number <= 2; number += 2) {
    assert_int_equal(volume_read(volume, number, 0, &byte, 1, &got, NULL), CAS_NOT_FOUND);
    assert_int_equal(volume_size(volume, number, &size, NULL), CAS_NOT_FOUND);
  }
  assert_int_equal(volume_open_append(volume, 2, &file, NULL), CAS_NOT_FOUND);
  assert_int_equal(volume_create(volume, 1, &file, NULL), CAS_EXISTS);
  check_segment(volume, 1);
  assert_int_equal(volume_remove(volume, 1, NULL), CAS_OK);
  assert_int_equal(volume_read(volume, 1, 0, &byte, 1, &got, NULL), CAS_NOT_FOUND);
  assert_int_equal(volume_remove(volume, 1, NULL), CAS_NOT_FOUND);
  write_segment(volume, 1);
  check_segment(volume, 1);
  volume_close(volume);
  faulty_disk_destroy(disk);
}

static size_t open_descriptors(void) {
  size_t count = 0;
  DIR *folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}

static void test_open_files_are_bounded(void **state) {
  (void)state;
  struct test_folder folder;
  struct io_disk *disk;
  struct volume *volume;
  assert_true(test_folder_make(&folder, NULL));
  assert_int_equal(io_disk_open_plain(folder.path, false, &disk, NULL), CAS_OK);
  assert_int_equal(volume_open(disk, 3, &volume, NULL), CAS_OK);
  for (uint32_t number = 1; number <= 20; number++) write_segment(volume, number);
  size_t before = open_descriptors();
  for (int round = 0; round < 3; round++)
    for (uint32_t number = 1; number <= 20; number++) {
      check_segment(volume, number);
      assert_true(open_descriptors() <= before + 3);
    }
  assert_int_equal(open_descriptors(), before + 3);
  volume_close(volume);
  assert_int_equal(open_descriptors(), before);
  disk->ops->close(disk);
  test_folder_remove(&folder);
}

struct reading {
  struct volume *volume;
  uint32_t first;
};

static void *read_many(void *arg) {
  const struct reading *reading = arg;
  for (uint32_t i = 0; i < 2000; i++) {
    uint32_t number = 1 + (reading->first + i * 7) % 10;
    uint8_t bytes[64];
    size_t got;
    if (volume_read(reading->volume, number, i % 4000, bytes, sizeof bytes, &got, NULL) != CAS_OK) return arg;
    if (bytes[0] != number || bytes[63] != number) return arg;
  }
  return NULL;
}

/* More threads than slots: those that find none read all the same. */
static void test_many_threads_read(void **state) {
  (void)state;
  struct io_disk *disk = faulty_disk_create(&(struct faulty_disk_options){.block_bytes = SEGMENT_BLOCK_BYTES});
  struct reading readings[6];
  pthread_t threads[6];
  struct volume *volume;
  assert_int_equal(volume_open(disk, 2, &volume, NULL), CAS_OK);
  for (uint32_t number = 1; number <= 10; number++) write_segment(volume, number);
  for (uint32_t i = 0; i < 6; i++) {
    readings[i] = (struct reading){volume, i};
    assert_int_equal(pthread_create(&threads[i], NULL, read_many, &readings[i]), 0);
  }
  for (size_t i = 0; i < 6; i++) {
    void *failed;
    assert_int_equal(pthread_join(threads[i], &failed), 0);
    assert_null(failed);
  }
  volume_close(volume);
  faulty_disk_destroy(disk);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names_are_fixed),
      cmocka_unit_test(test_segments_are_listed_in_order),
      cmocka_unit_test(test_segments_that_are_not_there),
      cmocka_unit_test(test_open_files_are_bounded),
      cmocka_unit_test(test_many_threads_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
