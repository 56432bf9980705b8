/*
 * Owns the lanes' threads. Invariants:
 *  1. Every number is given out once.
 *  2. A lane's tally is its own until its thread was joined.
 */
#include "bench_lanes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "cli_json.h"

struct work {
  bench_lane_fn each;
  void *arg;
  uint64_t total;
  atomic_ullong next;
  atomic_bool stop;
};

struct lane {
  struct work *work;
  pthread_t thread;
  uint64_t count, bytes;
  struct latency latency;
  cas_status status;
  struct cas_error error;
};

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *lane_run(void *arg) {
  struct lane *lane = arg;
  struct work *work = lane->work;
  while (lane->status == CAS_OK && !atomic_load(&work->stop)) {
    const uint64_t number = atomic_fetch_add(&work->next, 1);
    if (number >= work->total) break;
    uint64_t bytes = 0;
    const uint64_t start = now_ns();
    lane->status = work->each(work->arg, number, &bytes, &lane->error);
    if (lane->status != CAS_OK) break;
    latency_add(&lane->latency, now_ns() - start);
    lane->count++;
    lane->bytes += bytes;
  }
  if (lane->status == CAS_END) lane->status = CAS_OK;
  if (lane->status != CAS_OK) atomic_store(&work->stop, true);
  return NULL;
}

static void add_up(struct bench_lanes_result *result, const struct lane *lane) {
  result->count += lane->count;
  result->bytes += lane->bytes;
  latency_merge(&result->latency, &lane->latency);
}

cas_status bench_lanes_run(unsigned lanes, uint64_t total, bench_lane_fn each, void *arg,
                           struct bench_lanes_result *result, struct cas_error *error) {
  struct work work = {.each = each, .arg = arg, .total = total};
  *result = (struct bench_lanes_result){0};
  CLI_FREE struct lane *all = calloc(lanes, sizeof *all);
  if (all == NULL) return CAS_NO_MEMORY;
  const double start = bench_clock_seconds(), processor_start = bench_processor_seconds();
  unsigned started = 0;
  for (; started < lanes; started++) {
    all[started].work = &work;
    if (pthread_create(&all[started].thread, NULL, lane_run, &all[started]) != 0) break;
  }
  cas_status status = started == lanes ? CAS_OK : CAS_NO_MEMORY;
  if (status != CAS_OK) atomic_store(&work.stop, true);
  for (unsigned i = 0; i < started; i++) {
    pthread_join(all[i].thread, NULL);
    add_up(result, &all[i]);
    if (status == CAS_OK && all[i].status != CAS_OK) *error = all[i].error;
    if (status == CAS_OK) status = all[i].status;
  }
  result->seconds = bench_clock_seconds() - start;
  result->processor_seconds = bench_processor_seconds() - processor_start;
  return status;
}

void bench_lanes_report(const struct bench_lanes_result *result, const char *noun, const char *operation, bool json) {
  const struct bench_figures figures = {.noun = noun,
                                        .operation = operation,
                                        .count = result->count,
                                        .bytes = result->bytes,
                                        .seconds = result->seconds,
                                        .processor_seconds = result->processor_seconds,
                                        .latency = &result->latency};
  if (!json) {
    bench_figures_print(&figures);
    return;
  }
  json_t *object = json_object();
  bench_figures_json(&figures, object);
  cli_json_print(object);
}
