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
#include "segment/segment_readers.h"

struct recovery {
  struct volume *volume;
  const struct segment_store_key *key;
  struct segment_mark from;
  unsigned flags;
  const struct segment_ahead *ahead; /* NULL: all on this thread */
  struct segment_readers *readers;   /* while segments are read ahead */
  segment_event_fn each;
  void *arg;
  struct cas_error *error;
  uint64_t *segments; /* owned */
  size_t count;
  bool whole;          /* false: the cold place is away, and its segments are not among them */
  uint64_t group;      /* the last durable group so far */
  uint64_t last_begin; /* of the log's last group, while its segment is scanned; else UINT64_MAX */
  bool last_is_damaged;
  uint32_t void_segment; /* what a crash left of a creation */
  uint64_t void_size;    /* 0: there is none */
};

static uint32_t first_segment(const struct recovery *recovery) {
  return recovery->from.segment == 0 ? 1 : recovery->from.segment;
}

static uint32_t number_at(const struct recovery *recovery, size_t i) {
  return segment_file_number(recovery->segments[i]);
}

static cas_status pass_on(void *arg, const struct segment_event *event) {
  struct recovery *recovery = arg;
  if (event->kind == SEGMENT_EVENT_COMMIT && event->group > recovery->group) recovery->group = event->group;
  bool bad = event->kind == SEGMENT_EVENT_DAMAGE || (event->kind == SEGMENT_EVENT_RECORD && !event->payload_good);
  if (bad && event->offset >= recovery->last_begin) recovery->last_is_damaged = true;
  return recovery->each(recovery->arg, event);
}

/* A segment without a file is lost, or away. */
static cas_status emit_missing(struct recovery *recovery, uint32_t number) {
  struct segment_event event = {.kind = SEGMENT_EVENT_DAMAGE, .segment = number};
  struct cas_error reason = {0};
  if (recovery->whole) return recovery->each(recovery->arg, &event);
  (void)volume_cold_state(recovery->volume, &reason);
  return status_fail(recovery->error, CAS_AWAY, "segment %" PRIu32 " is needed, and is in no place that is there; %s",
                     number, reason.message);
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
  uint64_t segment = recovery->segments[recovery->count - 1];
  struct segment_origin origin;
  STATUS_TRY(segment_origin_read(recovery->volume, recovery->key, segment, &origin, recovery->error));
  if (!segment_is_void(&origin)) return CAS_OK;
  STATUS_TRY(volume_size(recovery->volume, segment, &recovery->void_size, recovery->error));
  recovery->void_segment = segment_file_number(segment);
  recovery->count--;
  return CAS_OK;
}

static cas_status end_sealed(struct recovery *recovery, const struct segment_part *part) {
  for (uint32_t missing = segment_file_number(part->segment) + 1; missing < segment_file_number(part->next); missing++)
    STATUS_TRY(emit_missing(recovery, missing));
  return CAS_OK;
}

static void begin_last(struct recovery *recovery, const struct segment_part *part) {
  const struct segment_origin *origin = &part->origin;
  if (origin->previous_known && origin->previous.group > recovery->group) recovery->group = origin->previous.group;
  if (part->last.found) recovery->last_begin = part->range.check_from;
}

static void end_last(const struct recovery *recovery, const struct segment_part *part, struct segment_mark *end) {
  *end = (struct segment_mark){.group = recovery->group,
                               .segment = segment_file_number(part->segment),
                               .offset = part->range.end,
                               .doubtful_from = recovery->last_is_damaged ? recovery->last_begin : 0};
  if (!part->last.found && part->range.offset > 0 && part->range.offset == recovery->from.offset)
    end->doubtful_from = recovery->from.doubtful_from;
  /* Nothing of it can be read. It is left as it is, for whoever wants to look at it. */
  if (!part->last.found && part->range.offset == 0 && !part->origin.header_good)
    end->doubtful_from = SEGMENT_HEADER_BYTES;
}

/* Bounds, then events: of this thread, or as the readers have them. */
static cas_status bound_part(struct recovery *recovery, struct segment_part *part) {
  if (recovery->readers != NULL) return segment_readers_bound(recovery->readers, part, recovery->error);
  return segment_part_bound(recovery->volume, recovery->key, part, recovery->error);
}

static cas_status scan_part(struct recovery *recovery, const struct segment_part *part) {
  if (recovery->readers != NULL) return segment_readers_deliver(recovery->readers, pass_on, recovery, recovery->error);
  return segment_scan_range(recovery->volume, recovery->key, part->segment, &part->range, recovery->flags, pass_on,
                            recovery, recovery->error);
}

static cas_status replay_part(struct recovery *recovery, const struct segment_part *planned, struct segment_mark *end) {
  struct segment_part part = *planned;
  STATUS_TRY(bound_part(recovery, &part));
  if (segment_part_is_lost(&part))
    return fail_lost(recovery, segment_file_number(part.segment), part.next != 0 ? part.range.end : part.size);
  if (part.next == 0) begin_last(recovery, &part);
  STATUS_TRY(scan_part(recovery, &part));
  if (part.next != 0) return end_sealed(recovery, &part);
  end_last(recovery, &part, end);
  return CAS_OK;
}

/* The segments from the mark's on, in order. */
static cas_status plan_parts(const struct recovery *recovery, size_t first, struct segment_part **parts) {
  struct segment_part *planned = calloc(recovery->count - first, sizeof *planned);
  if (planned == NULL) return status_fail(recovery->error, CAS_NO_MEMORY, "no memory for a list of segments");
  for (size_t i = first; i < recovery->count; i++) {
    struct segment_part *part = &planned[i - first];
    part->segment = recovery->segments[i];
    part->next = i + 1 < recovery->count ? recovery->segments[i + 1] : 0;
    if (part->segment == first_segment(recovery)) part->range.offset = recovery->from.offset;
  }
  *parts = planned;
  return CAS_OK;
}

static cas_status replay_parts(struct recovery *recovery, const struct segment_part *parts, size_t count,
                               struct segment_mark *end) {
  if (recovery->ahead != NULL)
    STATUS_TRY(segment_readers_open(recovery->volume, recovery->key, recovery->flags, recovery->ahead, parts, count,
                                    &recovery->readers, recovery->error));
  cas_status status = CAS_OK;
  for (size_t i = 0; i < count && status == CAS_OK; i++) status = replay_part(recovery, &parts[i], end);
  segment_readers_close(recovery->readers);
  return status;
}

static cas_status replay(struct recovery *recovery, struct segment_mark *end) {
  STATUS_TRY(drop_void_segment(recovery));
  uint32_t first = first_segment(recovery);
  uint32_t last = recovery->count == 0 ? 0 : number_at(recovery, recovery->count - 1);
  if (last < first) {
    if (recovery->from.offset > 0 || recovery->from.group > 0) return fail_lost(recovery, last, 0);
    *end = (struct segment_mark){.segment = 1};
    return CAS_OK;
  }
  size_t i = 0;
  while (number_at(recovery, i) < first) i++;
  for (uint32_t missing = first; missing < number_at(recovery, i); missing++)
    STATUS_TRY(emit_missing(recovery, missing));
  CLEANUP_FREE struct segment_part *parts = NULL;
  STATUS_TRY(plan_parts(recovery, i, &parts));
  return replay_parts(recovery, parts, recovery->count - i, end);
}

cas_status segment_recover_ahead(struct volume *volume, const struct segment_store_key *key, struct segment_mark from,
                                 unsigned flags, const struct segment_ahead *ahead, segment_event_fn each, void *arg,
                                 struct segment_mark *end, struct cas_error *error) {
  if (from.offset % SEGMENT_BLOCK_BYTES != 0)
    return status_fail(error, CAS_CORRUPT, "segment %" PRIu32 ": no mark is at %" PRIu64, from.segment, from.offset);
  struct recovery recovery = {.volume = volume,
                              .key = key,
                              .from = from,
                              .flags = flags,
                              .ahead = ahead,
                              .each = each,
                              .arg = arg,
                              .error = error,
                              .group = from.group,
                              .last_begin = UINT64_MAX};
  STATUS_TRY(volume_list(volume, &recovery.segments, &recovery.count, &recovery.whole, error));
  cas_status status = replay(&recovery, end);
  if (status == CAS_OK && recovery.void_size > 0)
    status = emit_range(&recovery, SEGMENT_EVENT_TORN, recovery.void_segment, recovery.void_size);
  free(recovery.segments);
  return status;
}

cas_status segment_recover(struct volume *volume, const struct segment_store_key *key, struct segment_mark from,
                           unsigned flags, segment_event_fn each, void *arg, struct segment_mark *end,
                           struct cas_error *error) {
  return segment_recover_ahead(volume, key, from, flags, NULL, each, arg, end, error);
}
