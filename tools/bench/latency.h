/*
 * Durations gathered in bounded memory, and their percentiles.
 *
 * Each is counted in one of LATENCY_CELLS cells, which are 1.6 % wide at most; the largest is kept exactly.
 *
 * Threads: a histogram belongs to one thread at a time; each thread has its own, added up at the end.
 */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdint.h>

/* 64 cells for each power of two of nanoseconds up to 2^43 (2.4 hours); longer ones count in the last. */
#define LATENCY_CELLS 2432u

struct latency {
  uint64_t counts[LATENCY_CELLS];
  uint64_t count, sum_ns, max_ns;
};

void latency_add(struct latency *latency, uint64_t ns);

/* Adds what `other` has. */
void latency_merge(struct latency *latency, const struct latency *other);

/* The smallest duration, to the width of a cell, that at least `part` (0 to 1) of all do not exceed; 0 without any. */
uint64_t latency_percentile(const struct latency *latency, double part);

#endif
