/*
 * What the kernel tells of this process, for the metrics that every program has.
 *
 * Threads: any.
 */
#ifndef PROCESS_FIGURES_H
#define PROCESS_FIGURES_H

#include <stdint.h>

/* 0 where /proc does not tell. */
struct process_figures {
  uint64_t cpu_ns;    /* user and system time of all threads */
  int64_t started_ns; /* UTC, nanoseconds since 1970 */
  uint64_t resident_bytes, virtual_bytes;
  uint64_t open_files, open_files_max;
  uint64_t threads;
};

void process_figures_read(struct process_figures *figures);

#endif
