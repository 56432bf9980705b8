/*
 * What the bench commands tell of a measurement: how many, how fast, how long each took, at what cost.
 *
 * Threads: one at a time.
 */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <jansson.h>

#include "cli.h"
#include "latency.h"

struct bench_figures {
  const char *noun;      /* what was counted, plural: also its key in JSON */
  const char *operation; /* what `latency` is of; NULL: nothing is said of latencies */
  uint64_t count;
  uint64_t bytes; /* 0: nothing is said of bytes */
  double seconds, processor_seconds;
  const struct latency *latency;
};

/* Seconds of a clock that only goes forward, and of processor time that this process has taken. */
double bench_clock_seconds(void);
double bench_processor_seconds(void);

/* Sets the keys of `object`: the noun, bytes, seconds, what is that a second, processor_seconds, latency_ms. */
void bench_figures_json(const struct bench_figures *figures, json_t *object);

/* Prints the same as lines for people. */
void bench_figures_print(const struct bench_figures *figures);

#endif
