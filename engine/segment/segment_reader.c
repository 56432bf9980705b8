#include <inttypes.h>

#include "base/status.h"
#include "segment/record_cookie.h"

void record_cookie_explain(struct record_cookie cookie, uint32_t *segment, uint64_t *offset, uint64_t *bytes_on_disk) {
  *segment = load_u32(cookie.bytes);
  *bytes_on_disk = (uint64_t)load_u32(cookie.bytes + 4) * RECORD_ALIGN_BYTES;
  *offset = load_u64(cookie.bytes + 8) & ((UINT64_C(1) << COOKIE_OFFSET_BITS) - 1);
}

uint64_t record_cookie_segment(struct record_cookie cookie) {
  return segment_file(load_u32(cookie.bytes), (uint32_t)(load_u64(cookie.bytes + 8) >> COOKIE_OFFSET_BITS));
}

bool record_cookie_make(uint64_t segment, uint64_t offset, uint64_t bytes_on_disk, struct record_cookie *cookie) {
  if (segment_file_number(segment) == 0 || segment_file_generation(segment) > SEGMENT_GENERATION_MAX) return false;
  if (offset < SEGMENT_HEADER_BYTES || offset >> COOKIE_OFFSET_BITS != 0 || offset % RECORD_ALIGN_BYTES != 0)
    return false;
  if (bytes_on_disk < RECORD_HEADER_BYTES || bytes_on_disk % RECORD_ALIGN_BYTES != 0 ||
      bytes_on_disk > RECORD_HEADER_BYTES + record_aligned(RECORD_PAYLOAD_BYTES_MAX))
    return false;
  *cookie = record_cookie_of(segment, offset, bytes_on_disk);
  return true;
}

/* A range that ends before its time is a loss of bytes, not the end of an iteration. */
static cas_status read_range(struct volume *volume, uint64_t segment, uint64_t offset, uint8_t *bytes, size_t size,
                             struct cas_error *error) {
  size_t got;
  cas_status status = volume_read(volume, segment, offset, bytes, size, &got, error);
  if (status != CAS_END) return status;
  return status_fail(error, CAS_CORRUPT, "segment %" PRIu32 ": ends within the record at %" PRIu64,
                     segment_file_number(segment), offset);
}

static cas_status read_header(struct volume *volume, const struct segment_store_key *key, struct record_cookie cookie,
                              struct record_header *header, struct cas_error *error) {
  uint32_t number;
  uint64_t offset, bytes_on_disk, segment = record_cookie_segment(cookie);
  uint8_t bytes[RECORD_HEADER_BYTES];
  record_cookie_explain(cookie, &number, &offset, &bytes_on_disk);
  if (offset < SEGMENT_HEADER_BYTES || offset % RECORD_ALIGN_BYTES != 0)
    return status_fail(error, CAS_CORRUPT, "segment %" PRIu32 ": no record can be at %" PRIu64, number, offset);
  STATUS_TRY(read_range(volume, segment, offset, bytes, sizeof bytes, error));
  if (!record_header_decode(bytes, key, segment, offset, header) || header->kind == RECORD_COMMIT)
    return status_fail(error, CAS_CORRUPT, "segment %" PRIu32 ": no record header at %" PRIu64, number, offset);
  if (bytes_on_disk != RECORD_HEADER_BYTES + record_aligned(header->stored_size))
    return status_fail(error, CAS_CORRUPT, "segment %" PRIu32 ": another record at %" PRIu64 " than expected", number,
                       offset);
  return CAS_OK;
}

cas_status segment_read(struct volume *volume, const struct segment_store_key *key, struct record_cookie cookie,
                        struct record *record, struct cas_buffer *payload, struct cas_error *error) {
  uint32_t segment;
  uint64_t offset, bytes_on_disk;
  struct record_header header;
  record_cookie_explain(cookie, &segment, &offset, &bytes_on_disk);
  STATUS_TRY(read_header(volume, key, cookie, &header, error));
  uint64_t aligned = record_aligned(header.stored_size);
  payload->size = 0;
  if (cas_buffer_reserve(payload, aligned) != CAS_OK)
    return status_fail(error, CAS_NO_MEMORY, "segment %" PRIu32 ": no memory for the record at %" PRIu64, segment,
                       offset);
  if (aligned > 0)
    STATUS_TRY(
        read_range(volume, record_cookie_segment(cookie), offset + RECORD_HEADER_BYTES, payload->data, aligned, error));
  if (record_payload_checksum_aligned(payload->data, aligned) != header.payload_checksum)
    return status_fail(error, CAS_CORRUPT, "segment %" PRIu32 ": the payload of the record at %" PRIu64 " is damaged",
                       segment, offset);
  payload->size = header.stored_size;
  *record = (struct record){.kind = header.kind,
                            .codec = header.codec,
                            .id = {.hash = header.hash, .ordinal = header.ordinal},
                            .raw_size = header.raw_size,
                            .stored_size = header.stored_size};
  return CAS_OK;
}
