/*
 * Owns the scrubber's thread. Invariants, under lock:
 *  1. `place` is what the thread has done: a segment counts when it was read to its end, so that whatever interrupts
 * it, it is read again from its start, and nothing is passed over.
 *  2. Only the thread changes `place`, but for the flags paused, hurried and reading, which others set.
 */
#include "cassette/scrub.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "store/affected.h"
#include "store/paths.h"
#include "store/verify.h"

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE (3 << 13) /* ioprio_set(2) */

struct cas_scrubber {
  struct cas_store *store;
  struct cas_scrub_options options;
  pthread_t thread;
  pthread_mutex_t saving; /* held while the place is written; taken before lock */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool ending, begin_asked;  /* lock */
  struct scrub_place place;  /* lock */
  uint64_t total_bytes;      /* lock */
  uint64_t bytes_per_second; /* lock */
  char trouble[256];         /* lock */

  /* The thread's own: the segment that it reads. */
  uint32_t segment;
  uint64_t segment_bytes_done; /* lock: read by status */
  uint64_t pace_bytes;         /* since pace_began */
  struct timespec pace_began;
  struct scrub_damage damages[SCRUB_DAMAGES_MAX];
  size_t damage_count;
  uint64_t instances_hit;
  bool silent; /* what looks damaged is not told yet */
};

/* --- waiting --- */

static double seconds_since(const struct timespec *began) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - began->tv_sec) + (double)(now.tv_nsec - began->tv_nsec) / 1e9;
}

/* Waits until something changes, at most that long. The lock is held. */
static void wait_for_change(struct cas_scrubber *scrubber, double seconds) {
  struct timespec until;
  if (seconds > 3600) seconds = 3600;
  clock_gettime(CLOCK_MONOTONIC, &until);
  uint64_t ns = (uint64_t)until.tv_nsec + (uint64_t)(seconds * 1e9);
  until.tv_sec += (time_t)(ns / 1000000000);
  until.tv_nsec = (long)(ns % 1000000000);
  pthread_cond_timedwait(&scrubber->changed, &scrubber->lock, &until);
}

static void begin_pace(struct cas_scrubber *scrubber) {
  scrubber->pace_bytes = 0;
  clock_gettime(CLOCK_MONOTONIC, &scrubber->pace_began);
}

/* Comes back when so many bytes more were due. CAS_END: the scrubber is to end, or to pause. */
static cas_status keep_pace(struct cas_scrubber *scrubber, uint64_t bytes) {
  cas_status status = CAS_OK;
  scrubber->pace_bytes += bytes;
  pthread_mutex_lock(&scrubber->lock);
  while (status == CAS_OK) {
    double ahead =
        (double)scrubber->pace_bytes / (double)scrubber->bytes_per_second - seconds_since(&scrubber->pace_began);
    if (scrubber->ending || scrubber->place.paused) status = CAS_END;
    if (ahead <= 0) break;
    if (status == CAS_OK) wait_for_change(scrubber, ahead);
  }
  pthread_mutex_unlock(&scrubber->lock);
  return status;
}

/* --- one segment --- */

static cas_status take_progress(void *arg, const struct cas_progress *progress) {
  struct cas_scrubber *scrubber = arg;
  uint64_t more = progress->done - scrubber->segment_bytes_done;
  pthread_mutex_lock(&scrubber->lock);
  scrubber->segment_bytes_done = progress->done;
  pthread_mutex_unlock(&scrubber->lock);
  return keep_pace(scrubber, more);
}

static void take_finding(void *arg, const struct cas_finding *finding) {
  struct cas_scrubber *scrubber = arg;
  if (finding->kind == CAS_FINDING_DAMAGED_RECORD && scrubber->damage_count < SCRUB_DAMAGES_MAX)
    scrubber->damages[scrubber->damage_count++] =
        (struct scrub_damage){scrubber->segment, finding->offset, finding->size > 0 ? finding->size : UINT32_MAX};
  if (scrubber->silent) return;
  if (finding->attributes != NULL)
    store_log(scrubber->store, CAS_LOG_ERROR, "scrub: SOP Instance UID %s: %s",
              cas_attributes_text(finding->attributes, CAS_TAG_SOP_INSTANCE_UID), finding->message);
  else
    store_log(scrubber->store, CAS_LOG_ERROR, "scrub: %s at byte %" PRIu64 ": %s", finding->path, finding->offset,
              finding->message);
}

static cas_status read_segment(struct cas_scrubber *scrubber, bool silent, struct cas_verify_result *result,
                               struct cas_error *error) {
  const struct cas_verify_options options = {.progress = take_progress, .finding = take_finding, .arg = scrubber};
  char name[VOLUME_NAME_BYTES];
  uint64_t segment = scrubber->segment;
  (void)!volume_find(scrubber->store->volume, scrubber->segment, &segment, NULL);
  volume_present_name(scrubber->store->volume, segment, name);
  scrubber->damage_count = 0;
  scrubber->silent = silent;
  *result = (struct cas_verify_result){0};
  pthread_mutex_lock(&scrubber->lock);
  scrubber->segment_bytes_done = 0;
  pthread_mutex_unlock(&scrubber->lock);
  /* Past the page cache: what is in memory says nothing about the disk. */
  path_forget_cached(scrubber->store->path, name);
  cas_status status = verify_segment(scrubber->store, scrubber->segment, &options, result, error);
  path_forget_cached(scrubber->store->path, name);
  return status;
}

/* What looks damaged is read again: the segment may have been written anew meanwhile, or the disk was disturbed. */
static cas_status check_segment(struct cas_scrubber *scrubber, struct cas_verify_result *result,
                                struct cas_error *error) {
  STATUS_TRY(read_segment(scrubber, true, result, error));
  if (result->damaged_records + result->index_findings == 0) return CAS_OK;
  return read_segment(scrubber, false, result, error);
}

static void count_segment(struct cas_scrubber *scrubber, const struct cas_verify_result *result) {
  struct scrub_place *place = &scrubber->place;
  pthread_mutex_lock(&scrubber->lock);
  place->segment = scrubber->segment + 1;
  place->now.segments += result->segments;
  place->now.records += result->records;
  place->now.bytes += result->bytes;
  place->now.damaged_records += result->damaged_records;
  place->now.index_findings += result->index_findings;
  place->now.away_segments += result->away_segments;
  place->now.damaged_instances += result->damaged_instances;
  for (size_t i = 0; i < scrubber->damage_count && place->damage_count < SCRUB_DAMAGES_MAX; i++)
    place->damages[place->damage_count++] = scrubber->damages[i];
  scrubber->segment_bytes_done = 0;
  pthread_mutex_unlock(&scrubber->lock);
}

/* --- one cycle --- */

static cas_status save(struct cas_scrubber *scrubber, struct cas_error *error) {
  struct scrub_place *copy = malloc(sizeof *copy);
  if (copy == NULL) return CAS_NO_MEMORY;
  pthread_mutex_lock(&scrubber->saving);
  pthread_mutex_lock(&scrubber->lock);
  *copy = scrubber->place;
  pthread_mutex_unlock(&scrubber->lock);
  cas_status status = scrub_place_save(scrubber->store, copy, error);
  pthread_mutex_unlock(&scrubber->saving);
  free(copy);
  return status;
}

static void set_pace(struct cas_scrubber *scrubber, uint64_t total_bytes) {
  pthread_mutex_lock(&scrubber->lock);
  /* A tenth of the cycle is kept for restarts, and for what arrives meanwhile. */
  uint64_t needed = total_bytes / (scrubber->options.cycle_seconds - scrubber->options.cycle_seconds / 10) + 1;
  uint64_t most = scrubber->options.bytes_per_second_max;
  bool too_slow = needed > most;
  if (needed < SCRUB_BYTES_PER_SECOND_MIN) needed = SCRUB_BYTES_PER_SECOND_MIN;
  scrubber->bytes_per_second = needed > most || scrubber->place.hurried ? most : needed;
  scrubber->total_bytes = total_bytes;
  pthread_mutex_unlock(&scrubber->lock);
  if (too_slow)
    store_log(scrubber->store, CAS_LOG_WARNING,
              "scrub: %" PRIu64 " bytes at %" PRIu64 " a second take longer than the cycle of %" PRIu32 " s",
              total_bytes, most, scrubber->options.cycle_seconds);
}

static cas_status read_segments(struct cas_scrubber *scrubber, struct cas_error *error) {
  CLEANUP_FREE uint64_t *segments = NULL;
  size_t count, total = 0;
  struct segment_mark mark; /* up to it by numbers, so that a segment that is missing is missed */
  STATUS_TRY(mark_get(scrubber->store->index, &mark, error));
  STATUS_TRY(volume_list(scrubber->store->volume, &segments, &count, NULL, error));
  for (size_t i = 0; i < count; i++) {
    uint64_t size = 0;
    if (volume_size(scrubber->store->volume, segments[i], &size, error) == CAS_IO) return CAS_IO;
    total += size;
  }
  set_pace(scrubber, total);
  begin_pace(scrubber);
  scrubber->segment = scrubber->place.segment > 0 ? scrubber->place.segment : 1;
  for (; scrubber->segment <= mark.segment; scrubber->segment++) {
    struct cas_verify_result result;
    STATUS_TRY(check_segment(scrubber, &result, error));
    count_segment(scrubber, &result);
    STATUS_TRY(save(scrubber, error));
  }
  return CAS_OK;
}

static cas_status tell_instance(void *arg, const struct cas_node *node) {
  struct cas_scrubber *scrubber = arg;
  store_log(scrubber->store, CAS_LOG_ERROR, "scrub: damaged instance: SOP Instance UID %s",
            cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID));
  scrubber->instances_hit++;
  return CAS_OK;
}

static cas_status keep_looking(void *arg) { return keep_pace(arg, SEGMENT_BLOCK_BYTES); } /* costs about a block */

static cas_status look_up_instances(struct cas_scrubber *scrubber, struct cas_error *error) {
  if (scrubber->place.damage_count == 0) return CAS_OK;
  scrubber->instances_hit = 0;
  STATUS_TRY(affected_instances(scrubber->store, scrubber->place.damages, scrubber->place.damage_count, keep_looking,
                                tell_instance, scrubber, error));
  pthread_mutex_lock(&scrubber->lock);
  scrubber->place.now.damaged_instances += scrubber->instances_hit;
  pthread_mutex_unlock(&scrubber->lock);
  return CAS_OK;
}

static cas_status end_cycle(struct cas_scrubber *scrubber, struct cas_error *error) {
  struct scrub_place *place = &scrubber->place;
  pthread_mutex_lock(&scrubber->lock);
  place->now.ended_ns = clock_now_ns();
  place->whole = place->now;
  place->reading = place->hurried = false;
  place->segment = 0;
  place->damage_count = 0;
  const struct cas_scrub_counts whole = place->whole;
  pthread_mutex_unlock(&scrubber->lock);
  bool bad = whole.damaged_records + whole.index_findings > 0;
  store_log(scrubber->store,
            bad                       ? CAS_LOG_ERROR
            : whole.away_segments > 0 ? CAS_LOG_WARNING
                                      : CAS_LOG_NOTICE,
            "scrub: cycle %" PRIu64 " read %" PRIu64 " segments, %" PRIu64 " records, %" PRIu64 " bytes in %" PRId64
            " s: %" PRIu64 " damaged records, %" PRIu64 " damaged instances, %" PRIu64
            " findings in the index, %" PRIu64 " segments away",
            place->cycles, whole.segments, whole.records, whole.bytes, (whole.ended_ns - whole.started_ns) / 1000000000,
            whole.damaged_records, whole.damaged_instances, whole.index_findings, whole.away_segments);
  return save(scrubber, error);
}

/* --- the life --- */

static int64_t due_ns(const struct cas_scrubber *scrubber) {
  return scrubber->place.now.started_ns + (int64_t)scrubber->options.cycle_seconds * 1000000000;
}

/* False: the scrubber is to end. True: a cycle is under way. */
static bool wait_for_cycle(struct cas_scrubber *scrubber) {
  struct scrub_place *place = &scrubber->place;
  pthread_mutex_lock(&scrubber->lock);
  while (!scrubber->ending) {
    double seconds = (double)(due_ns(scrubber) - clock_now_ns()) / 1e9;
    if (scrubber->begin_asked) {
      place->hurried = true;
      seconds = 0;
    }
    scrubber->begin_asked = false;
    if (!place->paused && (place->reading || seconds <= 0)) break;
    wait_for_change(scrubber, place->paused ? 3600 : seconds);
  }
  if (!scrubber->ending && !place->reading) scrub_place_begin(place);
  bool goes_on = !scrubber->ending;
  pthread_mutex_unlock(&scrubber->lock);
  return goes_on;
}

static void note_trouble(struct cas_scrubber *scrubber, cas_status status, const struct cas_error *error) {
  pthread_mutex_lock(&scrubber->lock);
  bool is_new = status != CAS_OK && scrubber->trouble[0] == '\0';
  snprintf(scrubber->trouble, sizeof scrubber->trouble, "%.255s",
           status == CAS_OK            ? ""
           : error->message[0] != '\0' ? error->message
                                       : cas_status_text(status));
  if (status != CAS_OK && !scrubber->ending) wait_for_change(scrubber, SCRUB_TROUBLE_SECONDS);
  pthread_mutex_unlock(&scrubber->lock);
  if (is_new) store_log(scrubber->store, CAS_LOG_WARNING, "scrub: it is tried again later: %s", scrubber->trouble);
}

static void *scrub(void *arg) {
  struct cas_scrubber *scrubber = arg;
  /* Both as far as the system lets us. */
  (void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &(struct sched_param){0});
  (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
  while (wait_for_cycle(scrubber)) {
    struct cas_error error = {0};
    cas_status status = read_segments(scrubber, &error);
    if (status == CAS_OK) status = look_up_instances(scrubber, &error);
    if (status == CAS_OK) status = end_cycle(scrubber, &error);
    if (status != CAS_END) note_trouble(scrubber, status, &error);
  }
  return NULL;
}

static void destroy(struct cas_scrubber *scrubber) {
  pthread_cond_destroy(&scrubber->changed);
  pthread_mutex_destroy(&scrubber->lock);
  pthread_mutex_destroy(&scrubber->saving);
  free(scrubber);
}

cas_status cas_scrub_start(struct cas_store *store, const struct cas_scrub_options *options,
                           struct cas_scrubber **scrubber, struct cas_error *error) {
  if (store->mode != CAS_OPEN_WRITE)
    return status_fail(error, CAS_INVALID, "only the process that writes a store scrubs it");
  struct cas_scrubber *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  created->store = store;
  if (options != NULL) created->options = *options;
  if (created->options.cycle_seconds == 0) created->options.cycle_seconds = SCRUB_CYCLE_SECONDS_DEFAULT;
  if (created->options.bytes_per_second_max == 0)
    created->options.bytes_per_second_max = SCRUB_BYTES_PER_SECOND_DEFAULT;
  created->bytes_per_second = created->options.bytes_per_second_max;
  scrub_place_load(store, &created->place);
  pthread_mutex_init(&created->saving, NULL);
  pthread_mutex_init(&created->lock, NULL);
  clock_condition_init(&created->changed);
  int failure = pthread_create(&created->thread, NULL, scrub, created);
  if (failure != 0) {
    destroy(created);
    return status_fail_errno(error, failure, "cannot start the scrubber");
  }
  *scrubber = created;
  return CAS_OK;
}

void cas_scrub_stop(struct cas_scrubber *scrubber) {
  if (scrubber == NULL) return;
  pthread_mutex_lock(&scrubber->lock);
  scrubber->ending = true;
  pthread_cond_broadcast(&scrubber->changed);
  pthread_mutex_unlock(&scrubber->lock);
  pthread_join(scrubber->thread, NULL);
  (void)!save(scrubber, NULL);
  destroy(scrubber);
}

void cas_scrub_pause(struct cas_scrubber *scrubber, bool paused) {
  pthread_mutex_lock(&scrubber->lock);
  scrubber->place.paused = paused;
  pthread_cond_broadcast(&scrubber->changed);
  pthread_mutex_unlock(&scrubber->lock);
  (void)!save(scrubber, NULL);
}

void cas_scrub_begin(struct cas_scrubber *scrubber) {
  pthread_mutex_lock(&scrubber->lock);
  scrubber->place.paused = false;
  if (scrubber->place.reading) {
    scrubber->place.hurried = true;
    scrubber->bytes_per_second = scrubber->options.bytes_per_second_max;
  } else {
    scrubber->begin_asked = true;
  }
  pthread_cond_broadcast(&scrubber->changed);
  pthread_mutex_unlock(&scrubber->lock);
}

void cas_scrub_status(struct cas_scrubber *scrubber, struct cas_scrub_status *status) {
  const struct scrub_place *place = &scrubber->place;
  pthread_mutex_lock(&scrubber->lock);
  *status = (struct cas_scrub_status){
      .state = place->paused    ? CAS_SCRUB_PAUSED
               : place->reading ? CAS_SCRUB_READING
                                : CAS_SCRUB_RESTING,
      .cycles = place->cycles,
      .total_bytes = scrubber->total_bytes,
      .bytes_per_second = scrubber->bytes_per_second,
      .due_ns = due_ns(scrubber),
      .now = place->now,
      .whole = place->whole,
  };
  status->now.bytes += place->reading ? scrubber->segment_bytes_done : 0;
  memcpy(status->trouble, scrubber->trouble, sizeof status->trouble);
  pthread_mutex_unlock(&scrubber->lock);
}
