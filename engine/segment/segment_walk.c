/*
 * Owns the window, a piece of the segment in memory. It grows to the longest record that is read whole, which
 * RECORD_BYTES_MAX bounds.
 */
#include "segment/segment_walk.h"

#include <inttypes.h>

#include "base/status.h"

/* One read of records that follow each other; behind a payload that was passed over, what a manifest and a header
 * take: the next payload may be passed over as well. */
static const size_t window_bytes = 1u << 20;
static const size_t window_bytes_behind_gap = 32u << 10;

/* The disk is told so far ahead at most, and less at the beginning, as the walk may end soon: enough that several
 * requests are under way on a disk that gives two gigabytes a second, and that one with a spindle need not seek. */
static const uint64_t ahead_bytes_min = 256u << 10;
static const uint64_t ahead_bytes_max = 8u << 20;

/* What is passed over at once is not fetched where it would take longer than another read: of two gigabytes a second,
 * or of a spindle's turn. */
static const uint64_t gap_bytes_unread = 1u << 20;

cas_status segment_walk_init(struct segment_walk *walk, struct volume *volume, const struct segment_store_key *key,
                             uint64_t segment, uint64_t from, uint64_t limit, struct cas_error *error) {
  uint64_t size;
  STATUS_TRY(volume_size(volume, segment, &size, error));
  *walk = (struct segment_walk){
      .volume = volume, .key = key, .segment = segment, .at = from, .limit = limit < size ? limit : size};
  return CAS_OK;
}

void segment_walk_fini(struct segment_walk *walk) {
  free(walk->window);
  *walk = (struct segment_walk){0};
}

static cas_status grow_window(struct segment_walk *walk, size_t size, struct cas_error *error) {
  if (size <= walk->window_capacity) return CAS_OK;
  uint8_t *window = realloc(walk->window, size);
  if (window == NULL)
    return status_fail(error, CAS_NO_MEMORY, "segment %" PRIu32 ": no memory for a record",
                       segment_file_number(walk->segment));
  walk->window = window;
  walk->window_capacity = size;
  return CAS_OK;
}

/* Reads block by block, with zeros for those that the disk does not give. No record header is all zeros, and no payload
 * of zeros alone has another's checksum. */
static cas_status read_in_blocks(struct segment_walk *walk, uint64_t offset, size_t wanted, size_t *got,
                                 struct cas_error *error) {
  size_t done = 0;
  while (done < wanted) {
    size_t part = SEGMENT_BLOCK_BYTES - (offset + done) % SEGMENT_BLOCK_BYTES, read = 0;
    if (part > wanted - done) part = wanted - done;
    cas_status status =
        volume_read(walk->volume, walk->segment, offset + done, walk->window + done, part, &read, error);
    if (status == CAS_IO) {
      memset(walk->window + done, 0, part);
      read = part;
    } else if (status != CAS_OK && status != CAS_END) {
      return status;
    }
    done += read;
    if (read < part) break;
  }
  *got = done;
  return CAS_OK;
}

/* Tells the disk what is read next, which is `size` bytes at `offset` behind a gap, and what comes behind them: as soon
 * as less than half of that is left to come. */
static void announce(struct segment_walk *walk, uint64_t offset, size_t size, uint64_t gap) {
  uint64_t behind = offset + size;
  if (gap >= gap_bytes_unread) {
    walk->ahead_bytes = 0;
    return;
  }
  if (walk->announced_to >= behind + walk->ahead_bytes / 2) return;
  if (walk->ahead_bytes < ahead_bytes_max)
    walk->ahead_bytes = walk->ahead_bytes == 0 ? ahead_bytes_min : walk->ahead_bytes * 2;
  uint64_t begin = walk->announced_to > offset ? walk->announced_to : offset;
  uint64_t end = walk->ahead_bytes < walk->limit - behind ? behind + walk->ahead_bytes : walk->limit;
  if (end > begin) volume_will_need(walk->volume, walk->segment, begin, end - begin);
  walk->announced_to = end;
}

/* Gives bytes [offset, offset + size) in memory; NULL where they go beyond the limit. */
static cas_status look(struct segment_walk *walk, uint64_t offset, size_t size, const uint8_t **bytes,
                       struct cas_error *error) {
  *bytes = NULL;
  if (offset > walk->limit || size > walk->limit - offset) return CAS_OK;
  uint64_t window_end = walk->window_offset + walk->window_size;
  if (offset < walk->window_offset || offset + size > window_end) {
    uint64_t rest = walk->limit - offset, gap = walk->window_size > 0 && offset > window_end ? offset - window_end : 0;
    size_t window = gap > 0 ? window_bytes_behind_gap : window_bytes;
    size_t wanted = size > window ? size : window;
    if (wanted > rest) wanted = (size_t)rest;
    announce(walk, offset, wanted, gap);
    STATUS_TRY(grow_window(walk, wanted, error));
    size_t got = 0;
    walk->window_size = 0;
    cas_status status = volume_read(walk->volume, walk->segment, offset, walk->window, wanted, &got, error);
    if (status == CAS_IO && walk->passes_over) status = read_in_blocks(walk, offset, wanted, &got, error);
    if (status != CAS_OK && status != CAS_END) return status;
    walk->window_offset = offset;
    walk->window_size = got;
    if (got < wanted) walk->limit = offset + got; /* the writer has just cut off a void group */
    if (got < size) return CAS_OK;
  }
  *bytes = walk->window + (offset - walk->window_offset);
  return CAS_OK;
}

/* Says whether a record that fits begins at `offset`. */
static cas_status find_record(struct segment_walk *walk, uint64_t offset, struct segment_walk_item *item, bool *found,
                              struct cas_error *error) {
  const uint8_t *bytes;
  *found = false;
  STATUS_TRY(look(walk, offset, RECORD_HEADER_BYTES, &bytes, error));
  if (bytes == NULL || !record_header_decode(bytes, walk->key, walk->segment, offset, &item->header)) return CAS_OK;
  item->kind = WALK_RECORD;
  item->offset = offset;
  item->size = RECORD_HEADER_BYTES + record_aligned(item->header.stored_size);
  *found = item->size <= walk->limit - offset;
  return CAS_OK;
}

/* From a place where no record begins to the next where one does. */
static cas_status skip_bad(struct segment_walk *walk, struct segment_walk_item *item, struct cas_error *error) {
  uint64_t begin = walk->at, at = begin;
  bool found = false;
  while (!found && walk->limit - at > RECORD_ALIGN_BYTES) {
    at += RECORD_ALIGN_BYTES;
    STATUS_TRY(find_record(walk, at, item, &found, error));
    if (walk->limit < at) break; /* the file was cut */
  }
  if (!found) at = walk->limit > begin ? walk->limit : begin;
  item->kind = at > begin ? WALK_BAD : WALK_END;
  item->offset = begin;
  item->size = at - begin;
  walk->at = at;
  return CAS_OK;
}

static cas_status check_commit(struct segment_walk *walk, struct segment_walk_item *item, struct cas_error *error) {
  struct cas_slice payload;
  bool good;
  STATUS_TRY(segment_walk_payload(walk, item, &payload, &good, error));
  good = good && commit_decode(payload, walk->segment, item->offset, &item->commit);
  item->kind = good ? WALK_COMMIT : WALK_BAD;
  return CAS_OK;
}

cas_status segment_walk_next(struct segment_walk *walk, struct segment_walk_item *item, struct cas_error *error) {
  item->kind = WALK_END;
  item->offset = walk->at;
  item->size = 0;
  if (walk->at >= walk->limit) return CAS_OK;
  bool found;
  STATUS_TRY(find_record(walk, walk->at, item, &found, error));
  if (!found) return skip_bad(walk, item, error);
  if (item->header.kind == RECORD_COMMIT) STATUS_TRY(check_commit(walk, item, error));
  walk->at = item->offset + item->size;
  return CAS_OK;
}

cas_status segment_walk_payload(struct segment_walk *walk, const struct segment_walk_item *item,
                                struct cas_slice *payload, bool *good, struct cas_error *error) {
  size_t aligned = record_aligned(item->header.stored_size);
  const uint8_t *bytes;
  *payload = (struct cas_slice){0};
  STATUS_TRY(look(walk, item->offset + RECORD_HEADER_BYTES, aligned, &bytes, error));
  *good = bytes != NULL && record_payload_checksum_aligned(bytes, aligned) == item->header.payload_checksum;
  if (*good) *payload = slice_of(bytes, item->header.stored_size);
  return CAS_OK;
}
