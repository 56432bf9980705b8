/* The last group of a segment, which is looked for from its end, is the one that a walk from the front comes to last:
 * over logs that were cut and damaged anywhere, from any mark. And the end of a whole log is found with few reads. */
#include "segment/segment_bounds.h"
#include "segment/segment_walk.h"
#include "segment_fixture.h"
#include "support/test_random.h"

static struct segment_last_group walk_to_last(struct fixture *fixture, uint64_t from) {
  CLEANUP_WALK struct segment_walk walk = {0};
  struct segment_last_group last = {0};
  struct segment_walk_item item;
  assert_int_equal(segment_walk_init(&walk, fixture->volume, &fixture_key, 1, from, UINT64_MAX, NULL), CAS_OK);
  do {
    assert_int_equal(segment_walk_next(&walk, &item, NULL), CAS_OK);
    if (item.kind == WALK_COMMIT)
      last = (struct segment_last_group){true, item.header.group, item.commit.begin, item.offset + item.size};
  } while (item.kind != WALK_END);
  return last;
}

static void assert_same_last(struct fixture *fixture, uint64_t from) {
  struct segment_last_group expected = walk_to_last(fixture, from), last;
  assert_int_equal(segment_last_group_find(fixture->volume, &fixture_key, 1, from, &last, NULL), CAS_OK);
  assert_int_equal(last.found, expected.found);
  assert_int_equal(last.group, expected.group);
  assert_int_equal(last.begin, expected.begin);
  assert_int_equal(last.end, expected.end);
}

/* Some groups of up to 100 records; their ends. */
static size_t write_groups(struct fixture *fixture, struct test_random *random, uint64_t ends[12]) {
  size_t count = 1 + test_random_below(random, 11);
  ends[0] = SEGMENT_HEADER_BYTES;
  fixture_open_writer(fixture, 0);
  for (size_t i = 1; i <= count; i++) {
    uint32_t records = 1 + (uint32_t)test_random_below(random, 100);
    assert_int_equal(fixture_group(fixture, (uint32_t)i * 100, records, NULL), CAS_OK);
    ends[i] = fixture->mark.offset;
  }
  fixture_close_writer(fixture);
  return count;
}

/* Cuts the end off, turns some bytes, or puts something behind the end. */
static void damage(struct fixture *fixture, struct test_random *random) {
  uint64_t size;
  uint8_t *bytes = faulty_disk_bytes(fixture->disk, "segments/00/00000001.seg", &size);
  struct cas_buffer damaged = {0};
  assert_int_equal(cas_buffer_append(&damaged, slice_of(bytes, size)), CAS_OK);
  if (test_random_below(random, 2) == 0) damaged.size -= test_random_below(random, size - SEGMENT_HEADER_BYTES);
  for (uint64_t i = test_random_below(random, 4); i > 0; i--)
    damaged.data[test_random_below(random, damaged.size)] ^= (uint8_t)(1 + test_random_below(random, 255));
  if (test_random_below(random, 2) == 0)
    assert_int_equal(cas_buffer_append(&damaged, slice_of(bytes, test_random_below(random, size))), CAS_OK);
  faulty_disk_put(fixture->disk, "segments/00/00000001.seg", slice_of_buffer(&damaged));
  cas_buffer_fini(&damaged);
}

static void test_the_same_as_from_the_front(void **state) {
  (void)state;
  struct test_random random = {test_random_seed("segment_bounds")};
  uint64_t ends[12];
  for (uint64_t round = test_random_rounds(200); round > 0; round--) {
    struct fixture fixture = fixture_make_faulty(false);
    size_t count = write_groups(&fixture, &random, ends);
    for (size_t i = 0; i <= count; i++) assert_same_last(&fixture, ends[i]);
    damage(&fixture, &random);
    for (size_t i = 0; i <= count; i++) assert_same_last(&fixture, ends[i]);
    fixture_destroy(&fixture);
  }
}

static void test_the_end_is_found_at_once(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  struct segment_last_group last;
  fixture_open_writer(&fixture, 0);
  for (uint32_t i = 0; i < 20; i++) assert_int_equal(fixture_group(&fixture, i * 50, 50, NULL), CAS_OK);
  uint64_t before = faulty_disk_count(fixture.disk, FAULTY_READ);
  assert_int_equal(segment_last_group_find(fixture.volume, &fixture_key, 1, 0, &last, NULL), CAS_OK);
  assert_true(last.found);
  assert_int_equal(last.end, fixture.mark.offset);
  assert_true(faulty_disk_count(fixture.disk, FAULTY_READ) - before <= 2);
  fixture_destroy(&fixture);
}

/* What cannot be read might be the end. */
static void test_a_failing_read_is_an_error(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  struct segment_last_group last;
  fixture_open_writer(&fixture, 0);
  assert_int_equal(fixture_group(&fixture, 0, 50, NULL), CAS_OK);
  for (uint64_t nth = 1; nth <= 2; nth++) {
    faulty_disk_fail(fixture.disk, FAULTY_READ, nth, 1, 5 /* EIO */);
    assert_int_equal(segment_last_group_find(fixture.volume, &fixture_key, 1, 0, &last, NULL), CAS_IO);
  }
  fixture_destroy(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_same_as_from_the_front),
      cmocka_unit_test(test_the_end_is_found_at_once),
      cmocka_unit_test(test_a_failing_read_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
