/*
 * Committing one object and waiting for it: the asynchronous way with a condition to wait on.
 */
#include <pthread.h>
#include <stdbool.h>

#include "base/status.h"
#include "store/ingest_here.h"

struct waiting {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool done;
  cas_status status;
  struct cas_ingest_result result;
  struct cas_error error;
};

static void wake(void *arg, cas_status status, const struct cas_ingest_result *result, const struct cas_error *error) {
  struct waiting *waiting = arg;
  pthread_mutex_lock(&waiting->lock);
  waiting->status = status;
  waiting->result = *result;
  waiting->error = *error;
  waiting->done = true;
  pthread_cond_signal(&waiting->changed);
  pthread_mutex_unlock(&waiting->lock);
}

cas_status cas_ingest_commit(struct cas_ingest *ingest, struct cas_ingest_result *result, struct cas_error *error) {
  struct waiting waiting = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  STATUS_TRY(ingest_commit_here(ingest, wake, &waiting, error));
  pthread_mutex_lock(&waiting.lock);
  while (!waiting.done) pthread_cond_wait(&waiting.changed, &waiting.lock);
  pthread_mutex_unlock(&waiting.lock);
  if (waiting.status == CAS_OK)
    *result = waiting.result;
  else if (error != NULL)
    *error = waiting.error;
  return waiting.status;
}
