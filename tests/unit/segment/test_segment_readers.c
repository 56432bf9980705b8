/* Reading segments ahead gives the same events in the same order as reading them one after the other: over logs of many
 * segments, also damaged, cut and with segments that are missing; and it can be stopped anywhere. */
#include <stdatomic.h>
#include <stdio.h>

#include "segment_fixture.h"
#include "support/test_random.h"

/* What was called, as text; and what was prepared and is owned by nobody yet. */
struct transcript {
  struct cas_buffer text;
  bool ahead;
  size_t stop_after; /* 0: never */
  size_t events;
  atomic_long prepared;
};

static void note(struct transcript *transcript, const char *line, int size) {
  assert_int_equal(cas_buffer_append(&transcript->text, slice_of(line, (size_t)size)), CAS_OK);
}

static cas_status take_event(void *arg, const struct segment_event *event) {
  struct transcript *transcript = arg;
  char line[160];
  bool is_record = event->kind == SEGMENT_EVENT_RECORD;
  uint64_t number = is_record ? load_u32(event->record.id.hash.bytes) : 0;
  note(transcript, line,
       snprintf(line, sizeof line, "%d %u %llu %llu %llu %d %llu\n", (int)event->kind, event->segment,
                (unsigned long long)event->offset, (unsigned long long)event->size, (unsigned long long)event->group,
                event->payload_good, (unsigned long long)number));
  if (transcript->ahead && is_record) {
    assert_non_null(event->prepared);
    assert_int_equal(*(uint64_t *)event->prepared, number * 2 + event->payload_good);
    free(event->prepared);
    atomic_fetch_sub(&transcript->prepared, 1);
  } else {
    assert_null(event->prepared);
  }
  return ++transcript->events == transcript->stop_after ? CAS_END : CAS_OK;
}

static cas_status prepare(void *arg, unsigned reader, struct segment_event *event, size_t *bytes) {
  struct transcript *transcript = arg;
  uint64_t *prepared = malloc(sizeof *prepared);
  assert_non_null(prepared);
  assert_true(reader < SEGMENT_READERS_MAX);
  assert_int_equal(event->payload.size, event->payload_good ? event->record.stored_size : 0);
  *prepared = load_u32(event->record.id.hash.bytes) * (uint64_t)2 + event->payload_good;
  event->prepared = prepared;
  *bytes = 1000;
  atomic_fetch_add(&transcript->prepared, 1);
  return CAS_OK;
}

static void drop(void *arg, void *prepared) {
  struct transcript *transcript = arg;
  atomic_fetch_sub(&transcript->prepared, 1);
  free(prepared);
}

static cas_status recover(struct fixture *fixture, struct segment_mark from, unsigned readers, size_t bytes_max,
                          struct transcript *transcript, struct segment_mark *end) {
  struct segment_ahead ahead = {
      .readers = readers, .bytes_max = bytes_max, .arg = transcript, .prepare = prepare, .drop = drop};
  transcript->ahead = readers > 0;
  return segment_recover_ahead(fixture->volume, &fixture_key, from, SEGMENT_SCAN_PAYLOADS, readers > 0 ? &ahead : NULL,
                               take_event, transcript, end, NULL);
}

static void compare(struct fixture *fixture, struct segment_mark from, struct test_random *random) {
  struct transcript expected = {0};
  struct segment_mark end = {0}, end_ahead = {0};
  cas_status status = recover(fixture, from, 0, 0, &expected, &end);
  for (unsigned readers = 1; readers <= 4; readers++) {
    struct transcript seen = {0};
    assert_int_equal(recover(fixture, from, readers, 1 + test_random_below(random, 1 << 20), &seen, &end_ahead),
                     status);
    assert_int_equal(atomic_load(&seen.prepared), 0);
    assert_int_equal(seen.text.size, expected.text.size);
    if (seen.text.size > 0) assert_memory_equal(seen.text.data, expected.text.data, seen.text.size);
    assert_same_mark(&end, &end_ahead);
    cas_buffer_fini(&seen.text);
  }
  if (expected.events > 0) {
    struct transcript cut = {.stop_after = 1 + test_random_below(random, expected.events)};
    assert_int_equal(recover(fixture, from, 3, 4000, &cut, &end_ahead), CAS_END);
    assert_int_equal(cut.events, cut.stop_after);
    assert_int_equal(atomic_load(&cut.prepared), 0);
    cas_buffer_fini(&cut.text);
  }
  cas_buffer_fini(&expected.text);
}

static void damage(struct fixture *fixture, uint32_t segments, struct test_random *random) {
  uint64_t size;
  uint32_t segment = 1 + (uint32_t)test_random_below(random, segments);
  uint8_t *bytes = fixture_bytes(fixture, segment, &size);
  if (bytes == NULL || size == 0) return;
  if (test_random_below(random, 6) == 0) {
    assert_int_equal(volume_remove(fixture->volume, segment, NULL), CAS_OK);
    return;
  }
  for (uint64_t i = 0, count = 1 + test_random_below(random, 4); i < count; i++)
    bytes[test_random_below(random, size)] ^= (uint8_t)(1 + test_random_below(random, 255));
}

static void same_events_in_the_same_order(void **state) {
  (void)state;
  struct test_random random = {test_random_seed("test_segment_readers")};
  for (uint64_t round = test_random_rounds(8); round > 0; round--) {
    struct fixture fixture = fixture_make_faulty(false);
    struct segment_mark middle = {0};
    uint32_t groups = 5 + (uint32_t)test_random_below(&random, 40), number = 0;
    fixture_open_writer(&fixture, 4 * SEGMENT_BLOCK_BYTES);
    for (uint32_t i = 0; i < groups; i++) {
      uint32_t count = 1 + (uint32_t)test_random_below(&random, 60);
      assert_int_equal(fixture_group(&fixture, number, count, NULL), CAS_OK);
      if (i == groups / 2) middle = fixture.mark;
      number += count;
    }
    fixture_close_writer(&fixture);
    compare(&fixture, (struct segment_mark){0}, &random);
    compare(&fixture, middle, &random);
    for (int i = 0; i < 3; i++) {
      damage(&fixture, fixture.mark.segment, &random);
      compare(&fixture, (struct segment_mark){0}, &random);
      compare(&fixture, middle, &random);
    }
    fixture_destroy(&fixture);
  }
}

static void an_empty_store(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  struct test_random random = {1};
  compare(&fixture, (struct segment_mark){0}, &random);
  fixture_destroy(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(same_events_in_the_same_order), cmocka_unit_test(an_empty_store)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
