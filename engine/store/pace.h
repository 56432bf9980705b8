/*
 * The pace of long work over segments: tells its owner how far it is, and waits where that is further than it may be.
 *
 * Threads: those of the work.
 */
#ifndef STORE_PACE_H
#define STORE_PACE_H

#include "cassette/compact.h"

struct pace {
  struct cas_compact_progress progress;
  cas_compact_progress_fn each; /* NULL: nobody is told */
  void *arg;
  uint64_t bytes_per_second; /* 0: as fast as possible */
  int64_t started_ns;
};

/* So many bytes more were read. The status of `each`, if that is not CAS_OK. */
CAS_MUST_USE cas_status pace_keep(struct pace *pace, uint64_t bytes);

#endif
