/*
 * Finds the end of the log and replays what is behind a mark.
 *
 * Invariants
 *  1. Nothing is changed on disk.
 *  2. A group is reported only if it has a valid COMMIT, or a later one proves that it was durable.
 *  3. The payloads of the last group are checked, since it is the only one whose COMMIT may be there without them.
 */
#include <inttypes.h>

#include "base/status.h"
#include "segment/segment_bounds.h"

struct recovery {
  struct volume *volume;
  const struct segment_store_key *key;
  struct segment_mark from;
  unsigned flags;
  segment_event_fn each;
  void *arg;
  struct cas_error *error;
  uint32_t *numbers; /* owned */
  size_t count;
  uint64_t group;      /* the last durable group so far */
  uint64_t last_begin; /* of the log's last group, while its segment is scanned; else UINT64_MAX */
  bool last_is_damaged;
  uint32_t void_segment; /* what a crash left of a creation */
  uint64_t void_size;    /* 0: there is none */
};

static cas_status pass_on(void *arg, const struct segment_event *event) {
  struct recovery *recovery = arg;
  if (event->kind == SEGMENT_EVENT_COMMIT && event->group > recovery->group) recovery->group = event->group;
  bool bad = event->kind == SEGMENT_EVENT_DAMAGE || (event->kind == SEGMENT_EVENT_RECORD && !event->payload_good);
  if (bad && event->offset >= recovery->last_begin) recovery->last_is_damaged = true;
  return recovery->each(recovery->arg, event);
}

static cas_status emit_range(struct recovery *recovery, enum segment_event_kind kind, uint32_t segment, uint64_t size) {
  struct segment_event event = {.kind = kind, .segment = segment, .size = size};
  return recovery->each(recovery->arg, &event);
}

static cas_status fail_lost(struct recovery *recovery, uint32_t segment, uint64_t end) {
  return status_fail(recovery->error, CAS_CORRUPT,
                     "the log ends in segment %" PRIu32 " at %" PRIu64 ", before segment %" PRIu32 " at %" PRIu64
                     " (group %" PRIu64 "), up to which the index was written: durable bytes were lost, or the index "
                     "is of another time",
                     segment, end, recovery->from.segment, recovery->from.offset, recovery->from.group);
}

/* A last segment that a crash left without even a header is as if it were not there. */
static cas_status drop_void_segment(struct recovery *recovery) {
  if (recovery->count == 0) return CAS_OK;
  uint32_t segment = recovery->numbers[recovery->count - 1];
  struct segment_origin origin;
  STATUS_TRY(segment_origin_read(recovery->volume, recovery->key, segment, &origin, recovery->error));
  if (!segment_is_void(&origin)) return CAS_OK;
  STATUS_TRY(volume_size(recovery->volume, segment, &recovery->void_size, recovery->error));
  recovery->void_segment = segment;
  recovery->count--;
  return CAS_OK;
}

/* Bounds of a segment that has another behind it. */
static cas_status bound_sealed(struct recovery *recovery, uint32_t segment, uint32_t next_number,
                               struct segment_range *range) {
  struct segment_origin next;
  struct segment_last_group last;
  STATUS_TRY(segment_origin_read(recovery->volume, recovery->key, next_number, &next, recovery->error));
  if (segment_end_from_next(segment, &next, range)) return CAS_OK;
  STATUS_TRY(segment_last_group_find(recovery->volume, recovery->key, segment, range->offset, &last, recovery->error));
  range->end = last.found ? last.end : range->offset > 0 ? range->offset : SEGMENT_HEADER_BYTES;
  return CAS_OK;
}

static cas_status replay_sealed(struct recovery *recovery, uint32_t segment, uint32_t next_number, uint64_t offset) {
  struct segment_range range = {.offset = offset, .check_from = UINT64_MAX};
  STATUS_TRY(bound_sealed(recovery, segment, next_number, &range));
  if (range.end < offset) return fail_lost(recovery, segment, range.end);
  STATUS_TRY(segment_scan_range(recovery->volume, recovery->key, segment, &range, recovery->flags, pass_on, recovery,
                                recovery->error));
  for (uint32_t missing = segment + 1; missing < next_number; missing++)
    STATUS_TRY(emit_range(recovery, SEGMENT_EVENT_DAMAGE, missing, 0));
  return CAS_OK;
}

static cas_status replay_last(struct recovery *recovery, uint32_t segment, uint64_t offset, struct segment_mark *end) {
  struct segment_origin origin;
  struct segment_last_group last;
  uint64_t size;
  STATUS_TRY(volume_size(recovery->volume, segment, &size, recovery->error));
  if (size < offset) return fail_lost(recovery, segment, size);
  STATUS_TRY(segment_origin_read(recovery->volume, recovery->key, segment, &origin, recovery->error));
  if (origin.previous_known && origin.previous.group > recovery->group) recovery->group = origin.previous.group;
  STATUS_TRY(segment_last_group_find(recovery->volume, recovery->key, segment, offset, &last, recovery->error));
  uint64_t least = offset > 0 ? offset : SEGMENT_HEADER_BYTES;
  struct segment_range range = {.offset = offset, .end = least, .check_from = UINT64_MAX};
  if (last.found) {
    range.end = last.end;
    range.check_from = recovery->last_begin = last.begin > least ? last.begin : least;
  }
  STATUS_TRY(segment_scan_range(recovery->volume, recovery->key, segment, &range, recovery->flags, pass_on, recovery,
                                recovery->error));
  *end = (struct segment_mark){.group = recovery->group,
                               .segment = segment,
                               .offset = range.end,
                               .doubtful_from = recovery->last_is_damaged ? recovery->last_begin : 0};
  if (!last.found && offset > 0 && offset == recovery->from.offset) end->doubtful_from = recovery->from.doubtful_from;
  return CAS_OK;
}

static cas_status replay(struct recovery *recovery, struct segment_mark *end) {
  STATUS_TRY(drop_void_segment(recovery));
  uint32_t first = recovery->from.segment == 0 ? 1 : recovery->from.segment;
  uint32_t last = recovery->count == 0 ? 0 : recovery->numbers[recovery->count - 1];
  if (last < first) {
    if (recovery->from.offset > 0 || recovery->from.group > 0) return fail_lost(recovery, last, 0);
    *end = (struct segment_mark){.segment = 1};
    return CAS_OK;
  }
  size_t i = 0;
  while (recovery->numbers[i] < first) i++;
  for (uint32_t missing = first; missing < recovery->numbers[i]; missing++)
    STATUS_TRY(emit_range(recovery, SEGMENT_EVENT_DAMAGE, missing, 0));
  for (; i + 1 < recovery->count; i++) {
    uint64_t offset = recovery->numbers[i] == first ? recovery->from.offset : 0;
    STATUS_TRY(replay_sealed(recovery, recovery->numbers[i], recovery->numbers[i + 1], offset));
  }
  return replay_last(recovery, last, last == first ? recovery->from.offset : 0, end);
}

cas_status segment_recover(struct volume *volume, const struct segment_store_key *key, struct segment_mark from,
                           unsigned flags, segment_event_fn each, void *arg, struct segment_mark *end,
                           struct cas_error *error) {
  if (from.offset % SEGMENT_BLOCK_BYTES != 0)
    return status_fail(error, CAS_CORRUPT, "segment %" PRIu32 ": no mark is at %" PRIu64, from.segment, from.offset);
  struct recovery recovery = {.volume = volume,
                              .key = key,
                              .from = from,
                              .flags = flags,
                              .each = each,
                              .arg = arg,
                              .error = error,
                              .group = from.group,
                              .last_begin = UINT64_MAX};
  STATUS_TRY(volume_list(volume, &recovery.numbers, &recovery.count, error));
  cas_status status = replay(&recovery, end);
  if (status == CAS_OK && recovery.void_size > 0)
    status = emit_range(&recovery, SEGMENT_EVENT_TORN, recovery.void_segment, recovery.void_size);
  free(recovery.numbers);
  return status;
}
