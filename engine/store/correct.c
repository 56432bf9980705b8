/*
 * Corrections of many instances. Some are made ready, and their groups held until they are; then one sync makes them
 * durable, or a few where other objects are on their way. What comes of each instance is decided and durable by itself,
 * so a batch that ends half way leaves each as it was or corrected.
 *
 *   begun (group held) -> released -> committed -> told
 */
#include "cassette/correct.h"

#include <pthread.h>

#include "base/limits.h"
#include "base/status.h"
#include "store/committer.h"
#include "store/correct_object.h"
#include "store/store.h"

/* One instance on its way. */
struct correction_step {
  struct correction_batch *batch;
  cas_status status;
  struct cas_ingest_result result;
  struct cas_error error;
};

struct correction_batch {
  struct commit_hold hold;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  size_t under_way; /* lock; ingests that are committed and have not come back */
  size_t count;
  struct correction_step steps[CORRECTED_TOGETHER_MAX];
};

static void ended(void *arg, cas_status status, const struct cas_ingest_result *result, const struct cas_error *error) {
  struct correction_step *step = arg;
  struct correction_batch *batch = step->batch;
  step->status = status;
  step->result = *result;
  step->error = *error;
  pthread_mutex_lock(&batch->lock);
  if (--batch->under_way == 0) pthread_cond_signal(&batch->changed);
  pthread_mutex_unlock(&batch->lock);
}

static void count_under_way(struct correction_batch *batch, size_t more) {
  pthread_mutex_lock(&batch->lock);
  batch->under_way += more;
  pthread_mutex_unlock(&batch->lock);
}

/* Adds the size of the object to *bytes. */
static void begin(struct cas_store *store, const char *path, const struct cas_correction *correction,
                  struct correction_batch *batch, uint64_t *bytes) {
  struct correction_step *step = &batch->steps[batch->count++];
  struct cas_ingest *ingest;
  uint64_t size = 0;
  *step = (struct correction_step){.batch = batch};
  step->status = correct_object(store, path, correction, &batch->hold, &ingest, &size, &step->error);
  if (step->status != CAS_OK) return;
  *bytes += size;
  count_under_way(batch, 1);
  cas_status status = cas_ingest_commit_async(ingest, ended, step, &step->error);
  if (status == CAS_OK) return;
  step->status = status;
  count_under_way(batch, (size_t)-1);
}

/* As many as go together; returns how many. */
static size_t correct_some(struct cas_store *store, const struct cas_correction *correction, const char *const *paths,
                           size_t count, struct correction_batch *batch) {
  uint64_t bytes = 0;
  batch->hold = (struct commit_hold){.is_on = true};
  batch->count = 0;
  while (batch->count < count && batch->count < CORRECTED_TOGETHER_MAX && bytes < CORRECTED_TOGETHER_BYTES_MAX)
    begin(store, paths[batch->count], correction, batch, &bytes);
  committer_release(store->committer, &batch->hold);
  pthread_mutex_lock(&batch->lock);
  while (batch->under_way > 0) pthread_cond_wait(&batch->changed, &batch->lock);
  pthread_mutex_unlock(&batch->lock);
  return batch->count;
}

cas_status cas_store_correct(struct cas_store *store, const struct cas_correction *correction, const char *const *paths,
                             size_t count, cas_corrected_fn each, void *arg, struct cas_error *error) {
  STATUS_TRY(cas_correction_check(correction, error));
  if (store->mode != CAS_OPEN_WRITE) return status_fail(error, CAS_INVALID, "the store is not open for writing");
  CLEANUP_FREE struct correction_batch *batch = calloc(1, sizeof *batch);
  if (batch == NULL) return status_fail(error, CAS_NO_MEMORY, "out of memory");
  pthread_mutex_init(&batch->lock, NULL);
  pthread_cond_init(&batch->changed, NULL);
  for (size_t done = 0; done < count;) {
    done += correct_some(store, correction, paths + done, count - done, batch);
    for (size_t i = 0; i < batch->count; i++) {
      const struct correction_step *step = &batch->steps[i];
      each(arg, step->status, &step->result, &step->error);
    }
  }
  pthread_cond_destroy(&batch->changed);
  pthread_mutex_destroy(&batch->lock);
  return CAS_OK;
}
