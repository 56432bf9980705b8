/*
 * Makes events of what a walk finds between two bounds.
 *
 * Invariant: every byte of [range.offset, present end) is in a RECORD, COMMIT, DAMAGE or TORN event, in ascending
 * order, but for the header block where it is good.
 */
#include <inttypes.h>

#include "base/status.h"
#include "segment/record_cookie.h"
#include "segment/segment_bounds.h"
#include "segment/segment_walk.h"

struct scan {
  struct segment_walk walk;
  const struct segment_range *range;
  uint64_t segment;
  unsigned flags;
  segment_event_fn each;
  void *arg;
  struct cas_error *error;
  bool open;      /* records were reported whose COMMIT was not */
  uint64_t group; /* of the last record */
};

static cas_status emit_range(const struct scan *scan, enum segment_event_kind kind, uint64_t offset, uint64_t size) {
  struct segment_event event = {.kind = kind,
                                .segment = segment_file_number(scan->segment),
                                .generation = segment_file_generation(scan->segment),
                                .offset = offset,
                                .size = size};
  return scan->each(scan->arg, &event);
}

static cas_status emit_commit(struct scan *scan, uint64_t group, uint64_t offset, uint64_t size) {
  struct segment_event event = {.kind = SEGMENT_EVENT_COMMIT,
                                .segment = segment_file_number(scan->segment),
                                .generation = segment_file_generation(scan->segment),
                                .offset = offset,
                                .size = size,
                                .group = group};
  scan->open = false;
  return scan->each(scan->arg, &event);
}

static bool is_doubtful(const struct scan *scan, uint64_t offset) {
  return scan->range->doubtful_from != 0 && offset >= scan->range->doubtful_from;
}

static cas_status emit_bad(const struct scan *scan, uint64_t offset, uint64_t size) {
  return emit_range(scan, is_doubtful(scan, offset) ? SEGMENT_EVENT_TORN : SEGMENT_EVENT_DAMAGE, offset, size);
}

static cas_status emit_record(struct scan *scan, const struct segment_walk_item *item) {
  const struct record_header *header = &item->header;
  struct segment_event event = {
      .kind = SEGMENT_EVENT_RECORD,
      .segment = segment_file_number(scan->segment),
      .generation = segment_file_generation(scan->segment),
      .offset = item->offset,
      .size = item->size,
      .group = header->group,
      .record = {.kind = header->kind,
                 .codec = header->codec,
                 .id = {.hash = header->hash, .ordinal = header->ordinal},
                 .raw_size = header->raw_size,
                 .stored_size = header->stored_size},
      .cookie = record_cookie_of(scan->segment, item->offset, item->size),
      .payload_good = true,
  };
  bool doubtful = is_doubtful(scan, item->offset);
  event.payload_read = doubtful || (scan->flags & SEGMENT_SCAN_PAYLOADS) != 0 || header->kind != RECORD_BLOB ||
                       item->offset >= scan->range->check_from ||
                       (scan->range->needs != NULL && scan->range->needs(&event.record));
  if (event.payload_read)
    STATUS_TRY(segment_walk_payload(&scan->walk, item, &event.payload, &event.payload_good, scan->error));
  if (doubtful && !event.payload_good) return emit_bad(scan, item->offset, item->size);
  scan->open = true;
  scan->group = header->group;
  return scan->each(scan->arg, &event);
}

static cas_status scan_items(struct scan *scan) {
  for (;;) {
    struct segment_walk_item item;
    STATUS_TRY(segment_walk_next(&scan->walk, &item, scan->error));
    switch (item.kind) {
    case WALK_END: return CAS_OK;
    case WALK_BAD: STATUS_TRY(emit_bad(scan, item.offset, item.size)); break;
    case WALK_RECORD: STATUS_TRY(emit_record(scan, &item)); break;
    case WALK_COMMIT: STATUS_TRY(emit_commit(scan, item.header.group, item.offset, item.size)); break;
    }
  }
}

static cas_status check_header(const struct scan *scan, struct volume *volume, const struct segment_store_key *key) {
  uint8_t block[SEGMENT_HEADER_BYTES];
  size_t got;
  struct segment_header header;
  cas_status status = volume_read(volume, scan->segment, 0, block, sizeof block, &got, scan->error);
  if (status == CAS_OK) status = segment_header_decode(block, key, scan->segment, &header);
  if (status == CAS_END || status == CAS_CORRUPT || (status == CAS_IO && scan->walk.passes_over))
    return emit_range(scan, SEGMENT_EVENT_DAMAGE, 0, SEGMENT_HEADER_BYTES);
  if (status == CAS_UNSUPPORTED)
    return status_fail(scan->error, status, "segment %" PRIu32 " has a newer format than this Cassette knows",
                       segment_file_number(scan->segment));
  return status;
}

static cas_status scan_to_end(struct scan *scan, uint64_t from, uint64_t present_end) {
  STATUS_TRY(scan_items(scan));
  uint64_t end = scan->range->end, reached = from > present_end ? from : present_end;
  if (reached < end) STATUS_TRY(emit_bad(scan, reached, end - reached));
  /* The last COMMIT is damaged; but the next segment says that its group was durable. */
  if (scan->open) STATUS_TRY(emit_commit(scan, scan->group, end, 0));
  uint64_t behind = from > end ? from : end;
  return present_end > behind ? emit_range(scan, SEGMENT_EVENT_TORN, behind, present_end - behind) : CAS_OK;
}

cas_status segment_scan_range(struct volume *volume, const struct segment_store_key *key, uint64_t segment,
                              const struct segment_range *range, unsigned flags, segment_event_fn each, void *arg,
                              struct cas_error *error) {
  uint64_t present_end, from = range->offset > 0 ? range->offset : SEGMENT_HEADER_BYTES;
  STATUS_TRY(volume_size(volume, segment, &present_end, error));
  struct scan scan = {.range = range, .segment = segment, .flags = flags, .each = each, .arg = arg, .error = error};
  STATUS_TRY(segment_walk_init(&scan.walk, volume, key, segment, from, range->end, error));
  scan.walk.passes_over = (flags & SEGMENT_SCAN_UNREADABLE) != 0 && range->check_from == UINT64_MAX;
  cas_status status = range->offset == 0 ? check_header(&scan, volume, key) : CAS_OK;
  if (status == CAS_OK) status = scan_to_end(&scan, from, present_end);
  segment_walk_fini(&scan.walk);
  return status;
}

/* What the segment behind says of the end of this one, if it says something. */
static cas_status find_end_behind(struct volume *volume, const struct segment_store_key *key, uint64_t segment,
                                  struct segment_range *range, bool *found, struct cas_error *error) {
  struct segment_origin next;
  uint32_t number = segment_file_number(segment);
  uint64_t behind;
  *found = false;
  if (number == UINT32_MAX) return CAS_OK;
  cas_status status = volume_find(volume, number + 1, &behind, error);
  if (status == CAS_OK) status = segment_origin_read(volume, key, behind, &next, error);
  if (status == CAS_OK) *found = segment_end_from_next(segment, &next, range);
  return status == CAS_NOT_FOUND ? CAS_OK : status;
}

/* Looks for the end of the durable part. *is_void: there is none, not even a header. */
static cas_status find_end(struct volume *volume, const struct segment_store_key *key, uint64_t segment,
                           struct segment_range *range, bool *is_void, struct cas_error *error) {
  struct segment_origin own;
  struct segment_last_group last;
  bool found;
  *is_void = false;
  if (segment_file_generation(segment) > 0) {
    STATUS_TRY(segment_origin_read(volume, key, segment, &own, error));
    range->end = own.end;
    if (own.end > 0) return CAS_OK;
  }
  STATUS_TRY(find_end_behind(volume, key, segment, range, &found, error));
  if (found) return CAS_OK;
  STATUS_TRY(segment_origin_read(volume, key, segment, &own, error));
  *is_void = segment_is_void(&own);
  STATUS_TRY(segment_last_group_find(volume, key, segment, range->offset, &last, error));
  uint64_t least = range->offset > 0 ? range->offset : SEGMENT_HEADER_BYTES;
  range->end = last.found ? last.end : least;
  return CAS_OK;
}

/* An index that was replayed twice knows no doubt of its last group: the next segment, which is empty, does. */
static cas_status find_doubt(struct volume *volume, const struct segment_store_key *key, uint64_t segment,
                             struct segment_range *range, struct cas_error *error) {
  struct segment_range known = {0};
  bool found = false;
  if (range->doubtful_from == 0 && segment_file_generation(segment) == 0)
    STATUS_TRY(find_end_behind(volume, key, segment, &known, &found, error));
  if (found && known.end == range->end) range->doubtful_from = known.doubtful_from;
  return CAS_OK;
}

cas_status segment_scan(struct volume *volume, const struct segment_store_key *key, uint64_t segment, uint64_t offset,
                        const struct segment_mark *end, unsigned flags, segment_event_fn each, void *arg,
                        struct cas_error *error) {
  bool end_known = end != NULL && end->segment == segment && end->offset > 0;
  if (offset % SEGMENT_BLOCK_BYTES != 0 ||
      (end_known && (end->offset % SEGMENT_BLOCK_BYTES != 0 || end->offset < offset)))
    return status_fail(error, CAS_INVALID, "segment %" PRIu32 ": no mark is at %" PRIu64 " or %" PRIu64,
                       segment_file_number(segment), offset, end_known ? end->offset : 0);
  struct segment_range range = {.offset = offset, .check_from = UINT64_MAX};
  if (end_known) {
    range.end = end->offset;
    range.doubtful_from = end->doubtful_from;
    STATUS_TRY(find_doubt(volume, key, segment, &range, error));
  } else {
    bool is_void;
    STATUS_TRY(find_end(volume, key, segment, &range, &is_void, error));
    if (is_void) {
      struct segment_event event = {.kind = SEGMENT_EVENT_TORN,
                                    .segment = segment_file_number(segment),
                                    .generation = segment_file_generation(segment),
                                    .offset = offset};
      STATUS_TRY(volume_size(volume, segment, &event.size, error));
      event.size = event.size > offset ? event.size - offset : 0;
      return event.size > 0 ? each(arg, &event) : CAS_OK;
    }
  }
  return segment_scan_range(volume, key, segment, &range, flags, each, arg, error);
}
