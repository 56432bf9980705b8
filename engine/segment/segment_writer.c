/*
 * Owns the open segment's file, and through `output` the block that is being filled.
 *
 * Invariants
 *  1. Bytes before mark.offset of the mark's segment are durable and are never submitted again.
 *  2. Between groups `output.at` equals mark.offset, no block is held, and nothing is in flight.
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
#include "segment/segment_output.h"

struct segment_writer {
  struct volume *volume;
  struct segment_store_key key;
  uint64_t segment_bytes_target;
  struct segment_mark mark;
  struct segment_mark previous; /* what the next COMMIT says: the end before, as the header has it for a first group */
  struct segment_output output; /* into the mark's segment; without a file the next group begins a new one */
  uint64_t group;               /* number of the open group, or of the next */
  bool open;
  uint64_t records; /* of the open group */
};

/* --- segments --- */

static void leave_segment(struct segment_writer *writer) {
  if (writer->output.file != NULL) writer->output.file->ops->close(writer->output.file);
  writer->output.file = NULL;
}

/* Writes the header of a file that was just made. Durable on return. */
static cas_status write_header(struct segment_writer *writer, struct io_file *file, uint32_t number,
                               struct cas_error *error) {
  struct segment_header header = {
      .segment = number, .created_ns = clock_now_ns(), .first_group = writer->group, .previous = writer->previous};
  memcpy(header.uuid, writer->key.uuid, sizeof header.uuid);
  STATUS_TRY(segment_output_header(writer->volume, file, &header, error));
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
  writer->output.file = file;
  writer->mark = (struct segment_mark){.group = writer->mark.group, .segment = number, .offset = SEGMENT_HEADER_BYTES};
  writer->output.at = SEGMENT_HEADER_BYTES;
  writer->output.segment = number;
  return CAS_OK;
}

/* --- groups --- */

static cas_status begin_group(struct segment_writer *writer, struct cas_error *error) {
  if (writer->output.file == NULL || writer->output.at >= writer->segment_bytes_target)
    STATUS_TRY(begin_segment(writer, error));
  writer->open = true;
  writer->records = 0;
  return CAS_OK;
}

/* Makes the open group void. */
static void abandon_group(struct segment_writer *writer) {
  segment_output_drop(&writer->output);
  writer->open = false;
  writer->group++;
  writer->output.at = writer->mark.offset;
  if (writer->output.file != NULL &&
      writer->output.file->ops->truncate(writer->output.file, writer->mark.offset, NULL) != CAS_OK)
    leave_segment(writer);
}

static cas_status append(struct segment_writer *writer, const struct record *record, struct cas_slice payload,
                         struct record_cookie *cookie, struct cas_error *error) {
  if (!writer->open) STATUS_TRY(begin_group(writer, error));
  uint64_t begin = writer->output.at;
  struct record_header header = {.kind = record->kind,
                                 .codec = record->codec,
                                 .ordinal = record->id.ordinal,
                                 .stored_size = payload.size,
                                 .raw_size = record->raw_size,
                                 .hash = record->id.hash,
                                 .payload_checksum = record_payload_checksum(payload),
                                 .group = writer->group};
  STATUS_TRY(segment_output_record(&writer->output, &header, payload, error));
  writer->records++;
  *cookie = record_cookie_of(writer->mark.segment, begin, writer->output.at - begin);
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

bool segment_writer_is_open(const struct segment_writer *writer) { return writer->open; }

uint64_t segment_writer_group(const struct segment_writer *writer) { return writer->group; }

static cas_status commit(struct segment_writer *writer, struct cas_error *error) {
  struct commit commit = {.begin = writer->mark.offset, .records = writer->records, .previous = writer->previous};
  STATUS_TRY(segment_output_commit(&writer->output, &commit, writer->group, error));
  return writer->output.file->ops->sync(writer->output.file, error);
}

cas_status segment_writer_commit(struct segment_writer *writer, struct segment_mark *mark, struct cas_error *error) {
  if (writer->open) {
    cas_status status = commit(writer, error);
    if (status != CAS_OK) {
      abandon_group(writer);
      return status;
    }
    writer->mark =
        (struct segment_mark){.group = writer->group, .segment = writer->mark.segment, .offset = writer->output.at};
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

cas_status segment_writer_seal(struct segment_writer *writer, struct cas_error *error) {
  if (writer->open || writer->mark.offset <= SEGMENT_HEADER_BYTES) return CAS_OK;
  return begin_segment(writer, error);
}

void segment_writer_abort(struct segment_writer *writer) {
  if (writer->open) abandon_group(writer);
}

/* --- opening and closing --- */

/* Removes segments behind the mark's, which are what crashes left of creations. */
static cas_status remove_void_segments(struct segment_writer *writer, struct cas_error *error) {
  CLEANUP_FREE uint64_t *segments = NULL;
  size_t count;
  STATUS_TRY(volume_list(writer->volume, &segments, &count, NULL, error));
  uint32_t last_used = writer->mark.offset == 0 ? writer->mark.segment - 1 : writer->mark.segment;
  for (size_t i = count; i > 0 && segment_file_number(segments[i - 1]) > last_used; i--) {
    struct segment_origin origin;
    STATUS_TRY(segment_origin_read(writer->volume, &writer->key, segments[i - 1], &origin, error));
    if (!segment_is_void(&origin))
      return status_fail(error, CAS_CORRUPT,
                         "segment %" PRIu32 " is behind the end of the log, which is in segment %" PRIu32,
                         segment_file_number(segments[i - 1]), writer->mark.segment);
    STATUS_TRY(volume_remove(writer->volume, segments[i - 1], error));
  }
  return CAS_OK;
}

/* Checks that nothing durable is behind the mark. */
static cas_status check_tail(const struct segment_writer *writer, uint64_t segment, uint64_t size,
                             struct cas_error *error) {
  const struct segment_mark *mark = &writer->mark;
  if (size < mark->offset)
    return status_fail(error, CAS_CORRUPT,
                       "segment %" PRIu32 " ends at %" PRIu64 ", before the end of the log at %" PRIu64, mark->segment,
                       size, mark->offset);
  struct segment_last_group last;
  STATUS_TRY(segment_last_group_find(writer->volume, &writer->key, segment, mark->offset, &last, error));
  if (last.found)
    return status_fail(error, CAS_CORRUPT,
                       "segment %" PRIu32 ": group %" PRIu64 " is behind the end of the log at %" PRIu64, mark->segment,
                       last.group, mark->offset);
  return CAS_OK;
}

/* Opens the mark's segment and cuts off what is behind the mark. */
static cas_status open_segment(struct segment_writer *writer, struct cas_error *error) {
  uint64_t size, segment;
  struct segment_origin origin;
  STATUS_TRY(volume_find(writer->volume, writer->mark.segment, &segment, error));
  STATUS_TRY(volume_size(writer->volume, segment, &size, error));
  STATUS_TRY(check_tail(writer, segment, size, error));
  STATUS_TRY(segment_origin_read(writer->volume, &writer->key, segment, &origin, error));
  if (origin.first_group > writer->group) writer->group = origin.first_group;
  writer->previous =
      writer->mark.offset == SEGMENT_HEADER_BYTES && origin.previous_known ? origin.previous : writer->mark;
  /* What was written anew is never appended to; that it is the last one means that later ones were lost. */
  if (writer->mark.doubtful_from != 0 || segment_file_generation(segment) > 0) return CAS_OK;
  writer->output.segment = segment;
  STATUS_TRY(volume_open_append(writer->volume, writer->mark.segment, &writer->output.file, error));
  return size == writer->mark.offset
             ? CAS_OK
             : writer->output.file->ops->truncate(writer->output.file, writer->mark.offset, error);
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
                                  .group = mark.group + 1};
  made->output = (struct segment_output){.volume = volume, .key = &made->key, .at = mark.offset};
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
  segment_output_drop(&writer->output);
  leave_segment(writer);
  free(writer);
}
