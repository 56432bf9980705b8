/* A log on a faulty disk, and what a test needs to write and look at it. */
#ifndef UNIT_SEGMENT_FIXTURE_H
#define UNIT_SEGMENT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "segment/segment_format.h"
#include "support/faulty_disk.h"

static const struct segment_store_key fixture_key = {{0xCA, 0x55, 0xE7, 0x7E}};

enum { fixture_payload_bytes = 300 };

struct fixture {
  struct io_disk *disk;
  struct volume *volume;
  struct segment_writer *writer;
  struct segment_mark mark;
};

static inline struct fixture fixture_make(struct io_disk *disk) {
  struct fixture fixture = {.disk = disk};
  assert_int_equal(volume_open(disk, 4, &fixture.volume, NULL), CAS_OK);
  return fixture;
}

static inline struct fixture fixture_make_faulty(bool late_errors) {
  return fixture_make(faulty_disk_create(
      &(struct faulty_disk_options){.seed = 7, .block_bytes = SEGMENT_BLOCK_BYTES, .late_errors = late_errors}));
}

static inline void fixture_open_writer(struct fixture *fixture, uint64_t segment_bytes_target) {
  struct segment_writer_options options = {.segment_bytes_target = segment_bytes_target};
  struct cas_error error = {0};
  cas_status status =
      segment_writer_open(fixture->volume, &fixture_key, &options, fixture->mark, &fixture->writer, &error);
  if (status != CAS_OK) fail_msg("%s", error.message);
}

static inline void fixture_close_writer(struct fixture *fixture) {
  segment_writer_close(fixture->writer);
  fixture->writer = NULL;
}

static inline void fixture_destroy(struct fixture *fixture) {
  segment_writer_close(fixture->writer);
  volume_close(fixture->volume);
  assert_int_equal(faulty_disk_blocks_lent(fixture->disk), 0);
  faulty_disk_destroy(fixture->disk);
}

/* Record `number`, whose bytes follow from its number. */
static inline struct record fixture_record(uint32_t number, uint8_t payload[fixture_payload_bytes]) {
  struct record record = {.kind = RECORD_BLOB, .codec = 3, .raw_size = 1000 + number, .stored_size = number % 290};
  store_u32(record.id.hash.bytes, number);
  record.id.ordinal = (uint16_t)(number * 3);
  for (size_t i = 0; i < record.stored_size; i++) payload[i] = (uint8_t)(number * 31 + i * 7);
  return record;
}

static inline cas_status fixture_append(struct fixture *fixture, uint32_t number, struct record_cookie *cookie) {
  uint8_t payload[fixture_payload_bytes];
  struct record record = fixture_record(number, payload);
  return segment_writer_append(fixture->writer, &record, slice_of(payload, record.stored_size), cookie, NULL);
}

/* One group of records [first, first + count). */
static inline cas_status fixture_group(struct fixture *fixture, uint32_t first, uint32_t count,
                                       struct record_cookie *cookies) {
  struct record_cookie ignored;
  for (uint32_t i = 0; i < count; i++) {
    cas_status status = fixture_append(fixture, first + i, cookies == NULL ? &ignored : &cookies[i]);
    if (status != CAS_OK) return status;
  }
  return segment_writer_commit(fixture->writer, &fixture->mark, NULL);
}

/* Reads a record and says whether it is record `number`, bit for bit. */
static inline cas_status fixture_read(struct fixture *fixture, uint32_t number, struct record_cookie cookie) {
  uint8_t expected_payload[fixture_payload_bytes];
  struct record expected = fixture_record(number, expected_payload), record;
  struct cas_buffer payload = {0};
  cas_status status = segment_read(fixture->volume, &fixture_key, cookie, &record, &payload, NULL);
  if (status == CAS_OK) {
    assert_int_equal(record.kind, expected.kind);
    assert_int_equal(record.codec, expected.codec);
    assert_true(blob_id_equal(&record.id, &expected.id));
    assert_int_equal(record.raw_size, expected.raw_size);
    assert_true(slice_equal(slice_of_buffer(&payload), slice_of(expected_payload, expected.stored_size)));
  }
  cas_buffer_fini(&payload);
  return status;
}

static inline void assert_same_mark(const struct segment_mark *a, const struct segment_mark *b) {
  assert_int_equal(a->group, b->group);
  assert_int_equal(a->segment, b->segment);
  assert_int_equal(a->offset, b->offset);
  assert_int_equal(a->doubtful_from, b->doubtful_from);
}

/* What a scan saw. */
struct tally {
  uint32_t numbers[1000]; /* of good records */
  size_t records, bad_payloads, commits, damages, torn;
  uint64_t damage_offset, damage_size, torn_offset, torn_size, group;
  uint32_t damage_segment, torn_segment;
};

static inline cas_status tally_event(void *arg, const struct segment_event *event) {
  struct tally *tally = (struct tally *)arg;
  switch (event->kind) {
  case SEGMENT_EVENT_RECORD:
    if (event->payload_good)
      tally->numbers[tally->records++] = load_u32(event->record.id.hash.bytes);
    else
      tally->bad_payloads++;
    break;
  case SEGMENT_EVENT_COMMIT:
    tally->commits++;
    tally->group = event->group;
    break;
  case SEGMENT_EVENT_DAMAGE:
    tally->damages++;
    tally->damage_segment = event->segment;
    tally->damage_offset = event->offset;
    tally->damage_size = event->size;
    break;
  case SEGMENT_EVENT_TORN:
    tally->torn++;
    tally->torn_segment = event->segment;
    tally->torn_offset = event->offset;
    tally->torn_size = event->size;
    break;
  }
  return CAS_OK;
}

static inline struct tally fixture_recover(struct fixture *fixture, struct segment_mark from,
                                           struct segment_mark *end) {
  struct tally tally = {0};
  struct cas_error error = {0};
  cas_status status =
      segment_recover(fixture->volume, &fixture_key, from, SEGMENT_SCAN_PAYLOADS, tally_event, &tally, end, &error);
  if (status != CAS_OK) fail_msg("recovery: %s", error.message);
  return tally;
}

static inline struct tally fixture_scan(struct fixture *fixture, uint32_t segment) {
  struct tally tally = {0};
  assert_int_equal(
      segment_scan(fixture->volume, &fixture_key, segment, 0, NULL, SEGMENT_SCAN_PAYLOADS, tally_event, &tally, NULL),
      CAS_OK);
  return tally;
}

static inline uint8_t *fixture_bytes(struct fixture *fixture, uint32_t segment, uint64_t *size) {
  char name[VOLUME_NAME_BYTES];
  volume_name(segment, VOLUME_HOT, name);
  return faulty_disk_bytes(fixture->disk, name, size);
}

#endif
