/*
 * Committing one object and waiting for it: the asynchronous way with a condition to wait on.
 */
#include <pthread.h>
#include <stdbool.h>

#include "base/status.h"
#include "store/condition.h"
#include "store/ingest_here.h"
#include "store/store.h"

cas_status ingest_check_source(const struct cas_store *store, const struct cas_ingest_source *source,
                               struct cas_error *error) {
  if (store->mode != CAS_OPEN_WRITE) return status_fail(error, CAS_INVALID, "the store is open for reading only");
  STATUS_TRY(condition_check(store->condition, error));
  if (source->origin < CAS_ORIGIN_IMPORT || source->origin > CAS_ORIGIN_CORRECTED)
    return status_fail(error, CAS_INVALID, "an object must come by import or over the network");
  if (source->origin == CAS_ORIGIN_RECEIVED &&
      (source->sop_class_uid == NULL || source->sop_instance_uid == NULL || source->transfer_syntax_uid == NULL))
    return status_fail(error, CAS_INVALID, "a received object needs its SOP class, SOP instance and transfer syntax");
  return CAS_OK;
}

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
