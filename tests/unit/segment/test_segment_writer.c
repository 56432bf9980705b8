/* Writing groups and reading them back; failures at every operation; damage at every byte. */
#include "segment_fixture.h"

#include <errno.h>

static void test_records_come_back_across_segments(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  struct record_cookie cookies[300];
  fixture_open_writer(&fixture, 20000);
  for (uint32_t first = 0; first < 300; first += 10)
    assert_int_equal(fixture_group(&fixture, first, 10, cookies + first), CAS_OK);
  assert_int_equal(fixture.mark.group, 30);
  assert_true(fixture.mark.segment >= 3);
  for (uint32_t i = 0; i < 300; i++) assert_int_equal(fixture_read(&fixture, i, cookies[i]), CAS_OK);
  struct segment_mark end;
  struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
  assert_int_equal(tally.records, 300);
  assert_int_equal(tally.commits, 30);
  assert_int_equal(tally.damages + tally.torn + tally.bad_payloads, 0);
  for (uint32_t i = 0; i < 300; i++) assert_int_equal(tally.numbers[i], i);
  assert_same_mark(&end, &fixture.mark);
  fixture_destroy(&fixture);
}

static void test_recovery_starts_behind_a_mark(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  struct segment_mark marks[31] = {{0}};
  fixture_open_writer(&fixture, 20000);
  for (uint32_t i = 1; i <= 30; i++) {
    assert_int_equal(fixture_group(&fixture, 10 * i, 10, NULL), CAS_OK);
    marks[i] = fixture.mark;
  }
  for (uint32_t i = 0; i <= 30; i++) {
    struct segment_mark end;
    struct tally tally = fixture_recover(&fixture, marks[i], &end);
    assert_int_equal(tally.commits, 30 - i);
    assert_int_equal(tally.records, 300 - 10 * i);
    if (tally.records > 0) assert_int_equal(tally.numbers[0], 10 * (i + 1));
    assert_same_mark(&end, &fixture.mark);
  }
  fixture_destroy(&fixture);
}

static void test_writing_goes_on_after_reopening(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  for (uint32_t i = 0; i < 20; i++) {
    struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &fixture.mark);
    assert_int_equal(tally.records, 5 * i);
    fixture_open_writer(&fixture, 20000);
    assert_int_equal(fixture_group(&fixture, 5 * i, 5, NULL), CAS_OK);
    assert_int_equal(fixture.mark.group, i + 1);
    fixture_close_writer(&fixture);
  }
  fixture_destroy(&fixture);
}

static void test_a_group_larger_than_all_buffers(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false); /* 8 blocks of 4 KiB */
  size_t size = RECORD_PAYLOAD_BYTES_MAX;
  uint8_t *payload = malloc(size + 1);
  assert_non_null(payload);
  for (size_t i = 0; i < size; i++) payload[i] = (uint8_t)(i * 7 + (i >> 12));
  struct record record = {.kind = RECORD_MANIFEST, .raw_size = size}, read;
  struct record_cookie cookie, small;
  struct cas_buffer back = {0};
  fixture_open_writer(&fixture, 0);
  assert_int_equal(fixture_append(&fixture, 1, &small), CAS_OK);
  assert_int_equal(segment_writer_append(fixture.writer, &record, slice_of(payload, size + 1), &cookie, NULL),
                   CAS_INVALID);
  assert_int_equal(segment_writer_append(fixture.writer, &record, slice_of(payload, size), &cookie, NULL), CAS_OK);
  assert_int_equal(segment_writer_commit(fixture.writer, &fixture.mark, NULL), CAS_OK);
  assert_int_equal(fixture_read(&fixture, 1, small), CAS_OK);
  assert_int_equal(segment_read(fixture.volume, &fixture_key, cookie, &read, &back, NULL), CAS_OK);
  assert_true(slice_equal(slice_of_buffer(&back), slice_of(payload, size)));
  struct segment_mark end;
  assert_int_equal(fixture_recover(&fixture, (struct segment_mark){0}, &end).records, 2);
  cas_buffer_fini(&back);
  free(payload);
  fixture_destroy(&fixture);
}

static void test_nothing_is_written_for_an_empty_group(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  struct segment_mark mark;
  fixture_open_writer(&fixture, 0);
  assert_int_equal(segment_writer_commit(fixture.writer, &mark, NULL), CAS_OK);
  assert_int_equal(mark.group, 0);
  assert_int_equal(faulty_disk_count(fixture.disk, FAULTY_CHANGE), 0);
  assert_int_equal(fixture_group(&fixture, 1, 1, NULL), CAS_OK);
  uint64_t before = faulty_disk_count(fixture.disk, FAULTY_CHANGE);
  assert_int_equal(segment_writer_commit(fixture.writer, &mark, NULL), CAS_OK);
  assert_same_mark(&mark, &fixture.mark);
  assert_int_equal(faulty_disk_count(fixture.disk, FAULTY_CHANGE), before);
  fixture_destroy(&fixture);
}

/* One data sync a group, and one more for a segment. */
static void test_a_group_costs_one_sync(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  fixture_open_writer(&fixture, 0);
  assert_int_equal(fixture_group(&fixture, 0, 3, NULL), CAS_OK);
  uint64_t before = faulty_disk_count(fixture.disk, FAULTY_SYNC | FAULTY_NAME | FAULTY_TRUNCATE);
  for (uint32_t i = 1; i <= 10; i++) assert_int_equal(fixture_group(&fixture, i * 100, 50, NULL), CAS_OK);
  assert_int_equal(faulty_disk_count(fixture.disk, FAULTY_SYNC | FAULTY_NAME | FAULTY_TRUNCATE), before + 10);
  fixture_destroy(&fixture);
}

static void test_an_aborted_group_leaves_nothing(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  struct record_cookie cookie;
  struct segment_mark end;
  fixture_open_writer(&fixture, 0);
  assert_int_equal(fixture_group(&fixture, 1, 2, NULL), CAS_OK);
  for (uint32_t i = 0; i < 100; i++) assert_int_equal(fixture_append(&fixture, 500 + i, &cookie), CAS_OK);
  segment_writer_abort(fixture.writer);
  segment_writer_abort(fixture.writer);
  assert_int_equal(fixture_group(&fixture, 3, 2, NULL), CAS_OK);
  struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
  assert_int_equal(tally.records, 4);
  assert_int_equal(tally.numbers[2], 3);
  assert_int_equal(tally.torn + tally.damages, 0);
  fixture_destroy(&fixture);
}

/* The writer never takes away what a stale mark does not know. */
static void test_durable_groups_behind_a_mark_are_not_cut_off(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  struct segment_mark first, end;
  fixture_open_writer(&fixture, 9000);
  assert_int_equal(fixture_group(&fixture, 1, 2, NULL), CAS_OK);
  first = fixture.mark;
  for (uint32_t i = 0; i < 5; i++) {
    assert_int_equal(fixture_group(&fixture, 10 * i, 10, NULL), CAS_OK);
    struct segment_writer *writer;
    assert_int_equal(segment_writer_open(fixture.volume, &fixture_key, NULL, first, &writer, NULL), CAS_CORRUPT);
  }
  assert_int_equal(fixture_recover(&fixture, (struct segment_mark){0}, &end).records, 52);
  fixture_destroy(&fixture);
}

/* Each operation of a fixed run fails once, or from then on for a while. What was committed stays, what failed is not
 * there, and as soon as the disk works again so does the writer. */
static void fail_at(unsigned kinds, int system_errno, uint64_t nth, uint64_t times, bool late_errors,
                    bool *was_reached) {
  struct fixture fixture = fixture_make_faulty(late_errors);
  bool durable[12] = {false};
  struct segment_mark end;
  struct tally tally;
  fixture_open_writer(&fixture, 20000);
  faulty_disk_fail(fixture.disk, kinds, nth, times, system_errno);
  for (uint32_t i = 0; i < 12; i++) durable[i] = fixture_group(&fixture, 40 * i, 40, NULL) == CAS_OK;
  size_t expected = 0;
  for (uint32_t i = 0; i < 12; i++) expected += durable[i] ? 40 : 0;
  *was_reached = expected < 480;
  faulty_disk_fail(fixture.disk, kinds, 1, 0, 0);
  tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
  /* Of a last group whose sync failed the bytes may all be there. */
  if (durable[11]) assert_int_equal(tally.records, expected);
  assert_int_equal(fixture_group(&fixture, 480, 40, NULL), CAS_OK);
  tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
  assert_int_equal(tally.records, expected + 40);
  assert_int_equal(tally.damages + tally.bad_payloads, 0);
  assert_same_mark(&end, &fixture.mark);
  size_t at = 0;
  for (uint32_t i = 0; i < 12; i++)
    for (uint32_t j = 0; durable[i] && j < 40; j++) assert_int_equal(tally.numbers[at++], 40 * i + j);
  /* A new start finds the same. */
  fixture_close_writer(&fixture);
  faulty_disk_restart(fixture.disk);
  tally = fixture_recover(&fixture, (struct segment_mark){0}, &fixture.mark);
  assert_int_equal(tally.records, expected + 40);
  fixture_open_writer(&fixture, 20000);
  assert_int_equal(fixture_group(&fixture, 520, 10, NULL), CAS_OK);
  assert_int_equal(fixture_recover(&fixture, (struct segment_mark){0}, &end).records, expected + 50);
  fixture_destroy(&fixture);
}

static void test_every_operation_may_fail(void **state) {
  (void)state;
  static const unsigned kinds[] = {FAULTY_WRITE, FAULTY_SYNC, FAULTY_NAME, FAULTY_CHANGE};
  for (size_t kind = 0; kind < 4; kind++)
    for (unsigned variant = 0; variant < 4; variant++) {
      bool was_reached = true;
      uint64_t nth = 1;
      for (; was_reached; nth += 1 + nth / 40)
        fail_at(kinds[kind], (variant & 1) != 0 ? ENOSPC : EIO, nth, (variant & 2) != 0 ? 5 : 1, variant == 3,
                &was_reached);
      assert_true(nth > 3);
    }
}

/* A full disk: the group fails with its own status, and goes through when there is room again. */
static void test_no_space_is_told_and_passes(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(true);
  fixture_open_writer(&fixture, 0);
  assert_int_equal(fixture_group(&fixture, 0, 10, NULL), CAS_OK);
  struct segment_mark before = fixture.mark;
  faulty_disk_fail(fixture.disk, FAULTY_WRITE, 1, UINT64_MAX, ENOSPC);
  for (int i = 0; i < 3; i++) assert_int_equal(fixture_group(&fixture, 100, 10, NULL), CAS_NO_SPACE);
  faulty_disk_fail(fixture.disk, FAULTY_WRITE, 1, 0, 0);
  assert_int_equal(fixture_group(&fixture, 100, 10, NULL), CAS_OK);
  assert_int_equal(fixture.mark.segment, before.segment);
  uint64_t size;
  assert_non_null(fixture_bytes(&fixture, before.segment, &size));
  assert_int_equal(size, fixture.mark.offset);
  fixture_destroy(&fixture);
}

/* After a failed sync the file is left as it is, and the next group is in another. */
static void test_a_segment_is_left_after_a_failed_sync(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  struct segment_mark end;
  fixture_open_writer(&fixture, 0);
  assert_int_equal(fixture_group(&fixture, 0, 10, NULL), CAS_OK);
  struct segment_mark before = fixture.mark;
  faulty_disk_fail(fixture.disk, FAULTY_SYNC, 1, 1, EIO);
  assert_int_equal(fixture_group(&fixture, 100, 10, NULL), CAS_IO);
  assert_int_equal(fixture_group(&fixture, 200, 10, NULL), CAS_OK);
  assert_int_equal(fixture.mark.segment, before.segment + 1);
  struct tally tally = fixture_recover(&fixture, (struct segment_mark){0}, &end);
  assert_int_equal(tally.records, 20);
  assert_int_equal(tally.numbers[10], 200);
  assert_int_equal(tally.damages, 0);
  assert_int_equal(tally.torn, 1);
  assert_int_equal(tally.torn_segment, before.segment);
  assert_int_equal(tally.torn_offset, before.offset);
  fixture_destroy(&fixture);
}

/* Every byte of a segment, one at a time: never other bytes, and always noticed. */
static void test_damage_at_every_byte(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  struct record_cookie cookies[7];
  fixture_open_writer(&fixture, 0);
  assert_int_equal(fixture_group(&fixture, 201, 3, cookies), CAS_OK);
  assert_int_equal(fixture_group(&fixture, 204, 3, cookies + 3), CAS_OK);
  assert_int_equal(fixture_group(&fixture, 207, 1, cookies + 6), CAS_OK);
  uint64_t size, last_end = fixture.mark.offset;
  uint8_t *bytes = fixture_bytes(&fixture, 1, &size);
  assert_int_equal(size, last_end);
  for (uint64_t at = 0; at < size; at++) {
    bytes[at] ^= 0x21;
    struct tally tally = fixture_scan(&fixture, 1);
    size_t unreadable = 0;
    for (uint32_t i = 0; i < 7; i++) {
      cas_status status = fixture_read(&fixture, 201 + i, cookies[i]);
      assert_true(status == CAS_OK || status == CAS_CORRUPT);
      unreadable += status == CAS_CORRUPT;
    }
    assert_true(unreadable <= 1);
    assert_true(tally.damages + tally.bad_payloads + tally.torn >= 1);
    /* What a scan still reports is what can be read; but for the last group's, whose COMMIT is its proof. */
    if (tally.torn == 0)
      assert_int_equal(tally.records, 7 - unreadable);
    else
      assert_true(at >= last_end - 2 * SEGMENT_BLOCK_BYTES && tally.records == 6 && unreadable == 0);
    bytes[at] ^= 0x21;
  }
  fixture_destroy(&fixture);
}

/* The index may be damaged too. */
static void test_cookies_are_not_trusted(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  struct record_cookie cookies[3];
  fixture_open_writer(&fixture, 0);
  assert_int_equal(fixture_group(&fixture, 100, 3, cookies), CAS_OK);
  for (size_t bit = 0; bit < 8 * sizeof cookies[1].bytes; bit++) {
    struct record_cookie cookie = cookies[1];
    cookie.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    cas_status status = fixture_read(&fixture, 101, cookie);
    assert_true(status == CAS_CORRUPT || status == CAS_NOT_FOUND);
  }
  fixture_destroy(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_records_come_back_across_segments),
      cmocka_unit_test(test_recovery_starts_behind_a_mark),
      cmocka_unit_test(test_writing_goes_on_after_reopening),
      cmocka_unit_test(test_a_group_larger_than_all_buffers),
      cmocka_unit_test(test_nothing_is_written_for_an_empty_group),
      cmocka_unit_test(test_a_group_costs_one_sync),
      cmocka_unit_test(test_an_aborted_group_leaves_nothing),
      cmocka_unit_test(test_durable_groups_behind_a_mark_are_not_cut_off),
      cmocka_unit_test(test_every_operation_may_fail),
      cmocka_unit_test(test_no_space_is_told_and_passes),
      cmocka_unit_test(test_a_segment_is_left_after_a_failed_sync),
      cmocka_unit_test(test_damage_at_every_byte),
      cmocka_unit_test(test_cookies_are_not_trusted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
