/*
 * Threads that work off jobs in order of arrival. The queue needs no bound of its own: whoever submits holds a share of
 * the budget for the job.
 *
 * Threads: submit from any.
 */
#ifndef STORE_WORKER_POOL_H
#define STORE_WORKER_POOL_H

#include "base/status.h"

/* Embedded in what is to be worked on. */
struct job {
  void (*run)(struct job *job);
  struct job *next;
};

struct worker_pool;

CAS_MUST_USE cas_status worker_pool_create(unsigned threads, struct worker_pool **pool, struct cas_error *error);

/* Runs what is queued, then ends the threads. NULL is allowed. */
void worker_pool_destroy(struct worker_pool *pool);

void worker_pool_submit(struct worker_pool *pool, struct job *job);

unsigned worker_pool_size(const struct worker_pool *pool);

#endif
