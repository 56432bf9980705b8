/*
 * Several threads that do the same to one thing after the other, and what came of it.
 *
 * Threads: bench_lanes_run() blocks; `each` is called from all lanes at once.
 */
#ifndef BENCH_LANES_H
#define BENCH_LANES_H

#include "bench_figures.h"

#define BENCH_LANES_MAX 256

/* Does number `number`; *bytes receives how many it had. CAS_END: there are no more, for this lane. Another status
 * than CAS_OK ends all lanes. */
typedef cas_status (*bench_lane_fn)(void *arg, uint64_t number, uint64_t *bytes, struct cas_error *error);

struct bench_lanes_result {
  uint64_t count, bytes;
  double seconds, processor_seconds;
  struct latency latency; /* of one call */
};

/* Calls `each` with 0, 1, 2, ... below `total` (UINT64_MAX: until CAS_END), from `lanes` threads. Fails as the first
 * that failed; the result is of all that succeeded, and there in any case. */
CAS_MUST_USE cas_status bench_lanes_run(unsigned lanes, uint64_t total, bench_lane_fn each, void *arg,
                                        struct bench_lanes_result *result, struct cas_error *error);

/* Prints the result as lines or as one JSON object. */
void bench_lanes_report(const struct bench_lanes_result *result, const char *noun, const char *operation, bool json);

#endif
