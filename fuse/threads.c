/*
 * Owns nothing.
 */
#include "fuse/threads.h"

#include <signal.h>
#include <time.h>

int threads_start(pthread_t *thread, void *(*work)(void *), void *arg) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int number = pthread_create(thread, NULL, work, arg);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return number;
}

int64_t threads_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * NS_PER_S + now.tv_nsec;
}

void threads_condition_init(pthread_cond_t *condition) {
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &monotonic);
  pthread_condattr_destroy(&monotonic);
}

bool threads_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t end_ns) {
  struct timespec until = {.tv_sec = end_ns / NS_PER_S, .tv_nsec = end_ns % NS_PER_S};
  return pthread_cond_timedwait(condition, lock, &until) == 0;
}
