#include "store/worker_pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct worker_pool {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct job *first, **last; /* lock */
  bool ending;               /* lock */
  unsigned count;
  pthread_t threads[];
};

static void *work(void *arg) {
  struct worker_pool *pool = arg;
  pthread_mutex_lock(&pool->lock);
  for (;;) {
    struct job *job = pool->first;
    if (job == NULL) {
      if (pool->ending) break;
      pthread_cond_wait(&pool->changed, &pool->lock);
      continue;
    }
    pool->first = job->next;
    if (pool->first == NULL) pool->last = &pool->first;
    pthread_mutex_unlock(&pool->lock);
    job->run(job);
    pthread_mutex_lock(&pool->lock);
  }
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

cas_status worker_pool_create(unsigned threads, struct worker_pool **pool, struct cas_error *error) {
  struct worker_pool *created = calloc(1, sizeof *created + threads * sizeof(pthread_t));
  if (created == NULL) return CAS_NO_MEMORY;
  pthread_mutex_init(&created->lock, NULL);
  pthread_cond_init(&created->changed, NULL);
  created->last = &created->first;
  for (; created->count < threads; created->count++) {
    int failure = pthread_create(&created->threads[created->count], NULL, work, created);
    if (failure != 0) {
      worker_pool_destroy(created);
      return status_fail_errno(error, failure, "cannot start a worker thread");
    }
  }
  *pool = created;
  return CAS_OK;
}

void worker_pool_destroy(struct worker_pool *pool) {
  if (pool == NULL) return;
  pthread_mutex_lock(&pool->lock);
  pool->ending = true;
  pthread_cond_broadcast(&pool->changed);
  pthread_mutex_unlock(&pool->lock);
  for (unsigned i = 0; i < pool->count; i++) pthread_join(pool->threads[i], NULL);
  pthread_cond_destroy(&pool->changed);
  pthread_mutex_destroy(&pool->lock);
  free(pool);
}

void worker_pool_submit(struct worker_pool *pool, struct job *job) {
  job->next = NULL;
  pthread_mutex_lock(&pool->lock);
  *pool->last = job;
  pool->last = &job->next;
  pthread_cond_signal(&pool->changed);
  pthread_mutex_unlock(&pool->lock);
}

unsigned worker_pool_size(const struct worker_pool *pool) { return pool->count; }
