/*
 * Owns the thread. It looks once a second at how much has arrived in all:
 *
 *   busy --nothing for quiet_seconds--> quiet --something--> busy
 *
 * In both it looks for a segment that is worth it, but only after something came or went, or LOOK_SECONDS have passed.
 * While it is busy the reading is slowed down to busy_mib; nothing of a segment under way is thrown away when the state
 * changes.
 */
#include "packer.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cassette/compact.h"
#include "deleted_days.h"
#include "monotonic.h"

#define QUIET_SECONDS_DEFAULT 5
#define BUSY_MIB_DEFAULT 8
#define MIN_PERCENT_DEFAULT 10

/* How often it looks where nothing came: deletions and snapshots that went make room, too. */
#define LOOK_SECONDS 60

/* The open segment is ended for this much, or half of what segments of the store have; for less only when it has been
 * quiet for SEAL_SECONDS, so that a trickle does not make many small segments. */
#define SEAL_BYTES (UINT64_C(32) << 20)
#define SEAL_BYTES_LEAST (UINT64_C(1) << 20)
#define SEAL_SECONDS 60

struct packer {
  struct cas_store *store;
  struct packer_options options;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool stopping; /* lock */
  /* Of the thread. */
  uint64_t arrived;     /* bytes, when it looked last */
  time_t arrived_s;     /* when that changed last, by CLOCK_MONOTONIC */
  uint64_t paced_bytes; /* read since */
  struct timespec paced_from;
};

static time_t now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

/* Waits; false: it is to stop. */
static bool wait_ms(struct packer *packer, long ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += ms % 1000 * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  pthread_mutex_lock(&packer->lock);
  int result = 0;
  while (!packer->stopping && result == 0) result = pthread_cond_timedwait(&packer->changed, &packer->lock, &until);
  const bool goes_on = !packer->stopping;
  pthread_mutex_unlock(&packer->lock);
  return goes_on;
}

static bool is_stopping(struct packer *packer) {
  pthread_mutex_lock(&packer->lock);
  const bool stopping = packer->stopping;
  pthread_mutex_unlock(&packer->lock);
  return stopping;
}

/* Seconds since something arrived. */
static time_t quiet_for(struct packer *packer) {
  const uint64_t arrived = cas_store_arrived(packer->store);
  const time_t now = now_s();
  if (arrived != packer->arrived) packer->arrived_s = now;
  packer->arrived = arrived;
  return now - packer->arrived_s;
}

static bool is_quiet(struct packer *packer) { return quiet_for(packer) >= (time_t)packer->options.quiet_seconds; }

/* While it is busy, sleeps off what was read too fast. */
static cas_status pace(void *arg, const struct cas_compact_progress *progress) {
  struct packer *packer = arg;
  struct timespec now;
  if (is_stopping(packer)) return CAS_END;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (is_quiet(packer)) {
    packer->paced_bytes = progress->bytes_done;
    packer->paced_from = now;
    return CAS_OK;
  }
  const double elapsed_s =
      (double)(now.tv_sec - packer->paced_from.tv_sec) + (double)(now.tv_nsec - packer->paced_from.tv_nsec) / 1e9;
  const uint64_t bytes = progress->bytes_done > packer->paced_bytes ? progress->bytes_done - packer->paced_bytes : 0;
  const double early_s = (double)bytes / ((double)packer->options.busy_mib * (1 << 20)) - elapsed_s;
  if (early_s <= 0.001) return CAS_OK;
  return wait_ms(packer, early_s > 1 ? 1000 : (long)(early_s * 1000)) ? CAS_OK : CAS_END;
}

static void tell(const struct packer *packer, cas_status status, const struct cas_error *error) {
  char line[640];
  if (status == CAS_OK || status == CAS_END || status == CAS_BUSY || packer->options.log == NULL) return;
  snprintf(line, sizeof line, "segments could not be compacted: %s",
           error->message[0] != '\0' ? error->message : cas_status_text(status));
  packer->options.log(packer->options.log_arg, CAS_LOG_WARNING, line);
}

static uint64_t seal_bytes(const struct packer *packer) {
  const uint64_t half = ((uint64_t)packer->options.segment_mib << 20) / 2;
  return half != 0 && half < SEAL_BYTES ? half : SEAL_BYTES;
}

/* Compacts one segment; whether there was one. */
static bool compact_one(struct packer *packer) {
  const time_t quiet_s = quiet_for(packer);
  struct cas_compact_options options = {.min_percent = packer->options.min_percent,
                                        .segments_max = 1,
                                        .in_background = true,
                                        .deleted_before_ns = deleted_days_before(packer->options.deleted_days),
                                        .progress = pace,
                                        .arg = packer};
  if (quiet_s >= (time_t)packer->options.quiet_seconds)
    options.seal_bytes = quiet_s >= SEAL_SECONDS ? SEAL_BYTES_LEAST : seal_bytes(packer);
  struct cas_compact_result result;
  struct cas_error error = {0};
  packer->paced_bytes = 0;
  clock_gettime(CLOCK_MONOTONIC, &packer->paced_from);
  const cas_status status = cas_store_compact(packer->store, &options, &result, &error);
  tell(packer, status, &error);
  return status == CAS_OK && result.segments > 0;
}

static void *pack(void *arg) {
  struct packer *packer = arg;
  uint64_t arrived_then = UINT64_MAX; /* when nothing was worth it */
  bool was_quiet = false;
  time_t looked_s = 0;
  while (wait_ms(packer, 1000)) {
    const bool quiet = is_quiet(packer), settled = quiet_for(packer) == SEAL_SECONDS;
    if (packer->arrived == arrived_then && quiet == was_quiet && !settled && now_s() - looked_s < LOOK_SECONDS)
      continue;
    while (compact_one(packer) && !is_stopping(packer)) continue;
    arrived_then = packer->arrived;
    was_quiet = quiet;
    looked_s = now_s();
  }
  return NULL;
}

cas_status packer_start(struct cas_store *store, const struct packer_options *options, struct packer **packer,
                        struct cas_error *error) {
  struct packer *made = calloc(1, sizeof *made);
  if (made == NULL) return CAS_NO_MEMORY;
  made->store = store;
  made->options = *options;
  if (made->options.quiet_seconds == 0) made->options.quiet_seconds = QUIET_SECONDS_DEFAULT;
  if (made->options.busy_mib == 0) made->options.busy_mib = BUSY_MIB_DEFAULT;
  if (made->options.min_percent == 0) made->options.min_percent = MIN_PERCENT_DEFAULT;
  made->arrived = cas_store_arrived(store);
  made->arrived_s = now_s();
  pthread_mutex_init(&made->lock, NULL);
  monotonic_condition_init(&made->changed);
  const int failure = pthread_create(&made->thread, NULL, pack, made);
  if (failure != 0) {
    if (error != NULL) {
      error->status = CAS_IO;
      error->system_errno = failure;
      snprintf(error->message, sizeof error->message, "the packer has no thread: %s", strerrordesc_np(failure));
    }
    pthread_cond_destroy(&made->changed);
    pthread_mutex_destroy(&made->lock);
    free(made);
    return CAS_IO;
  }
  *packer = made;
  return CAS_OK;
}

void packer_stop(struct packer *packer) {
  if (packer == NULL) return;
  pthread_mutex_lock(&packer->lock);
  packer->stopping = true;
  pthread_cond_signal(&packer->changed);
  pthread_mutex_unlock(&packer->lock);
  pthread_join(packer->thread, NULL);
  pthread_cond_destroy(&packer->changed);
  pthread_mutex_destroy(&packer->lock);
  free(packer);
}
