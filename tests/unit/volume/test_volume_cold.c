/* Two tiers: what is found where, which of two files counts, what is removed, and a cold place that is away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/limits.h"
#include "support/faulty_disk.h"
#include "volume/volume.h"

#define MARKER "of this store"

static struct volume *open_volume(struct io_disk **disk) {
  struct volume *volume;
  *disk = faulty_disk_create(&(struct faulty_disk_options){.block_bytes = SEGMENT_BLOCK_BYTES});
  static const char *const folders[] = {"segments", "segments/00", "cold", "cold/00"};
  for (size_t i = 0; i < 4; i++) assert_int_equal((*disk)->ops->make_folder(*disk, folders[i], NULL), CAS_OK);
  faulty_disk_put(*disk, VOLUME_COLD_MARKER, slice_of(MARKER, strlen(MARKER)));
  faulty_disk_put(*disk, VOLUME_COLD_NOTE, slice_of("x\nfolder: /shelf\n", 17));
  assert_int_equal(volume_open(*disk, 2, &volume, NULL), CAS_OK);
  assert_int_equal(volume_use_cold(volume, slice_of(MARKER, strlen(MARKER))), CAS_OK);
  return volume;
}

static void close_volume(struct volume *volume, struct io_disk *disk) {
  volume_close(volume);
  faulty_disk_destroy(disk);
}

/* A file whose bytes say where it lies. */
static void put(struct io_disk *disk, uint64_t segment, enum volume_tier tier) {
  char name[VOLUME_NAME_BYTES];
  volume_name(segment, tier, name);
  faulty_disk_put(disk, name, slice_of(name, strlen(name)));
}

static bool exists(struct io_disk *disk, uint64_t segment, enum volume_tier tier) {
  char name[VOLUME_NAME_BYTES];
  uint64_t size;
  volume_name(segment, tier, name);
  return faulty_disk_bytes(disk, name, &size) != NULL;
}

static void check_found(struct volume *volume, uint64_t segment, enum volume_tier tier) {
  char name[VOLUME_NAME_BYTES], text[VOLUME_NAME_BYTES] = "", present[VOLUME_NAME_BYTES];
  uint64_t found, size;
  enum volume_tier in;
  size_t got;
  volume_name(segment, tier, name);
  assert_int_equal(volume_find(volume, segment_file_number(segment), &found, NULL), CAS_OK);
  assert_int_equal(found, segment);
  assert_int_equal(volume_size(volume, segment, &size, NULL), CAS_OK);
  assert_int_equal(volume_read(volume, segment, 0, (uint8_t *)text, size, &got, NULL), CAS_OK);
  assert_string_equal(text, name);
  assert_int_equal(volume_tier_of(volume, segment, &in, NULL), CAS_OK);
  assert_int_equal(in, tier);
  volume_present_name(volume, segment, present);
  assert_string_equal(present, name);
}

static void check_list(struct volume *volume, const uint64_t *expected, size_t count, bool whole) {
  uint64_t *listed;
  size_t got;
  bool is_whole;
  assert_int_equal(volume_list(volume, &listed, &got, &is_whole, NULL), CAS_OK);
  assert_int_equal(got, count);
  assert_memory_equal(listed, expected, count * sizeof *listed);
  assert_int_equal(is_whole, whole);
  free(listed);
}

static void both_tiers_are_one_list(void **state) {
  (void)state;
  struct io_disk *disk;
  struct volume *volume = open_volume(&disk);
  put(disk, 1, VOLUME_COLD);
  put(disk, segment_file(2, 3), VOLUME_COLD);
  put(disk, 2, VOLUME_HOT);
  put(disk, 3, VOLUME_HOT);
  put(disk, 3, VOLUME_COLD); /* a crash left both: that in the store counts */
  put(disk, segment_file(4, 1), VOLUME_HOT);
  put(disk, 4, VOLUME_COLD);
  put(disk, 5, VOLUME_HOT);
  const uint64_t expected[] = {1, segment_file(2, 3), 3, segment_file(4, 1), 5};
  check_list(volume, expected, 5, true);
  check_found(volume, 1, VOLUME_COLD);
  check_found(volume, segment_file(2, 3), VOLUME_COLD);
  check_found(volume, 3, VOLUME_HOT);
  check_found(volume, segment_file(4, 1), VOLUME_HOT);
  check_found(volume, 5, VOLUME_HOT);
  uint64_t segment;
  assert_int_equal(volume_find(volume, 6, &segment, NULL), CAS_NOT_FOUND);
  /* What the index may not know of gives no way. */
  faulty_disk_put(disk, "cold/00/00000007.seg.new", slice_of("x", 1));
  faulty_disk_put(disk, "segments/00/00000007.seg.new", slice_of("x", 1));
  assert_int_equal(volume_clean(volume, false, NULL), CAS_OK);
  assert_true(exists(disk, 2, VOLUME_HOT) && exists(disk, 3, VOLUME_HOT));
  assert_false(exists(disk, 3, VOLUME_COLD) || exists(disk, 4, VOLUME_COLD));
  uint64_t size;
  assert_null(faulty_disk_bytes(disk, "cold/00/00000007.seg.new", &size));
  assert_null(faulty_disk_bytes(disk, "segments/00/00000007.seg.new", &size));
  assert_int_equal(volume_clean(volume, true, NULL), CAS_OK);
  assert_false(exists(disk, 2, VOLUME_HOT));
  check_list(volume, expected, 5, true);
  for (unsigned i = 0; i < 5; i++) check_found(volume, expected[i], i < 2 ? VOLUME_COLD : VOLUME_HOT);
  close_volume(volume, disk);
}

static void a_segment_is_found_where_it_went(void **state) {
  (void)state;
  struct io_disk *disk;
  struct volume *volume = open_volume(&disk);
  put(disk, 1, VOLUME_HOT);
  put(disk, 2, VOLUME_HOT);
  check_found(volume, 1, VOLUME_HOT);
  put(disk, 1, VOLUME_COLD);
  assert_int_equal(volume_discard(volume, 1, VOLUME_HOT, NULL), CAS_OK);
  check_found(volume, 1, VOLUME_COLD);
  put(disk, 1, VOLUME_HOT);
  assert_int_equal(volume_discard(volume, 1, VOLUME_COLD, NULL), CAS_OK);
  check_found(volume, 1, VOLUME_HOT);
  /* The copy in the other tier goes, and nobody notices. */
  put(disk, 1, VOLUME_COLD);
  assert_int_equal(volume_discard(volume, 1, VOLUME_COLD, NULL), CAS_OK);
  check_found(volume, 1, VOLUME_HOT);
  close_volume(volume, disk);
}

static void check_away(struct volume *volume, const char *why) {
  struct cas_error error = {0};
  uint64_t segment, size;
  const uint64_t hot[] = {segment_file(2, 1), 4};
  check_list(volume, hot, 2, false);
  assert_int_equal(volume_find(volume, 1, &segment, &error), CAS_AWAY);
  assert_non_null(strstr(error.message, "segment 1"));
  assert_non_null(strstr(error.message, "/shelf"));
  assert_non_null(strstr(error.message, why));
  assert_int_equal(volume_size(volume, 3, &size, NULL), CAS_AWAY);
  /* Replaced by what is there, and behind the end: nowhere. */
  assert_int_equal(volume_size(volume, 2, &size, NULL), CAS_NOT_FOUND);
  assert_int_equal(volume_size(volume, 5, &size, NULL), CAS_NOT_FOUND);
  assert_int_equal(volume_find(volume, 5, &segment, NULL), CAS_NOT_FOUND);
  check_found(volume, 4, VOLUME_HOT);
  struct io_file *file;
  assert_int_equal(volume_create_new(volume, 4, VOLUME_COLD, &file, NULL), CAS_AWAY);
  assert_int_equal(volume_clean(volume, false, NULL), CAS_OK);
}

static void away_is_neither_empty_nor_lost(void **state) {
  (void)state;
  struct io_disk *disk;
  struct volume *volume = open_volume(&disk);
  put(disk, 1, VOLUME_COLD);
  put(disk, segment_file(2, 1), VOLUME_HOT);
  put(disk, 3, VOLUME_COLD);
  put(disk, 4, VOLUME_HOT);
  assert_int_equal(disk->ops->remove(disk, VOLUME_COLD_MARKER, NULL), CAS_OK);
  check_away(volume, "no file CASSETTE-COLD");
  faulty_disk_put(disk, VOLUME_COLD_MARKER, slice_of("of another", 10));
  check_away(volume, "another store's");
  faulty_disk_put(disk, VOLUME_COLD_MARKER, slice_of(MARKER, strlen(MARKER)));
  check_found(volume, 1, VOLUME_COLD);
  check_found(volume, 3, VOLUME_COLD);
  /* Without a note there is none, and never was. */
  volume_close_unused(volume);
  assert_int_equal(disk->ops->remove(disk, VOLUME_COLD_MARKER, NULL), CAS_OK);
  assert_int_equal(disk->ops->remove(disk, VOLUME_COLD_NOTE, NULL), CAS_OK);
  uint64_t size;
  assert_int_equal(volume_size(volume, 1, &size, NULL), CAS_NOT_FOUND);
  close_volume(volume, disk);
}

/* What fails is opened anew: after an outage, the file is another one. */
static void a_cold_file_that_fails_is_opened_again(void **state) {
  (void)state;
  struct io_disk *disk;
  struct volume *volume = open_volume(&disk);
  uint8_t byte;
  size_t got;
  put(disk, 1, VOLUME_COLD);
  put(disk, 2, VOLUME_HOT);
  check_found(volume, 1, VOLUME_COLD);
  check_found(volume, 2, VOLUME_HOT);
  faulty_disk_fail(disk, FAULTY_READ, 1, 1, 116 /* ESTALE */);
  assert_int_equal(volume_read(volume, 1, 0, &byte, 1, &got, NULL), CAS_OK);
  faulty_disk_fail(disk, FAULTY_READ, 1, 2, 5 /* EIO */); /* the file, then the marker */
  assert_int_equal(volume_read(volume, 1, 0, &byte, 1, &got, NULL), CAS_AWAY);
  check_found(volume, 1, VOLUME_COLD);
  faulty_disk_fail(disk, FAULTY_READ, 1, 1, 5);
  assert_int_equal(volume_read(volume, 2, 0, &byte, 1, &got, NULL), CAS_IO);
  close_volume(volume, disk);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_tiers_are_one_list),
      cmocka_unit_test(a_segment_is_found_where_it_went),
      cmocka_unit_test(away_is_neither_empty_nor_lost),
      cmocka_unit_test(a_cold_file_that_fails_is_opened_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
