/*
 * Owns the cells' bounds. Cells 0 to 63 are single nanoseconds; then each power of two has 64 cells.
 */
#include "latency.h"

#define CELL_BITS 6
#define CELLS_EACH (1u << CELL_BITS)

_Static_assert(LATENCY_CELLS == (43 - CELL_BITS + 1) * CELLS_EACH, "up to 2^43 ns");

static unsigned cell_of(uint64_t ns) {
  if (ns < CELLS_EACH) return (unsigned)ns;
  const unsigned power = 63 - (unsigned)__builtin_clzll(ns);
  const unsigned cell = (power - CELL_BITS + 1) * CELLS_EACH + (unsigned)(ns >> (power - CELL_BITS)) - CELLS_EACH;
  return cell < LATENCY_CELLS ? cell : LATENCY_CELLS - 1;
}

/* The largest duration that counts in the cell. */
static uint64_t cell_end(unsigned cell) {
  if (cell < CELLS_EACH) return cell;
  const unsigned shift = cell / CELLS_EACH - 1;
  return ((uint64_t)(cell % CELLS_EACH + CELLS_EACH + 1) << shift) - 1;
}

void latency_add(struct latency *latency, uint64_t ns) {
  latency->counts[cell_of(ns)]++;
  latency->count++;
  latency->sum_ns += ns;
  if (ns > latency->max_ns) latency->max_ns = ns;
}

void latency_merge(struct latency *latency, const struct latency *other) {
  for (unsigned cell = 0; cell < LATENCY_CELLS; cell++) latency->counts[cell] += other->counts[cell];
  latency->count += other->count;
  latency->sum_ns += other->sum_ns;
  if (other->max_ns > latency->max_ns) latency->max_ns = other->max_ns;
}

uint64_t latency_percentile(const struct latency *latency, double part) {
  uint64_t seen = 0;
  for (unsigned cell = 0; cell < LATENCY_CELLS; cell++) {
    seen += latency->counts[cell];
    if (seen > 0 && (double)seen >= part * (double)latency->count)
      return cell_end(cell) < latency->max_ns ? cell_end(cell) : latency->max_ns;
  }
  return latency->max_ns;
}
