/*
 * The threads of a mount, and waiting in them: no signal of the program reaches them, and no change of the time of day.
 *
 * Threads: any.
 */
#ifndef FUSE_THREADS_H
#define FUSE_THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* Starts a thread that blocks all signals; 0 or an errno. */
int threads_start(pthread_t *thread, void *(*work)(void *), void *arg);

/* A clock that only goes on. */
int64_t threads_now_ns(void);

/* Makes a condition for threads_wait(). */
void threads_condition_init(pthread_cond_t *condition);

/* Waits, with the lock held, until the condition is signalled or that clock says `end_ns`; false: the time is over. */
bool threads_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t end_ns);

#endif
