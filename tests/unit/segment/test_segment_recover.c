/* Where the log ends and what is damage: each way in which a store can be found. */
#include "segment_fixture.h"

#include <errno.h>

/* Three groups of ten in segment 1, two in segment 2, one in segment 3. marks[i] is behind group i + 1. */
static struct fixture make_log(struct segment_mark marks[6]) {
  struct fixture fixture = fixture_make_faulty(false);
  fixture_open_writer(&fixture, 1u << 20);
  for (uint32_t i = 0; i < 6; i++) {
    if (i == 3 || i == 5) {
      fixture_close_writer(&fixture);
      fixture_open_writer(&fixture, 1); /* every group begins a segment */
    }
    if (i == 4) {
      fixture_close_writer(&fixture);
      fixture_open_writer(&fixture, 1u << 20);
    }
    assert_int_equal(fixture_group(&fixture, 10 * i, 10, NULL), CAS_OK);
    marks[i] = fixture.mark;
  }
  fixture_close_writer(&fixture);
  assert_int_equal(marks[2].segment, 1);
  assert_int_equal(marks[4].segment, 2);
  assert_int_equal(marks[5].segment, 3);
  return fixture;
}

static void spoil(struct fixture *fixture, uint32_t segment, uint64_t offset, size_t size) {
  uint64_t total;
  uint8_t *bytes = fixture_bytes(fixture, segment, &total);
  assert_true(offset + size <= total);
  for (size_t i = 0; i < size; i++) bytes[offset + i] ^= 0xA5;
}

static void cut(struct fixture *fixture, uint32_t segment, uint64_t size) {
  struct io_file *file;
  assert_int_equal(volume_open_append(fixture->volume, segment, &file, NULL), CAS_OK);
  assert_int_equal(file->ops->truncate(file, size, NULL), CAS_OK);
  file->ops->close(file);
}

/* Bytes that hold no record, behind a segment's end. */
static void add_rubbish(struct fixture *fixture, uint32_t segment, uint64_t size) {
  struct io_file *file;
  struct io_block *block;
  uint64_t end;
  assert_int_equal(volume_open_append(fixture->volume, segment, &file, NULL), CAS_OK);
  assert_int_equal(file->ops->size(file, &end, NULL), CAS_OK);
  assert_int_equal(fixture->disk->ops->block_take(fixture->disk, &block, NULL), CAS_OK);
  assert_true(size <= block->capacity);
  memset(block->data, 0x77, size);
  assert_int_equal(file->ops->submit(file, end, block, size, NULL), CAS_OK);
  assert_int_equal(file->ops->sync(file, NULL), CAS_OK);
  file->ops->close(file);
}

static void test_an_empty_store(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  struct segment_mark end = {.group = 9};
  struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
  assert_int_equal(tally.commits + tally.torn + tally.damages, 0);
  assert_same_mark(&end, &(struct segment_mark){.segment = 1});
  fixture_destroy(&fixture);
}

static void test_a_torn_tail_is_cut_off(void **state) {
  (void)state;
  struct segment_mark marks[6], end;
  struct fixture fixture = make_log(marks);
  add_rubbish(&fixture, 3, SEGMENT_BLOCK_BYTES);
  struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
  assert_int_equal(tally.records, 60);
  assert_int_equal(tally.torn, 1);
  assert_int_equal(tally.torn_offset, marks[5].offset);
  assert_same_mark(&end, &marks[5]);
  fixture_open_writer(&fixture, 1u << 20);
  uint64_t size;
  fixture_bytes(&fixture, 3, &size);
  assert_int_equal(size, marks[5].offset);
  fixture_destroy(&fixture);
}

/* The remains of a creation are not a segment, and the next one takes their place. */
static void test_a_segment_without_a_header_is_void(void **state) {
  (void)state;
  for (int variant = 0; variant < 3; variant++) {
    struct segment_mark marks[6], end;
    struct fixture fixture = make_log(marks);
    char name[VOLUME_NAME_BYTES];
    static const uint8_t rubbish[SEGMENT_HEADER_BYTES] = "not a header";
    volume_name(4, VOLUME_HOT, name);
    faulty_disk_put(fixture.disk, name, slice_of(rubbish, variant == 0 ? 0 : variant == 1 ? 100 : sizeof rubbish));
    struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
    assert_int_equal(tally.records, 60);
    assert_int_equal(tally.damages, 0);
    assert_same_mark(&end, &marks[5]);
    assert_int_equal(fixture_scan(&fixture, 4).damages, 0);
    fixture.mark = end;
    fixture_open_writer(&fixture, 1);
    assert_int_equal(fixture_group(&fixture, 60, 10, NULL), CAS_OK);
    assert_int_equal(fixture.mark.segment, 4);
    tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
    assert_int_equal(tally.records, 70);
    assert_int_equal(tally.damages + tally.torn, 0);
    fixture_destroy(&fixture);
  }
}

/* But a longer one had a header: it is damaged, and stays as it is. */
static void test_a_long_segment_without_a_header_is_damaged(void **state) {
  (void)state;
  struct segment_mark marks[6], end;
  struct fixture fixture = make_log(marks);
  char name[VOLUME_NAME_BYTES];
  static const uint8_t rubbish[2 * SEGMENT_HEADER_BYTES] = "not a header";
  volume_name(4, VOLUME_HOT, name);
  faulty_disk_put(fixture.disk, name, slice_of(rubbish, sizeof rubbish));
  struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
  assert_int_equal(tally.records, 60);
  assert_int_equal(tally.damages, 1);
  assert_int_equal(end.group, marks[5].group);
  fixture.mark = end;
  fixture_open_writer(&fixture, 1);
  assert_int_equal(fixture_group(&fixture, 60, 10, NULL), CAS_OK);
  assert_true(fixture.mark.segment > 4);
  uint64_t size;
  fixture_bytes(&fixture, 4, &size);
  assert_int_equal(size, sizeof rubbish);
  tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
  assert_int_equal(tally.records, 70);
  assert_int_equal(tally.damages, 1);
  fixture_destroy(&fixture);
}

/* A header alone, its first group lost: the log goes on in it. */
static void test_a_segment_with_only_a_header(void **state) {
  (void)state;
  struct segment_mark marks[6], end;
  struct fixture fixture = make_log(marks);
  cut(&fixture, 3, SEGMENT_HEADER_BYTES);
  struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
  assert_int_equal(tally.records, 50);
  assert_same_mark(&end, &(struct segment_mark){.group = 5, .segment = 3, .offset = SEGMENT_HEADER_BYTES});
  tally = fixture_recover(&fixture, marks[4], &end);
  assert_int_equal(end.group, 5);
  fixture.mark = end;
  fixture_open_writer(&fixture, 1u << 20);
  assert_int_equal(fixture_group(&fixture, 50, 10, NULL), CAS_OK);
  assert_int_equal(fixture.mark.group, 6);
  assert_int_equal(fixture.mark.segment, 3);
  /* And its COMMIT knows the end of segment 2, when the header is damaged later. */
  add_rubbish(&fixture, 2, SEGMENT_BLOCK_BYTES);
  spoil(&fixture, 3, 0, 1);
  tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
  assert_int_equal(tally.records, 60);
  assert_int_equal(tally.torn, 1);
  assert_int_equal(tally.damages, 1);
  fixture_destroy(&fixture);
}

static void test_rot_within_the_log(void **state) {
  (void)state;
  struct segment_mark marks[6], end;
  struct fixture fixture = make_log(marks);
  spoil(&fixture, 1, marks[0].offset + 8, 4); /* the header of record 10, which has no payload */
  struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
  assert_int_equal(tally.records, 59);
  assert_int_equal(tally.numbers[10], 11);
  assert_int_equal(tally.commits, 6);
  assert_int_equal(tally.damages, 1);
  assert_int_equal(tally.damage_offset, marks[0].offset);
  assert_same_mark(&end, &marks[5]);
  fixture_destroy(&fixture);
}

/* A COMMIT that rotted: the next group, or the next segment, proves that its group was durable. */
static void test_a_rotten_commit(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 5; i++) {
    struct segment_mark marks[6], end;
    struct fixture fixture = make_log(marks);
    spoil(&fixture, marks[i].segment, marks[i].offset - 20, 4);
    struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
    assert_int_equal(tally.records, 60);
    assert_int_equal(tally.damages, 1);
    assert_int_equal(tally.damage_segment, marks[i].segment);
    assert_int_equal(tally.commits, i == 2 || i == 4 ? 6 : 5);
    assert_int_equal(tally.torn, 0);
    assert_same_mark(&end, &marks[5]);
    fixture_destroy(&fixture);
  }
}

static void test_a_rotten_segment_header(void **state) {
  (void)state;
  for (uint32_t segment = 1; segment <= 3; segment++) {
    struct segment_mark marks[6], end;
    struct fixture fixture = make_log(marks);
    if (segment > 1) add_rubbish(&fixture, segment - 1, SEGMENT_BLOCK_BYTES);
    spoil(&fixture, segment, 30, 1);
    struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
    assert_int_equal(tally.records, 60);
    assert_int_equal(tally.damages, 1);
    assert_int_equal(tally.damage_segment, segment);
    assert_int_equal(tally.damage_offset, 0);
    assert_int_equal(tally.torn, segment > 1);
    assert_int_equal(end.group, 6);
    fixture.mark = end;
    fixture_open_writer(&fixture, 1u << 20);
    assert_int_equal(fixture_group(&fixture, 60, 10, NULL), CAS_OK);
    assert_int_equal(fixture_recover(&fixture, (struct segment_mark){0}, &end).records, 70);
    fixture_destroy(&fixture);
  }
}

/* A group whose sync failed, though all its bytes reached the disk: void, also when the header that says so is gone. */
static void test_a_void_group_stays_void(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  struct segment_mark end;
  fixture_open_writer(&fixture, 1u << 20);
  assert_int_equal(fixture_group(&fixture, 0, 10, NULL), CAS_OK);
  faulty_disk_fail(fixture.disk, FAULTY_SYNC, 1, 1, EIO);
  assert_int_equal(fixture_group(&fixture, 100, 10, NULL), CAS_IO);
  assert_int_equal(fixture_recover(&fixture, (struct segment_mark){0}, &end).records, 20); /* nobody knows better yet */
  assert_int_equal(fixture_group(&fixture, 10, 10, NULL), CAS_OK);
  for (int rotten = 0; rotten < 2; rotten++) {
    if (rotten == 1) spoil(&fixture, 2, 50, 1);
    struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
    assert_int_equal(tally.records, 20);
    assert_int_equal(tally.numbers[10], 10);
    assert_int_equal(tally.torn, 1);
    assert_int_equal(tally.torn_segment, 1);
    assert_int_equal(tally.damages, rotten);
    assert_same_mark(&end, &fixture.mark);
    tally = fixture_scan(&fixture, 1);
    assert_int_equal(tally.records, 10);
    assert_int_equal(tally.torn, 1);
  }
  fixture_destroy(&fixture);
}

static void test_a_missing_segment(void **state) {
  (void)state;
  for (uint32_t segment = 1; segment <= 2; segment++) {
    struct segment_mark marks[6], end;
    struct fixture fixture = make_log(marks);
    assert_int_equal(volume_remove(fixture.volume, segment, NULL), CAS_OK);
    struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
    assert_int_equal(tally.records, segment == 1 ? 30 : 40);
    assert_int_equal(tally.damages, 1);
    assert_int_equal(tally.damage_segment, segment);
    assert_int_equal(tally.damage_size, 0);
    assert_same_mark(&end, &marks[5]);
    fixture_destroy(&fixture);
  }
}

/* A disk that lied about a sync: the index knows more than the log. */
static void test_a_log_that_ends_before_the_mark(void **state) {
  (void)state;
  struct segment_mark marks[6], end;
  struct fixture fixture = make_log(marks);
  struct tally tally = {0};
  struct segment_writer *writer;
  cut(&fixture, 3, marks[5].offset - SEGMENT_BLOCK_BYTES);
  assert_int_equal(segment_recover(fixture.volume, &fixture_key, marks[5], 0, tally_event, &tally, &end, NULL),
                   CAS_CORRUPT);
  assert_int_equal(segment_writer_open(fixture.volume, &fixture_key, NULL, marks[5], &writer, NULL), CAS_CORRUPT);
  assert_int_equal(fixture_recover(&fixture, (struct segment_mark){0}, &end).records, 50);
  assert_int_equal(volume_remove(fixture.volume, 3, NULL), CAS_OK);
  assert_int_equal(segment_recover(fixture.volume, &fixture_key, marks[5], 0, tally_event, &tally, &end, NULL),
                   CAS_CORRUPT);
  assert_int_equal(fixture_recover(&fixture, marks[4], &end).records, 0);
  assert_int_equal(fixture_recover(&fixture, (struct segment_mark){0}, &end).records, 50);
  fixture_destroy(&fixture);
}

/* The last group is not whole: its good records are there, the rest is doubtful, and once writing goes on it is torn
 * and no damage for ever. */
static void test_a_doubtful_group(void **state) {
  (void)state;
  for (int with_header = 0; with_header < 2; with_header++) {
    struct segment_mark marks[6], end;
    struct fixture fixture = make_log(marks);
    /* Record 50, the header or the payload. */
    spoil(&fixture, 3, SEGMENT_HEADER_BYTES + (with_header == 1 ? 9 : RECORD_HEADER_BYTES + 9), 1);
    struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
    assert_int_equal(tally.records, 59);
    assert_int_equal(tally.commits, 6);
    assert_int_equal(tally.damages + tally.bad_payloads, 1);
    assert_int_equal(end.doubtful_from, SEGMENT_HEADER_BYTES);
    assert_int_equal(end.offset, marks[5].offset);
    /* The index had it already: so it was durable. */
    struct segment_mark sure;
    fixture_recover(&fixture, marks[5], &sure);
    assert_int_equal(sure.doubtful_from, 0);
    /* The index keeps the doubt until a writer has opened. */
    fixture_recover(&fixture, end, &sure);
    assert_same_mark(&sure, &end);
    fixture.mark = end;
    fixture_open_writer(&fixture, 1u << 20);
    fixture_close_writer(&fixture);
    fixture_recover(&fixture, (struct segment_mark){0}, &fixture.mark);
    assert_same_mark(&fixture.mark, &(struct segment_mark){.group = 6, .segment = 4, .offset = SEGMENT_HEADER_BYTES});
    fixture_open_writer(&fixture, 1u << 20);
    assert_int_equal(fixture_group(&fixture, 60, 10, NULL), CAS_OK);
    tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
    assert_int_equal(tally.records, 69);
    assert_int_equal(tally.damages + tally.bad_payloads, 0);
    assert_int_equal(tally.torn, 1);
    assert_int_equal(tally.torn_segment, 3);
    assert_same_mark(&end, &fixture.mark);
    fixture_destroy(&fixture);
  }
}

static cas_status stop_at_third(void *arg, const struct segment_event *event) {
  (void)event;
  return ++*(int *)arg == 3 ? CAS_END : CAS_OK;
}

static void test_the_callback_stops_a_scan(void **state) {
  (void)state;
  struct segment_mark marks[6], end;
  struct fixture fixture = make_log(marks);
  int count = 0;
  assert_int_equal(
      segment_recover(fixture.volume, &fixture_key, (struct segment_mark){0}, 0, stop_at_third, &count, &end, NULL),
      CAS_END);
  assert_int_equal(count, 3);
  fixture_destroy(&fixture);
}

/* While a group is written its bytes are on the disk; a scan that knows the writer's mark does not see them. */
static void test_scanning_beside_the_writer(void **state) {
  (void)state;
  struct segment_mark marks[6];
  struct fixture fixture = make_log(marks);
  struct record_cookie cookie;
  struct tally tally = {0};
  fixture_open_writer(&fixture, 1u << 20);
  for (uint32_t i = 0; i < 100; i++) assert_int_equal(fixture_append(&fixture, 60 + i, &cookie), CAS_OK);
  assert_int_equal(
      segment_scan(fixture.volume, &fixture_key, 3, 0, &marks[5], SEGMENT_SCAN_PAYLOADS, tally_event, &tally, NULL),
      CAS_OK);
  assert_int_equal(tally.records, 10);
  assert_int_equal(tally.torn_offset, marks[5].offset);
  tally = fixture_scan(&fixture, 1);
  assert_int_equal(tally.records, 30);
  assert_int_equal(tally.torn + tally.damages, 0);
  fixture_destroy(&fixture);
}

static void test_a_failing_read_is_no_damage(void **state) {
  (void)state;
  for (uint64_t nth = 1; nth < 8; nth++) {
    struct segment_mark marks[6], end;
    struct fixture fixture = make_log(marks);
    struct tally tally = {0};
    faulty_disk_fail(fixture.disk, FAULTY_READ, nth, 1, EIO);
    assert_int_equal(
        segment_recover(fixture.volume, &fixture_key, (struct segment_mark){0}, 0, tally_event, &tally, &end, NULL),
        CAS_IO);
    assert_int_equal(tally.damages, 0);
    fixture_destroy(&fixture);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_an_empty_store),
      cmocka_unit_test(test_a_torn_tail_is_cut_off),
      cmocka_unit_test(test_a_segment_without_a_header_is_void),
      cmocka_unit_test(test_a_long_segment_without_a_header_is_damaged),
      cmocka_unit_test(test_a_segment_with_only_a_header),
      cmocka_unit_test(test_rot_within_the_log),
      cmocka_unit_test(test_a_rotten_commit),
      cmocka_unit_test(test_a_rotten_segment_header),
      cmocka_unit_test(test_a_void_group_stays_void),
      cmocka_unit_test(test_a_missing_segment),
      cmocka_unit_test(test_a_log_that_ends_before_the_mark),
      cmocka_unit_test(test_a_doubtful_group),
      cmocka_unit_test(test_the_callback_stops_a_scan),
      cmocka_unit_test(test_scanning_beside_the_writer),
      cmocka_unit_test(test_a_failing_read_is_no_damage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
