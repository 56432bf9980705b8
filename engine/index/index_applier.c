/*
 * Owns the changes that were handed over, and the thread. Invariants:
 *  1. The changes are not changed from being handed over until they are let go of, so both threads read them.
 *  2. They are let go of only while `has_work` is false.
 *  3. A failure stays: what comes behind a batch that is missing is not applied.
 */
#include "index/index_applier.h"

#include <pthread.h>

#include "base/status.h"

struct index_applier {
  index_apply_fn apply;
  void *arg;
  struct index_changes changes; /* of who hands over; of both while there is work */
  bool has_changes;             /* of who hands over */
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool has_work, is_ending; /* lock */
  cas_status status;        /* lock; the first failure */
  struct cas_error error;   /* lock */
};

static void *apply_until_ended(void *arg) {
  struct index_applier *applier = arg;
  pthread_mutex_lock(&applier->lock);
  for (;;) {
    while (!applier->has_work && !applier->is_ending) pthread_cond_wait(&applier->changed, &applier->lock);
    if (!applier->has_work) break;
    struct cas_error error = {0};
    pthread_mutex_unlock(&applier->lock);
    cas_status status = applier->apply(applier->arg, &applier->changes, &error);
    pthread_mutex_lock(&applier->lock);
    applier->has_work = false;
    applier->status = status;
    applier->error = error;
    pthread_cond_signal(&applier->changed);
  }
  pthread_mutex_unlock(&applier->lock);
  return NULL;
}

cas_status index_applier_create(index_apply_fn apply, void *arg, struct index_applier **out, struct cas_error *error) {
  struct index_applier *applier = calloc(1, sizeof *applier);
  if (applier == NULL) return status_fail(error, CAS_NO_MEMORY, "index: out of memory");
  applier->apply = apply;
  applier->arg = arg;
  pthread_mutex_init(&applier->lock, NULL);
  pthread_cond_init(&applier->changed, NULL);
  int failure = pthread_create(&applier->thread, NULL, apply_until_ended, applier);
  if (failure != 0) {
    free(applier);
    return status_fail_errno(error, failure, "cannot start the thread that writes the index");
  }
  *out = applier;
  return CAS_OK;
}

void index_applier_destroy(struct index_applier *applier) {
  if (applier == NULL) return;
  pthread_mutex_lock(&applier->lock);
  applier->is_ending = true;
  pthread_cond_signal(&applier->changed);
  pthread_mutex_unlock(&applier->lock);
  pthread_join(applier->thread, NULL);
  index_changes_fini(&applier->changes);
  pthread_cond_destroy(&applier->changed);
  pthread_mutex_destroy(&applier->lock);
  free(applier);
}

cas_status index_applier_wait(struct index_applier *applier, struct cas_error *error) {
  pthread_mutex_lock(&applier->lock);
  while (applier->has_work) pthread_cond_wait(&applier->changed, &applier->lock);
  cas_status status = applier->status;
  if (status != CAS_OK && error != NULL) *error = applier->error;
  pthread_mutex_unlock(&applier->lock);
  index_changes_clear(&applier->changes);
  applier->has_changes = false;
  return status;
}

cas_status index_applier_hand_over(struct index_applier *applier, struct index_changes *changes,
                                   struct cas_error *error) {
  STATUS_TRY(index_applier_wait(applier, error));
  const struct index_changes emptied = applier->changes;
  applier->changes = *changes;
  *changes = emptied;
  applier->has_changes = true;
  pthread_mutex_lock(&applier->lock);
  applier->has_work = true;
  pthread_cond_signal(&applier->changed);
  pthread_mutex_unlock(&applier->lock);
  return CAS_OK;
}

const struct index_changes *index_applier_changes(const struct index_applier *applier) {
  return applier->has_changes ? &applier->changes : NULL;
}
