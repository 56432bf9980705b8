#include "segment/segment_copy.h"

#include <inttypes.h>

#include "base/status.h"
#include "segment/segment_bounds.h"

static cas_status find_end(const struct segment_copy *copy, uint64_t *end, struct cas_error *error) {
  struct segment_part part = {.segment = copy->segment};
  STATUS_TRY(volume_find(copy->volume, segment_file_number(copy->segment) + 1, &part.next, error));
  STATUS_TRY(segment_part_bound(copy->volume, copy->key, &part, error));
  *end = part.range.end;
  return CAS_OK;
}

static cas_status copy_block(const struct segment_copy *copy, struct io_file *file, uint64_t at, uint64_t *size,
                             struct cas_error *error) {
  struct io_disk *disk = volume_disk(copy->volume);
  struct io_block *block;
  size_t got;
  STATUS_TRY(disk->ops->block_take(disk, &block, error));
  *size = copy->bytes - at < block->capacity ? copy->bytes - at : block->capacity;
  cas_status status = volume_read(copy->volume, copy->segment, at, block->data, *size, &got, error);
  if (status == CAS_OK) return file->ops->submit(file, at, block, *size, error);
  disk->ops->block_return(disk, block);
  if (status != CAS_END) return status;
  return status_fail(error, CAS_CORRUPT, "segment %" PRIu32 " is damaged: it ends before its end",
                     segment_file_number(copy->segment));
}

static cas_status copy_all(const struct segment_copy *copy, struct io_file *file, struct cas_error *error) {
  for (uint64_t at = 0, size; at < copy->bytes; at += size) {
    STATUS_TRY(copy_block(copy, file, at, &size, error));
    STATUS_TRY(copy->step(copy->arg, size));
  }
  return file->ops->sync(file, error);
}

cas_status segment_copy_write(struct segment_copy *copy, struct cas_error *error) {
  struct io_file *file;
  STATUS_TRY(find_end(copy, &copy->bytes, error));
  STATUS_TRY(volume_create_new(copy->volume, copy->segment, copy->to, &file, error));
  cas_status status = copy_all(copy, file, error);
  file->ops->close(file);
  /* What cannot be removed now is at the next start. */
  if (status != CAS_OK) (void)!volume_remove_new(copy->volume, copy->segment, copy->to, NULL);
  return status;
}

struct check {
  const struct segment_copy *copy;
  uint64_t bad_at;
  bool is_bad;
};

static cas_status check_event(void *arg, const struct segment_event *event) {
  struct check *check = arg;
  if (event->kind == SEGMENT_EVENT_COMMIT) return check->copy->step(check->copy->arg, 0);
  if (event->kind == SEGMENT_EVENT_RECORD && event->payload_good) return CAS_OK;
  check->is_bad = true;
  check->bad_at = event->offset;
  return CAS_END;
}

cas_status segment_copy_check(const struct segment_copy *copy, struct cas_error *error) {
  const struct segment_range range = {.end = copy->bytes, .check_from = 0};
  struct check check = {.copy = copy};
  struct volume *staged;
  STATUS_TRY(volume_open_staged(volume_disk(copy->volume), copy->to, &staged, error));
  cas_status status =
      segment_scan_range(staged, copy->key, copy->segment, &range, SEGMENT_SCAN_PAYLOADS, check_event, &check, error);
  volume_close(staged);
  if (!check.is_bad) return status;
  return status_fail(error, CAS_CORRUPT, "segment %" PRIu32 " is damaged at %" PRIu64 ": it stays where it is",
                     segment_file_number(copy->segment), check.bad_at);
}

cas_status segment_sealed_ns(struct volume *volume, const struct segment_store_key *key, uint32_t number,
                             int64_t *sealed_ns, struct cas_error *error) {
  uint8_t block[SEGMENT_HEADER_BYTES];
  struct segment_header header;
  uint64_t next;
  size_t got;
  STATUS_TRY(volume_find(volume, number + 1, &next, error));
  cas_status status = volume_read(volume, next, 0, block, sizeof block, &got, error);
  if (status == CAS_OK) status = segment_header_decode(block, key, next, &header);
  if (status == CAS_CORRUPT || status == CAS_END)
    return status_fail(error, CAS_CORRUPT, "segment %" PRIu32 ": its header is damaged", number + 1);
  STATUS_TRY(status);
  *sealed_ns = header.created_ns;
  return CAS_OK;
}
