#include "store/budget.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

struct budget {
  pthread_mutex_t lock;
  pthread_cond_t released;
  uint64_t bytes_max;
  atomic_uint_fast64_t bytes; /* changed under the lock */
  atomic_uint_fast64_t waits;
};

cas_status budget_create(uint64_t bytes_max, struct budget **budget) {
  struct budget *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  pthread_mutex_init(&created->lock, NULL);
  pthread_cond_init(&created->released, NULL);
  created->bytes_max = bytes_max;
  *budget = created;
  return CAS_OK;
}

void budget_destroy(struct budget *budget) {
  if (budget == NULL) return;
  assert(budget->bytes == 0);
  pthread_cond_destroy(&budget->released);
  pthread_mutex_destroy(&budget->lock);
  free(budget);
}

void budget_acquire(struct budget *budget, uint64_t bytes) {
  pthread_mutex_lock(&budget->lock);
  if (budget->bytes > 0 && budget->bytes + bytes > budget->bytes_max) budget->waits++;
  while (budget->bytes > 0 && budget->bytes + bytes > budget->bytes_max)
    pthread_cond_wait(&budget->released, &budget->lock);
  budget->bytes += bytes;
  pthread_mutex_unlock(&budget->lock);
}

void budget_release(struct budget *budget, uint64_t bytes) {
  pthread_mutex_lock(&budget->lock);
  assert(budget->bytes >= bytes);
  budget->bytes -= bytes;
  pthread_cond_broadcast(&budget->released);
  pthread_mutex_unlock(&budget->lock);
}

void budget_fill(const struct budget *budget, uint64_t *bytes, uint64_t *waits) {
  *bytes = atomic_load_explicit(&budget->bytes, memory_order_relaxed);
  *waits = atomic_load_explicit(&budget->waits, memory_order_relaxed);
}
