/*
 * Conditions whose timed waits end by a clock that nobody sets.
 */
#ifndef TOOLS_MONOTONIC_H
#define TOOLS_MONOTONIC_H

#include <pthread.h>
#include <time.h>

/* Times of pthread_cond_timedwait() are those of CLOCK_MONOTONIC. */
static inline void monotonic_condition_init(pthread_cond_t *condition) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &attributes);
  pthread_condattr_destroy(&attributes);
}

#endif
