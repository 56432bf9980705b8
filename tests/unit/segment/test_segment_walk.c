/* What a walk tells the disk to fetch ahead: what it reads and no byte twice, also short payloads that it passes over,
 * and none of the long ones. */
#include "segment_fixture.h"

/* `count` records with payloads of `bytes`; the size of the segment. */
static uint64_t write_payloads(struct fixture *fixture, uint32_t count, size_t bytes) {
  uint8_t *payload = calloc(1, bytes);
  struct record_cookie cookie;
  assert_non_null(payload);
  fixture_open_writer(fixture, 0);
  for (uint32_t i = 0; i < count; i++) {
    struct record record = {.kind = RECORD_BLOB, .raw_size = bytes};
    store_u32(record.id.hash.bytes, i);
    assert_int_equal(segment_writer_append(fixture->writer, &record, slice_of(payload, bytes), &cookie, NULL), CAS_OK);
  }
  assert_int_equal(segment_writer_commit(fixture->writer, &fixture->mark, NULL), CAS_OK);
  fixture_close_writer(fixture);
  free(payload);
  return fixture->mark.offset;
}

static cas_status count_record(void *arg, const struct segment_event *event) {
  *(uint32_t *)arg += event->kind == SEGMENT_EVENT_RECORD && event->payload_good;
  return CAS_OK;
}

/* Bytes that a scan announces. */
static uint64_t announced_by_scan(struct fixture *fixture, unsigned flags, uint32_t count) {
  uint64_t before = faulty_disk_announced(fixture->disk);
  uint32_t records = 0;
  assert_int_equal(
      segment_scan(fixture->volume, &fixture_key, 1, 0, &fixture->mark, flags, count_record, &records, NULL), CAS_OK);
  assert_int_equal(records, count);
  return faulty_disk_announced(fixture->disk) - before;
}

static void test_short_payloads(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  uint64_t size = write_payloads(&fixture, 200, 100u << 10);
  assert_int_equal(announced_by_scan(&fixture, 0, 200), size - SEGMENT_HEADER_BYTES);
  assert_int_equal(announced_by_scan(&fixture, SEGMENT_SCAN_PAYLOADS, 200), size - SEGMENT_HEADER_BYTES);
  fixture_destroy(&fixture);
}

static void test_long_payloads(void **state) {
  (void)state;
  struct fixture fixture = fixture_make_faulty(false);
  uint64_t size = write_payloads(&fixture, 10, 3u << 20);
  assert_true(announced_by_scan(&fixture, 0, 10) < 2u << 20);
  assert_int_equal(announced_by_scan(&fixture, SEGMENT_SCAN_PAYLOADS, 10), size - SEGMENT_HEADER_BYTES);
  fixture_destroy(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_short_payloads),
      cmocka_unit_test(test_long_payloads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
