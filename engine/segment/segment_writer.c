/*
 * Owns the open segment's file and the block that is being filled.
 *
 * Invariants
 *  1. Bytes before mark.offset of the mark's segment are durable and are never submitted again.
 *  2. Between groups `at` equals mark.offset, no block is held, and nothing is in flight.
 *  3. Nothing is written to a segment once the next one was begun, and nothing to a segment before its header is
 * durable.
 *  4. group > mark.group; a number is never used twice, also not after a group failed.
 *
 *   begin ---> [idle] --append--> [open] --commit--> [idle]
 *                 ^                  |
 *                 +-- cut or leave --+ any failure
 */
#include <inttypes.h>

#include "base/clock.h"
#include "base/status.h"
#include "segment/record_cookie.h"
#include "segment/segment_bounds.h"

struct segment_writer {
  struct volume *volume;
  struct segment_store_key key;
  uint64_t segment_bytes_target;
  struct segment_mark mark;
  struct segment_mark previous; /* what the next COMMIT says: the end before, as the header has it for a first group */
  struct io_file *file;         /* the mark's segment; NULL: the next group begins a new one */
  uint64_t group;               /* number of the open group, or of the next */
  bool open;
  uint64_t records;       /* of the open group */
  uint64_t at;            /* where the next byte goes */
  struct io_block *block; /* NULL: none is begun */
  size_t block_fill;
};

static struct io_disk *disk_of(const struct segment_writer *writer) { return volume_disk(writer->volume); }

/* --- bytes into blocks --- */

static cas_status submit_block(struct segment_writer *writer, struct cas_error *error) {
  struct io_block *block = writer->block;
  size_t size = writer->block_fill;
  writer->block = NULL;
  writer->block_fill = 0;
  return writer->file->ops->submit(writer->file, writer->at - size, block, size, error);
}

static void drop_block(struct segment_writer *writer) {
  if (writer->block != NULL) disk_of(writer)->ops->block_return(disk_of(writer), writer->block);
  writer->block = NULL;
  writer->block_fill = 0;
}

static cas_status put(struct segment_writer *writer, const uint8_t *bytes, size_t size, struct cas_error *error) {
  while (size > 0) {
    if (writer->block == NULL) STATUS_TRY(disk_of(writer)->ops->block_take(disk_of(writer), &writer->block, error));
    size_t room = writer->block->capacity - writer->block_fill;
    size_t part = size < room ? size : room;
    memcpy(writer->block->data + writer->block_fill, bytes, part);
    writer->block_fill += part;
    writer->at += part;
    bytes += part;
    size -= part;
    if (part == room) STATUS_TRY(submit_block(writer, error));
  }
  return CAS_OK;
}

static cas_status put_record(struct segment_writer *writer, const struct record_header *header,
                             struct cas_slice payload, struct cas_error *error) {
  static const uint8_t zeros[RECORD_ALIGN_BYTES];
  uint8_t bytes[RECORD_HEADER_BYTES];
  record_header_encode(header, &writer->key, writer->mark.segment, writer->at, bytes);
  STATUS_TRY(put(writer, bytes, sizeof bytes, error));
  STATUS_TRY(put(writer, payload.data, payload.size, error));
  return put(writer, zeros, record_aligned(payload.size) - payload.size, error);
}

/* --- segments --- */

static void leave_segment(struct segment_writer *writer) {
  if (writer->file != NULL) writer->file->ops->close(writer->file);
  writer->file = NULL;
}

/* Writes the header of a file that was just made. Durable on return. */
static cas_status write_header(struct segment_writer *writer, struct io_file *file, uint32_t number,
                               struct cas_error *error) {
  struct io_block *block;
  STATUS_TRY(disk_of(writer)->ops->block_take(disk_of(writer), &block, error));
  struct segment_header header = {
      .segment = number, .created_ns = clock_now_ns(), .first_group = writer->group, .previous = writer->previous};
  memcpy(header.uuid, writer->key.uuid, sizeof header.uuid);
  segment_header_encode(&header, block->data);
  STATUS_TRY(file->ops->submit(file, 0, block, SEGMENT_HEADER_BYTES, error));
  return file->ops->sync(file, error);
}

/* Makes the file; what is there under its name was never used: a creation that failed, or that a crash cut short. */
static cas_status create_file(struct segment_writer *writer, uint32_t number, struct io_file **file,
                              struct cas_error *error) {
  cas_status status = volume_create(writer->volume, number, file, error);
  if (status != CAS_EXISTS) return status;
  STATUS_TRY(volume_remove(writer->volume, number, error));
  return volume_create(writer->volume, number, file, error);
}

static cas_status begin_segment(struct segment_writer *writer, struct cas_error *error) {
  if (writer->mark.segment == UINT32_MAX) return status_fail(error, CAS_NO_SPACE, "no segment numbers are left");
  leave_segment(writer);
  uint32_t number = writer->mark.offset == 0 ? writer->mark.segment : writer->mark.segment + 1;
  struct io_file *file;
  writer->previous = writer->mark.offset == 0 ? (struct segment_mark){0} : writer->mark;
  STATUS_TRY(create_file(writer, number, &file, error));
  cas_status status = write_header(writer, file, number, error);
  if (status != CAS_OK) {
    /* If it cannot be removed now it is when the next group tries again, or at the next start. */
    file->ops->close(file);
    (void)!volume_remove(writer->volume, number, NULL);
    return status;
  }
  writer->file = file;
  writer->mark = (struct segment_mark){.group = writer->mark.group, .segment = number, .offset = SEGMENT_HEADER_BYTES};
  writer->at = SEGMENT_HEADER_BYTES;
  return CAS_OK;
}

/* --- groups --- */

static cas_status begin_group(struct segment_writer *writer, struct cas_error *error) {
  if (writer->file == NULL || writer->at >= writer->segment_bytes_target) STATUS_TRY(begin_segment(writer, error));
  writer->open = true;
  writer->records = 0;
  return CAS_OK;
}

/* Makes the open group void. */
static void abandon_group(struct segment_writer *writer) {
  drop_block(writer);
  writer->open = false;
  writer->group++;
  writer->at = writer->mark.offset;
  if (writer->file != NULL && writer->file->ops->truncate(writer->file, writer->mark.offset, NULL) != CAS_OK)
    leave_segment(writer);
}

static cas_status append(struct segment_writer *writer, const struct record *record, struct cas_slice payload,
                         struct record_cookie *cookie, struct cas_error *error) {
  if (!writer->open) STATUS_TRY(begin_group(writer, error));
  uint64_t begin = writer->at;
  struct record_header header = {.kind = record->kind,
                                 .codec = record->codec,
                                 .ordinal = record->id.ordinal,
                                 .stored_size = payload.size,
                                 .raw_size = record->raw_size,
                                 .hash = record->id.hash,
                                 .payload_checksum = record_payload_checksum(payload),
                                 .group = writer->group};
  STATUS_TRY(put_record(writer, &header, payload, error));
  writer->records++;
  *cookie = record_cookie_of(writer->mark.segment, begin, writer->at - begin);
  return CAS_OK;
}

cas_status segment_writer_append(struct segment_writer *writer, const struct record *record, struct cas_slice payload,
                                 struct record_cookie *cookie, struct cas_error *error) {
  if (record->kind < RECORD_BLOB || record->kind > RECORD_SNAPSHOT || record->kind == RECORD_COMMIT)
    return status_fail(error, CAS_INVALID, "no record kind %d can be appended", (int)record->kind);
  if (payload.size > RECORD_PAYLOAD_BYTES_MAX || record->raw_size > RECORD_PAYLOAD_BYTES_MAX)
    return status_fail(error, CAS_INVALID, "a record of %zu bytes is too long", payload.size);
  cas_status status = append(writer, record, payload, cookie, error);
  if (status != CAS_OK) abandon_group(writer);
  return status;
}

uint64_t segment_writer_group(const struct segment_writer *writer) { return writer->group; }

static cas_status commit(struct segment_writer *writer, struct cas_error *error) {
  uint8_t payload[COMMIT_PAYLOAD_BYTES_MAX];
  uint64_t size = commit_payload_size(writer->at);
  struct commit commit = {.begin = writer->mark.offset, .records = writer->records, .previous = writer->previous};
  commit_encode(&commit, payload, size);
  struct record_header header = {.kind = RECORD_COMMIT,
                                 .stored_size = size,
                                 .raw_size = size,
                                 .payload_checksum = record_payload_checksum(slice_of(payload, size)),
                                 .group = writer->group};
  STATUS_TRY(put_record(writer, &header, slice_of(payload, size), error));
  if (writer->block != NULL) STATUS_TRY(submit_block(writer, error));
  return writer->file->ops->sync(writer->file, error);
}

cas_status segment_writer_commit(struct segment_writer *writer, struct segment_mark *mark, struct cas_error *error) {
  if (writer->open) {
    cas_status status = commit(writer, error);
    if (status != CAS_OK) {
      abandon_group(writer);
      return status;
    }
    writer->mark = (struct segment_mark){.group = writer->group, .segment = writer->mark.segment, .offset = writer->at};
    writer->previous = writer->mark;
    writer->group++;
    writer->open = false;
  }
  *mark = writer->mark;
  return CAS_OK;
}

cas_status segment_writer_commit_empty(struct segment_writer *writer, struct segment_mark *mark,
                                       struct cas_error *error) {
  cas_status status = writer->open ? CAS_OK : begin_group(writer, error);
  if (status == CAS_OK) return segment_writer_commit(writer, mark, error);
  abandon_group(writer);
  return status;
}

void segment_writer_abort(struct segment_writer *writer) {
  if (writer->open) abandon_group(writer);
}

/* --- opening and closing --- */

/* Removes segments behind the mark's, which are what crashes left of creations. */
static cas_status remove_void_segments(struct segment_writer *writer, struct cas_error *error) {
  CLEANUP_FREE uint32_t *numbers = NULL;
  size_t count;
  STATUS_TRY(volume_list(writer->volume, &numbers, &count, error));
  uint32_t last_used = writer->mark.offset == 0 ? writer->mark.segment - 1 : writer->mark.segment;
  for (size_t i = count; i > 0 && numbers[i - 1] > last_used; i--) {
    struct segment_origin origin;
    STATUS_TRY(segment_origin_read(writer->volume, &writer->key, numbers[i - 1], &origin, error));
    if (!segment_is_void(&origin))
      return status_fail(error, CAS_CORRUPT,
                         "segment %" PRIu32 " is behind the end of the log, which is in segment %" PRIu32,
                         numbers[i - 1], writer->mark.segment);
    STATUS_TRY(volume_remove(writer->volume, numbers[i - 1], error));
  }
  return CAS_OK;
}

/* Checks that nothing durable is behind the mark. */
static cas_status check_tail(const struct segment_writer *writer, uint64_t size, struct cas_error *error) {
  const struct segment_mark *mark = &writer->mark;
  if (size < mark->offset)
    return status_fail(error, CAS_CORRUPT,
                       "segment %" PRIu32 " ends at %" PRIu64 ", before the end of the log at %" PRIu64, mark->segment,
                       size, mark->offset);
  struct segment_last_group last;
  STATUS_TRY(segment_last_group_find(writer->volume, &writer->key, mark->segment, mark->offset, &last, error));
  if (last.found)
    return status_fail(error, CAS_CORRUPT,
                       "segment %" PRIu32 ": group %" PRIu64 " is behind the end of the log at %" PRIu64, mark->segment,
                       last.group, mark->offset);
  return CAS_OK;
}

/* Opens the mark's segment and cuts off what is behind the mark. */
static cas_status open_segment(struct segment_writer *writer, struct cas_error *error) {
  uint64_t size;
  struct segment_origin origin;
  STATUS_TRY(volume_size(writer->volume, writer->mark.segment, &size, error));
  STATUS_TRY(check_tail(writer, size, error));
  STATUS_TRY(segment_origin_read(writer->volume, &writer->key, writer->mark.segment, &origin, error));
  if (origin.first_group > writer->group) writer->group = origin.first_group;
  writer->previous =
      writer->mark.offset == SEGMENT_HEADER_BYTES && origin.previous_known ? origin.previous : writer->mark;
  if (writer->mark.doubtful_from != 0) return CAS_OK;
  STATUS_TRY(volume_open_append(writer->volume, writer->mark.segment, &writer->file, error));
  return size == writer->mark.offset ? CAS_OK : writer->file->ops->truncate(writer->file, writer->mark.offset, error);
}

cas_status segment_writer_open(struct volume *volume, const struct segment_store_key *key,
                               const struct segment_writer_options *options, struct segment_mark mark,
                               struct segment_writer **writer, struct cas_error *error) {
  if (mark.segment == 0) mark.segment = 1;
  if (mark.offset % SEGMENT_BLOCK_BYTES != 0 || mark.doubtful_from > mark.offset)
    return status_fail(error, CAS_CORRUPT, "segment %" PRIu32 ": no mark is at %" PRIu64, mark.segment, mark.offset);
  struct segment_writer *made = calloc(1, sizeof *made);
  if (made == NULL) return status_fail(error, CAS_NO_MEMORY, "no memory for a segment writer");
  uint64_t target = options == NULL ? 0 : options->segment_bytes_target;
  *made = (struct segment_writer){.volume = volume,
                                  .key = *key,
                                  .segment_bytes_target = target == 0 ? SEGMENT_BYTES_TARGET : target,
                                  .mark = mark,
                                  .group = mark.group + 1,
                                  .at = mark.offset};
  cas_status status = remove_void_segments(made, error);
  if (status == CAS_OK && mark.offset > 0) status = open_segment(made, error);
  /* At once, so that the doubt is on record before the mark is forgotten. If it fails the first group tries again. */
  if (status == CAS_OK && mark.doubtful_from != 0) (void)!begin_segment(made, NULL);
  if (status != CAS_OK) {
    segment_writer_close(made);
    return status;
  }
  *writer = made;
  return CAS_OK;
}

void segment_writer_close(struct segment_writer *writer) {
  if (writer == NULL) return;
  drop_block(writer);
  leave_segment(writer);
  free(writer);
}
