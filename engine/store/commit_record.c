#include "store/commit_record.h"

#include <pthread.h>

struct waiting {
  struct commit_record tells; /* first: takes the place of the caller's in the queue */
  struct commit_record *record;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool done;
};

static cas_status append(struct commit_record *record, struct record_group *group) {
  struct waiting *waiting = (struct waiting *)record;
  cas_status status = waiting->record->append(waiting->record, group);
  record->status = waiting->record->status;
  record->error = waiting->record->error;
  return status;
}

static void wake(struct commit_record *record) {
  struct waiting *waiting = (struct waiting *)record;
  pthread_mutex_lock(&waiting->lock);
  waiting->done = true;
  pthread_cond_signal(&waiting->changed);
  pthread_mutex_unlock(&waiting->lock);
}

cas_status commit_record_wait(struct cas_store *store, struct commit_record *record, struct cas_error *error) {
  struct waiting waiting = {.tells = {.item.kind = COMMIT_RECORD, .append = append, .done = wake},
                            .record = record,
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER};
  if (store->committer == NULL) return status_fail(error, CAS_INVALID, "the store is not open for writing");
  committer_submit(store->committer, &waiting.tells.item);
  pthread_mutex_lock(&waiting.lock);
  while (!waiting.done) pthread_cond_wait(&waiting.changed, &waiting.lock);
  pthread_mutex_unlock(&waiting.lock);
  if (waiting.tells.status != CAS_OK && error != NULL) *error = waiting.tells.error;
  return waiting.tells.status;
}
