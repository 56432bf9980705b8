#include "segment/segment_bounds.h"

#include <inttypes.h>

#include "base/status.h"
#include "segment/segment_walk.h"

/* The origin as the records tell it, when the header cannot. */
static cas_status origin_from_records(struct volume *volume, const struct segment_store_key *key, uint64_t segment,
                                      struct segment_origin *origin, struct cas_error *error) {
  CLEANUP_WALK struct segment_walk walk = {0};
  uint64_t size;
  STATUS_TRY(volume_size(volume, segment, &size, error));
  origin->was_written = size > SEGMENT_HEADER_BYTES || segment_file_generation(segment) > 0;
  STATUS_TRY(segment_walk_init(&walk, volume, key, segment, SEGMENT_HEADER_BYTES, UINT64_MAX, error));
  struct segment_walk_item item;
  do {
    STATUS_TRY(segment_walk_next(&walk, &item, error));
    if (item.kind == WALK_RECORD || item.kind == WALK_COMMIT) origin->has_records = true;
  } while (item.kind != WALK_COMMIT && item.kind != WALK_END);
  if (item.kind == WALK_COMMIT && item.commit.previous.segment != segment_file_number(segment)) {
    origin->previous_known = true;
    origin->previous = item.commit.previous;
  }
  return CAS_OK;
}

cas_status segment_origin_read(struct volume *volume, const struct segment_store_key *key, uint64_t segment,
                               struct segment_origin *origin, struct cas_error *error) {
  uint8_t block[SEGMENT_HEADER_BYTES];
  size_t got;
  struct segment_origin read = {0};
  cas_status status = volume_read(volume, segment, 0, block, sizeof block, &got, error);
  if (status != CAS_OK && status != CAS_END) return status;
  struct segment_header header;
  if (status == CAS_OK) status = segment_header_decode(block, key, segment, &header);
  if (status == CAS_UNSUPPORTED)
    return status_fail(error, status, "segment %" PRIu32 " has a newer format than this Cassette knows",
                       segment_file_number(segment));
  if (status == CAS_OK) {
    read.header_good = read.previous_known = true;
    read.first_group = header.first_group;
    read.previous = header.previous;
    read.end = header.end;
  } else {
    STATUS_TRY(origin_from_records(volume, key, segment, &read, error));
  }
  *origin = read;
  return CAS_OK;
}

bool segment_end_from_next(uint64_t segment, const struct segment_origin *next, struct segment_range *range) {
  if (!next->previous_known || next->previous.segment != segment) return false; /* another generation differs, too */
  range->end = next->previous.offset;
  range->doubtful_from = next->previous.doubtful_from;
  return true;
}

/* Whether a group that begins and ends in [from, end] has its COMMIT right before `end`, which the COMMIT's last bytes
 * tell. */
static cas_status find_commit(struct volume *volume, const struct segment_store_key *key, uint64_t segment,
                              uint64_t from, uint64_t end, struct segment_last_group *last, struct cas_error *error) {
  uint8_t bytes[RECORD_HEADER_BYTES + COMMIT_PAYLOAD_BYTES_MAX];
  size_t got;
  STATUS_TRY(volume_read(volume, segment, end - COMMIT_TAIL_BYTES, bytes, COMMIT_TAIL_BYTES, &got, error));
  uint64_t size = load_u64(bytes);
  if (size < COMMIT_PAYLOAD_BYTES_MIN || size > COMMIT_PAYLOAD_BYTES_MAX || end - from < RECORD_HEADER_BYTES + size)
    return CAS_OK;
  uint64_t offset = end - RECORD_HEADER_BYTES - size;
  STATUS_TRY(volume_read(volume, segment, offset, bytes, RECORD_HEADER_BYTES + size, &got, error));
  struct cas_slice payload = slice_of(bytes + RECORD_HEADER_BYTES, size);
  struct record_header header;
  struct commit commit;
  if (!record_header_decode(bytes, key, segment, offset, &header) || header.kind != RECORD_COMMIT ||
      header.stored_size != size || record_payload_checksum(payload) != header.payload_checksum ||
      !commit_decode(payload, segment_file_number(segment), offset, &commit))
    return CAS_OK;
  *last = (struct segment_last_group){true, header.group, commit.begin, end};
  return CAS_OK;
}

/* From the end backwards: so much is announced to the disk at once. */
static const uint64_t backwards_bytes = 1u << 20;

cas_status segment_last_group_find(struct volume *volume, const struct segment_store_key *key, uint64_t segment,
                                   uint64_t from, struct segment_last_group *last, struct cas_error *error) {
  struct segment_last_group found = {0};
  uint64_t end;
  if (from < SEGMENT_HEADER_BYTES) from = SEGMENT_HEADER_BYTES;
  STATUS_TRY(volume_size(volume, segment, &end, error));
  for (end -= end % SEGMENT_BLOCK_BYTES; end > from && !found.found; end -= SEGMENT_BLOCK_BYTES) {
    if (end % backwards_bytes == 0) volume_will_need(volume, segment, end - backwards_bytes, backwards_bytes);
    cas_status status = find_commit(volume, key, segment, from, end, &found, error);
    if (status != CAS_OK && status != CAS_END) return status; /* CAS_END: the writer has just cut off a void group */
  }
  *last = found;
  return CAS_OK;
}

/* Bounds of a segment that has another behind it. */
static cas_status bound_sealed(struct volume *volume, const struct segment_store_key *key, struct segment_part *part,
                               struct cas_error *error) {
  struct segment_origin next;
  struct segment_last_group last;
  struct segment_range *range = &part->range;
  if (segment_file_generation(part->segment) > 0) {
    STATUS_TRY(segment_origin_read(volume, key, part->segment, &part->origin, error));
    range->end = part->origin.end;
    if (range->end > 0) return CAS_OK;
  }
  STATUS_TRY(segment_origin_read(volume, key, part->next, &next, error));
  if (segment_end_from_next(part->segment, &next, range)) return CAS_OK;
  STATUS_TRY(segment_last_group_find(volume, key, part->segment, range->offset, &last, error));
  range->end = last.found ? last.end : range->offset > 0 ? range->offset : SEGMENT_HEADER_BYTES;
  return CAS_OK;
}

static cas_status bound_last(struct volume *volume, const struct segment_store_key *key, struct segment_part *part,
                             struct cas_error *error) {
  struct segment_range *range = &part->range;
  STATUS_TRY(volume_size(volume, part->segment, &part->size, error));
  if (segment_part_is_lost(part)) return CAS_OK;
  STATUS_TRY(segment_origin_read(volume, key, part->segment, &part->origin, error));
  range->end = part->origin.end;
  if (range->end > 0) return CAS_OK;
  STATUS_TRY(segment_last_group_find(volume, key, part->segment, range->offset, &part->last, error));
  uint64_t least = range->offset > 0 ? range->offset : SEGMENT_HEADER_BYTES;
  range->end = least;
  if (!part->last.found) return CAS_OK;
  range->end = part->last.end;
  range->check_from = part->last.begin > least ? part->last.begin : least;
  return CAS_OK;
}

cas_status segment_part_bound(struct volume *volume, const struct segment_store_key *key, struct segment_part *part,
                              struct cas_error *error) {
  part->range = (struct segment_range){.offset = part->range.offset, .check_from = UINT64_MAX};
  return part->next != 0 ? bound_sealed(volume, key, part, error) : bound_last(volume, key, part, error);
}
