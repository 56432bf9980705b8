/*
 * Moving segments between the tiers.
 *
 *   copy under a new name -> durable -> read back and checked -> its own name, durable -> the old file removed
 *
 * Invariants
 *  1. A segment is whole and durable in one tier at each moment. In both it is only between the last two steps; what a
 * crash leaves of that is removed at the next start, or by the next run (volume_clean()).
 *  2. Only sealed segments move, which the index knows wholly and durably, in the generation that counts: a start
 * replays none of them, so it needs no cold place.
 */
#include "cassette/tier.h"

#include <inttypes.h>

#include "base/clock.h"
#include "segment/segment_copy.h"
#include "store/commit_record.h"
#include "store/compact_change.h"
#include "store/compact_segment.h"
#include "store/ledger.h"
#include "store/pace.h"
#include "store/paths.h"

struct planned {
  uint64_t segment, size;
};

struct moving {
  struct cas_store *store;
  const struct cas_tier_options *options;
  struct cas_tier_result *result;
  enum volume_tier to;
  uint32_t last;  /* sealed segment that the index knows wholly */
  uint64_t freed; /* in the store, by what is planned */
  struct planned *plan;
  size_t count, capacity;
  struct pace pace;
  struct cas_error *error;
};

/* --- which --- */

static cas_status add(struct moving *moving, const struct planned *planned) {
  if (moving->count == moving->capacity) {
    size_t capacity = moving->capacity == 0 ? 64 : moving->capacity * 2;
    struct planned *grown = reallocarray(moving->plan, capacity, sizeof *grown);
    if (grown == NULL) return CAS_NO_MEMORY;
    moving->plan = grown;
    moving->capacity = capacity;
  }
  moving->plan[moving->count++] = *planned;
  return CAS_OK;
}

/* Whether the options ask for a segment to go to the cold place. One whose age cannot be told stays. */
static cas_status is_wanted_cold(struct moving *moving, uint32_t number, uint64_t free_bytes, bool *wanted) {
  const struct cas_tier_options *options = moving->options;
  struct cas_store *store = moving->store;
  int64_t sealed_ns;
  *wanted = options->sealed_before_ns == 0 && options->keep_free_bytes == 0;
  if (options->keep_free_bytes > free_bytes + moving->freed) *wanted = true;
  if (*wanted || options->sealed_before_ns == 0) return CAS_OK;
  cas_status status = segment_sealed_ns(store->volume, &store->superblock.key, number, &sealed_ns, moving->error);
  if (status == CAS_OK) *wanted = sealed_ns < options->sealed_before_ns;
  return status == CAS_CORRUPT || status == CAS_NOT_FOUND || status == CAS_AWAY || status == CAS_IO ? CAS_OK : status;
}

static bool is_wanted_hot(const struct moving *moving, uint32_t number) {
  for (size_t i = 0; i < moving->options->segment_count; i++)
    if (moving->options->segments[i] == number) return true;
  return moving->options->segment_count == 0;
}

static cas_status consider(struct moving *moving, uint64_t segment, uint64_t free_bytes) {
  struct cas_store *store = moving->store;
  struct planned planned = {.segment = segment};
  struct ledger_segment known;
  uint32_t number = segment_file_number(segment), generation = segment_file_generation(segment);
  bool wanted = moving->to == VOLUME_HOT && is_wanted_hot(moving, number);
  if (number > moving->last || number <= moving->options->after) return CAS_OK;
  STATUS_TRY(ledger_get_segment(store->index, NULL, number, &known, moving->error));
  if (known.generation != generation || known.settled != generation) return CAS_OK;
  if (moving->to == VOLUME_COLD) STATUS_TRY(is_wanted_cold(moving, number, free_bytes, &wanted));
  if (!wanted) return CAS_OK;
  STATUS_TRY(volume_size(store->volume, segment, &planned.size, moving->error));
  moving->freed += planned.size;
  return add(moving, &planned);
}

/* Numbers that were asked for by name exist. */
static cas_status check_asked(const struct moving *moving) {
  for (size_t i = 0; i < moving->options->segment_count; i++) {
    uint64_t segment;
    STATUS_TRY(volume_find(moving->store->volume, moving->options->segments[i], &segment, moving->error));
  }
  return CAS_OK;
}

static cas_status plan_from(struct moving *moving, const struct volume_files *hot, const struct volume_files *cold) {
  const bool to_cold = moving->to == VOLUME_COLD;
  const struct volume_files *from = to_cold ? hot : cold, *other = to_cold ? cold : hot;
  struct io_disk *disk = moving->store->disk;
  uint64_t free_bytes, total_bytes;
  STATUS_TRY(check_asked(moving));
  STATUS_TRY(disk->ops->space(disk, &free_bytes, &total_bytes, moving->error));
  for (size_t i = 0; i < from->count; i++) {
    uint32_t number = segment_file_number(from->values[i]);
    /* The generation that counts, and what is in both tiers counts in the store. */
    if (volume_files_highest(from, number) != from->values[i] || volume_files_highest(other, number) >= from->values[i])
      continue;
    STATUS_TRY(consider(moving, from->values[i], free_bytes));
  }
  return CAS_OK;
}

static cas_status make_plan(struct moving *moving) {
  struct volume_files hot = {0}, cold = {0};
  struct io_disk *disk = moving->store->disk;
  cas_status status = volume_names_list(disk, VOLUME_HOT, false, &hot, moving->error);
  if (status == CAS_OK) status = volume_names_list(disk, VOLUME_COLD, false, &cold, moving->error);
  if (status == CAS_OK) status = plan_from(moving, &hot, &cold);
  free(hot.values);
  free(cold.values);
  return status;
}

/* --- one segment --- */

static cas_status step(void *arg, uint64_t bytes) {
  struct moving *moving = arg;
  return pace_keep(&moving->pace, bytes);
}

static cas_status tell(struct commit_record *record, struct record_group *group) {
  uint64_t moved;
  (void)record;
  STATUS_TRY(ledger_get_moved(NULL, group->batch, &moved, group->error));
  return ledger_put_moved(group->batch, moved + 1, group->error);
}

static cas_status copy_checked(struct moving *moving, struct segment_copy *copy) {
  char name[VOLUME_NAME_BYTES];
  STATUS_TRY(segment_copy_write(copy, moving->error));
  volume_new_name(copy->segment, copy->to, name);
  /* Past the page cache: what is in memory says nothing about the disk. */
  path_forget_cached(moving->store->path, name);
  cas_status status = segment_copy_check(copy, moving->error);
  if (status == CAS_OK) status = volume_publish(copy->volume, copy->segment, copy->to, moving->error);
  if (status != CAS_OK) (void)!volume_remove_new(copy->volume, copy->segment, copy->to, NULL);
  return status;
}

static cas_status move_one(struct moving *moving, const struct planned *planned) {
  struct cas_store *store = moving->store;
  const enum volume_tier from = moving->to == VOLUME_COLD ? VOLUME_HOT : VOLUME_COLD;
  struct segment_copy copy = {.volume = store->volume,
                              .key = &store->superblock.key,
                              .segment = planned->segment,
                              .to = moving->to,
                              .step = step,
                              .arg = moving};
  STATUS_TRY(copy_checked(moving, &copy));
  STATUS_TRY(volume_discard(store->volume, planned->segment, from, moving->error));
  moving->result->segments++;
  moving->result->bytes += copy.bytes;
  /* Whoever follows closes the old file. Where the archive is read-only he does so later. */
  struct commit_record record = {.append = tell};
  (void)!commit_record_wait(store, &record, NULL);
  store_log(store, CAS_LOG_NOTICE, "segment %" PRIu32 " moved to the %s: %" PRIu64 " bytes",
            segment_file_number(planned->segment), moving->to == VOLUME_COLD ? "cold place" : "store", copy.bytes);
  return CAS_OK;
}

/* --- all --- */

static cas_status check_room(const struct moving *moving, const struct planned *planned) {
  struct io_disk *disk = moving->store->disk;
  uint64_t free_bytes, total_bytes;
  if (moving->to == VOLUME_COLD) return CAS_OK;
  STATUS_TRY(disk->ops->space(disk, &free_bytes, &total_bytes, moving->error));
  if (free_bytes >= planned->size + DISK_RESERVE_BYTES + GROUP_BYTES_MAX) return CAS_OK;
  return status_fail(moving->error, CAS_NO_SPACE,
                     "segment %" PRIu32 " stays in the cold place: %" PRIu64 " MiB are free in the store, which needs "
                     "%u of them itself",
                     segment_file_number(planned->segment), free_bytes >> 20,
                     (DISK_RESERVE_BYTES + GROUP_BYTES_MAX) >> 20);
}

static cas_status move_planned(struct moving *moving, size_t wanted) {
  for (size_t i = 0; i < wanted; i++) {
    STATUS_TRY(check_room(moving, &moving->plan[i]));
    cas_status status = move_one(moving, &moving->plan[i]);
    if (status == CAS_CORRUPT) {
      moving->result->damaged_segments++;
      store_log(moving->store, CAS_LOG_WARNING, "%s", moving->error->message);
    } else {
      STATUS_TRY(status);
    }
    moving->result->reached = segment_file_number(moving->plan[i].segment);
    moving->pace.progress.segments_done++;
  }
  return CAS_OK;
}

static cas_status move_all(struct moving *moving) {
  const struct cas_tier_options *options = moving->options;
  struct cas_compact_progress *progress = &moving->pace.progress;
  size_t wanted =
      options->segments_max != 0 && options->segments_max < moving->count ? options->segments_max : moving->count;
  if (options->dry_run) wanted = 0;
  progress->segments = wanted;
  for (size_t i = 0; i < wanted; i++) progress->bytes += moving->plan[i].size;
  cas_status status = move_planned(moving, wanted);
  for (size_t i = progress->segments_done; i < moving->count; i++) {
    moving->result->segments_left++;
    moving->result->bytes_left += moving->plan[i].size;
  }
  return status;
}

/* With the note: without it nobody would miss the place. */
static cas_status check_place(const struct moving *moving) {
  struct io_disk *disk = moving->store->disk;
  struct cas_error reason = {0};
  struct io_file *note;
  enum volume_cold cold = volume_cold_state(moving->store->volume, &reason);
  if (cold == VOLUME_COLD_AWAY || cold == VOLUME_COLD_UNKNOWN)
    return status_fail(moving->error, reason.status, "%s", reason.message);
  cas_status status = disk->ops->open(disk, VOLUME_COLD_NOTE, IO_READ, &note, moving->error);
  if (status == CAS_OK) note->ops->close(note);
  if (cold == VOLUME_COLD_NONE || status == CAS_NOT_FOUND)
    return status_fail(moving->error, CAS_INVALID, "%s has no cold place: cassette tier set gives it one",
                       moving->store->path);
  return status;
}

/* So that no start has to replay what is in the cold place. An archive whose disk is full moves all the same: that is
 * how it gets room. */
static cas_status settle_index(struct moving *moving) {
  struct segment_mark mark;
  STATUS_TRY(mark_get(moving->store->index, &mark, moving->error));
  moving->last = mark.segment > 0 ? mark.segment - 1 : 0;
  if (moving->options->dry_run) return CAS_OK;
  cas_status status = compact_flush(moving->store, moving->error);
  return status == CAS_NO_SPACE || status == CAS_IO ? CAS_OK : status;
}

static cas_status run(struct moving *moving) {
  STATUS_TRY(check_place(moving));
  STATUS_TRY(settle_index(moving));
  if (!moving->options->dry_run) STATUS_TRY(volume_clean(moving->store->volume, false, moving->error));
  STATUS_TRY(make_plan(moving));
  return move_all(moving);
}

static cas_status begin(struct cas_store *store, enum volume_tier to, const struct cas_tier_options *options,
                        struct cas_tier_result *result, struct cas_error *error) {
  static const struct cas_tier_options defaults = {0};
  struct cas_error detail = {0};
  if (options == NULL) options = &defaults;
  struct moving moving = {.store = store,
                          .options = options,
                          .result = result,
                          .to = to,
                          .pace = {.each = options->progress,
                                   .arg = options->arg,
                                   .bytes_per_second = options->bytes_per_second,
                                   .started_ns = clock_now_ns()},
                          .error = &detail};
  *result = (struct cas_tier_result){0};
  if (store->committer == NULL) return status_fail(error, CAS_INVALID, "the store is not open for writing");
  if (pthread_mutex_trylock(&store->compacting) != 0)
    return status_fail(error, CAS_BUSY, "segments of the store are being moved or written anew already");
  cas_status status = compact_settle(store, &detail);
  if (status == CAS_OK) status = run(&moving);
  pthread_mutex_unlock(&store->compacting);
  free(moving.plan);
  if (status != CAS_OK && error != NULL) *error = detail;
  return status;
}

cas_status cas_store_tier_move(struct cas_store *store, const struct cas_tier_options *options,
                               struct cas_tier_result *result, struct cas_error *error) {
  return begin(store, VOLUME_COLD, options, result, error);
}

cas_status cas_store_tier_recall(struct cas_store *store, const struct cas_tier_options *options,
                                 struct cas_tier_result *result, struct cas_error *error) {
  return begin(store, VOLUME_HOT, options, result, error);
}
