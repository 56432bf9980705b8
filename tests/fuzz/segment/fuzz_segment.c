/*
 * Arbitrary bytes as the two segments of a store: scanning, recovery, reading and going on with writing.
 *
 * The first byte says how much help the bytes get, since no chance finds a checksum: 1 the headers of segments, 2 the
 * headers of records, 4 the payloads of records get theirs right; 8 the file ends as long as it is, without a second
 * segment. The next two say where the second segment begins, in blocks, and from which block recovery starts.
 */
#include <stdlib.h>
#include <xxhash.h>

#include "segment/segment_format.h"
#include "support/faulty_disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Also where NDEBUG takes assert() away. */
#define REQUIRE(condition)                                                                                             \
  do {                                                                                                                 \
    if (!(condition)) __builtin_trap();                                                                                \
  } while (0)

static const struct segment_store_key key = {{0xF0, 0x22}};

static void repair_records(uint8_t *bytes, size_t size, uint32_t segment, unsigned help) {
  for (size_t at = SEGMENT_HEADER_BYTES; at + RECORD_HEADER_BYTES <= size; at += RECORD_ALIGN_BYTES) {
    uint8_t *header = bytes + at;
    if (load_u32(header + RECORD_AT_MAGIC) != RECORD_MAGIC) continue;
    uint64_t aligned = record_aligned(load_u64(header + RECORD_AT_STORED_SIZE) & 0xFFFFFF);
    if ((help & 4) != 0 && aligned <= size - at - RECORD_HEADER_BYTES)
      store_u64(header + RECORD_AT_PAYLOAD_CHECKSUM,
                record_payload_checksum_aligned(header + RECORD_HEADER_BYTES, aligned));
    uint8_t keyed[RECORD_KEY_BYTES + RECORD_AT_CHECKSUM];
    memcpy(keyed, key.uuid, sizeof key.uuid);
    store_u64(keyed + RECORD_KEY_AT_SEGMENT, segment);
    store_u64(keyed + RECORD_KEY_AT_OFFSET, at);
    memcpy(keyed + RECORD_KEY_BYTES, header, RECORD_AT_CHECKSUM);
    store_u64(header + RECORD_AT_CHECKSUM, XXH3_64bits(keyed, sizeof keyed));
  }
}

static void put_segment(struct io_disk *disk, uint32_t number, const uint8_t *data, size_t size, unsigned help) {
  uint8_t *bytes = malloc(size + 1);
  REQUIRE(bytes != NULL);
  memcpy(bytes, data, size);
  if ((help & 1) != 0 && size >= SEGMENT_HEADER_BYTES)
    store_u64(bytes + SEGMENT_AT_CHECKSUM, XXH3_64bits(bytes, SEGMENT_AT_CHECKSUM));
  if ((help & 6) != 0) repair_records(bytes, size, number, help);
  char name[VOLUME_NAME_BYTES];
  volume_name(number, VOLUME_HOT, name);
  faulty_disk_put(disk, name, slice_of(bytes, size));
  free(bytes);
}

struct checker {
  struct volume *volume;
  uint32_t segment;
  uint64_t at; /* end of the event before */
  unsigned records;
  bool found_late; /* the record that was written at last */
};

static void check_read(const struct checker *checker, const struct segment_event *event) {
  struct record record;
  struct cas_buffer payload = {0};
  cas_status status = segment_read(checker->volume, &key, event->cookie, &record, &payload, NULL);
  if (event->payload_good && event->payload.size > 0) {
    REQUIRE(status == CAS_OK);
    REQUIRE(slice_equal(slice_of_buffer(&payload), event->payload));
    REQUIRE(record.kind == event->record.kind && record.stored_size == event->record.stored_size);
  }
  if (!event->payload_good) REQUIRE(status == CAS_CORRUPT);
  cas_buffer_fini(&payload);
}

static cas_status each(void *arg, const struct segment_event *event) {
  struct checker *checker = arg;
  if (event->segment != checker->segment) {
    REQUIRE(event->segment > checker->segment);
    checker->segment = event->segment;
    checker->at = 0;
  }
  REQUIRE(event->offset >= checker->at);
  checker->at = event->offset + event->size;
  if (event->kind != SEGMENT_EVENT_RECORD) return CAS_OK;
  REQUIRE(event->record.kind >= RECORD_BLOB && event->record.kind < RECORD_COMMIT);
  checker->records++;
  checker->found_late = event->record.id.ordinal == 0x1A7E && event->payload_good;
  check_read(checker, event);
  return CAS_OK;
}

static void scan(struct volume *volume, uint32_t segment, uint64_t offset, unsigned flags) {
  struct checker checker = {.volume = volume};
  uint64_t size;
  cas_status status = segment_scan(volume, &key, segment, offset, NULL, flags, each, &checker, NULL);
  REQUIRE(status == CAS_OK || status == CAS_UNSUPPORTED);
  REQUIRE(volume_size(volume, segment, &size, NULL) == CAS_OK);
  if (status == CAS_OK && size > SEGMENT_HEADER_BYTES && offset < size) REQUIRE(checker.at >= size);
}

/* What recovery takes for the end of the log is a place where writing goes on, and finds what it wrote. */
static void go_on(struct volume *volume, struct segment_mark end) {
  struct segment_writer *writer;
  if (segment_writer_open(volume, &key, NULL, end, &writer, NULL) != CAS_OK) return;
  static const uint8_t payload[100] = "late";
  struct record record = {.kind = RECORD_BLOB, .id = {.ordinal = 0x1A7E}, .raw_size = 100};
  struct record_cookie cookie;
  struct segment_mark mark, again;
  struct checker checker = {.volume = volume};
  cas_status status = segment_writer_append(writer, &record, slice_of(payload, sizeof payload), &cookie, NULL);
  if (status == CAS_OK) status = segment_writer_commit(writer, &mark, NULL);
  segment_writer_close(writer);
  if (status != CAS_OK) return;
  REQUIRE(mark.group > end.group);
  end.doubtful_from = 0;
  REQUIRE(segment_recover(volume, &key, end, 0, each, &checker, &again, NULL) == CAS_OK);
  REQUIRE(checker.found_late);
  REQUIRE(again.segment == mark.segment && again.offset == mark.offset && again.group == mark.group);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 3) return 0;
  unsigned help = data[0];
  size_t split = (size_t)data[1] * SEGMENT_BLOCK_BYTES;
  uint64_t start = (uint64_t)data[2] * SEGMENT_BLOCK_BYTES;
  data += 3;
  size -= 3;
  if (split > size || (help & 8) != 0) split = size;
  struct io_disk *disk = faulty_disk_create(&(struct faulty_disk_options){.block_bytes = SEGMENT_BLOCK_BYTES});
  struct volume *volume;
  REQUIRE(disk->ops->make_folder(disk, "segments", NULL) == CAS_OK);
  REQUIRE(disk->ops->make_folder(disk, "segments/00", NULL) == CAS_OK);
  REQUIRE(volume_open(disk, 4, &volume, NULL) == CAS_OK);
  put_segment(disk, 1, data, split, help);
  if (split < size) put_segment(disk, 2, data + split, size - split, help);
  scan(volume, 1, 0, SEGMENT_SCAN_PAYLOADS);
  scan(volume, 1, start, 0);
  if (split < size) scan(volume, 2, 0, 0);
  struct checker checker = {.volume = volume};
  struct segment_mark end;
  (void)!segment_recover(volume, &key, (struct segment_mark){1, 1, start, 0}, 0, each, &checker, &end, NULL);
  checker = (struct checker){.volume = volume};
  if (segment_recover(volume, &key, (struct segment_mark){0}, 0, each, &checker, &end, NULL) == CAS_OK)
    go_on(volume, end);
  volume_close(volume);
  faulty_disk_destroy(disk);
  return 0;
}
