/*
 * How the programs' heap treats the buffers of images, which come and go by the hundred each second.
 *
 * By itself malloc() maps each anew, or gives its end back to the system each time: every page of every frame is then
 * faulted in again, a fifth of the processor time of an import. What is kept for the next frame is bounded: each of a
 * few arenas keeps at most HEAP_KEPT_BYTES at its end.
 */
#ifndef TOOLS_HEAP_H
#define TOOLS_HEAP_H

#include <malloc.h>

#define HEAP_MAPPED_BYTES_MIN (32 << 20) /* the largest that malloc takes: single buffers below are kept for reuse */
#define HEAP_KEPT_BYTES (16 << 20)
#define HEAP_ARENAS_MAX 4

/* Called once, first in main(). A heap that refuses works all the same. */
static inline void heap_keep_buffers(void) {
  mallopt(M_MMAP_THRESHOLD, HEAP_MAPPED_BYTES_MIN);
  mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
  mallopt(M_ARENA_MAX, HEAP_ARENAS_MAX);
}

#endif
