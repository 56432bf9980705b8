/*
 * How much arrives: in all, and whether so fast that somebody waits for the encoding, by the bytes of the last two
 * tenths of a second.
 *
 * Threads: any.
 */
#ifndef STORE_PRESSURE_H
#define STORE_PRESSURE_H

#include <stdatomic.h>
#include <stdint.h>

#define PRESSURE_WINDOW_NS INT64_C(100000000)

struct pressure {
  atomic_int_fast64_t window;      /* number of the present one, since 1970 */
  atomic_uint_fast64_t bytes;      /* in the present one */
  atomic_uint_fast64_t bytes_last; /* in the one before */
  atomic_uint_fast64_t total;      /* of blobs since the store was opened */
};

/* Counts `bytes` that arrive at `now_ns`. Returns how many came in the window before or, if that is more, in the
 * present one so far; a count that is off by one arrival when several threads begin a window does no harm. */
uint64_t pressure_add(struct pressure *pressure, int64_t now_ns, uint64_t bytes);

#endif
