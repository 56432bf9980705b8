/* Owns the count of what is left. Invariant: left <= total. */
#include "transcode_budget.h"

#include <stdio.h>
#include <time.h>

#include "monotonic.h"

/* Address space of a process, of which a decoder may ask for whatever an object claims: the largest object in all its
 * forms, and the program itself. */
#define OBJECT_TIMES 4u
#define PROGRAM_MIB 1024u

void transcode_budget_init(struct transcode_budget *budget, uint64_t bytes, unsigned seconds) {
  pthread_mutex_init(&budget->lock, NULL);
  monotonic_condition_init(&budget->freed);
  budget->total = budget->left = bytes;
  transcode_pool_init(&budget->pool, seconds, OBJECT_TIMES * (unsigned)(bytes >> 20) + PROGRAM_MIB);
}

void transcode_budget_fini(struct transcode_budget *budget) {
  transcode_pool_fini(&budget->pool);
  pthread_cond_destroy(&budget->freed);
  pthread_mutex_destroy(&budget->lock);
}

static cas_status fail(struct cas_error *error, cas_status status, const char *what, uint64_t bytes) {
  error->status = status;
  error->system_errno = 0;
  snprintf(error->message, sizeof error->message, "%s: transcoding it takes %.1f MB", what, (double)bytes / 1e6);
  return status;
}

cas_status transcode_budget_take(struct transcode_budget *budget, uint64_t bytes, unsigned seconds,
                                 struct cas_error *error) {
  if (bytes > budget->total) return fail(error, CAS_REFUSED, "the object is too large for transcode_mib", bytes);
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += seconds;
  int failed = 0;
  pthread_mutex_lock(&budget->lock);
  while (bytes > budget->left && failed == 0) failed = pthread_cond_timedwait(&budget->freed, &budget->lock, &end);
  const bool taken = bytes <= budget->left;
  if (taken) budget->left -= bytes;
  pthread_mutex_unlock(&budget->lock);
  return taken ? CAS_OK : fail(error, CAS_BUSY, "other associations use all of transcode_mib", bytes);
}

bool transcode_budget_try(struct transcode_budget *budget, uint64_t bytes) {
  pthread_mutex_lock(&budget->lock);
  const bool taken = bytes <= budget->left;
  if (taken) budget->left -= bytes;
  pthread_mutex_unlock(&budget->lock);
  return taken;
}

void transcode_budget_give(struct transcode_budget *budget, uint64_t bytes) {
  pthread_mutex_lock(&budget->lock);
  budget->left += bytes;
  pthread_cond_broadcast(&budget->freed);
  pthread_mutex_unlock(&budget->lock);
}
