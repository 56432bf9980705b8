/*
 * Snapshots: made and taken away by the committer, listed from the index, opened as a store handle with a moment.
 */
#include "cassette/snapshot.h"

#include <pthread.h>

#include "base/clock.h"
#include "store/committer.h"
#include "store/snapshot_record.h"

/* --- writing --- */

struct waiting {
  struct commit_snapshot commit; /* first */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool done;
};

static void wake(struct commit_snapshot *commit) {
  struct waiting *waiting = (struct waiting *)commit;
  pthread_mutex_lock(&waiting->lock);
  waiting->done = true;
  pthread_cond_signal(&waiting->changed);
  pthread_mutex_unlock(&waiting->lock);
}

static cas_status commit_snapshot(struct cas_store *store, const char *name, bool removes, struct cas_error *error) {
  struct waiting waiting = {.commit = {.item.kind = COMMIT_SNAPSHOT, .snapshot.removes = removes, .done = wake},
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER};
  if (store->committer == NULL) return status_fail(error, CAS_INVALID, "the store is not open for writing");
  waiting.commit.snapshot.created_ns = clock_now_ns();
  memcpy(waiting.commit.snapshot.name, name, strlen(name) + 1);
  committer_submit(store->committer, &waiting.commit.item);
  pthread_mutex_lock(&waiting.lock);
  while (!waiting.done) pthread_cond_wait(&waiting.changed, &waiting.lock);
  pthread_mutex_unlock(&waiting.lock);
  if (waiting.commit.status != CAS_OK && error != NULL) *error = waiting.commit.error;
  return waiting.commit.status;
}

cas_status cas_snapshot_create(struct cas_store *store, const char *name, struct cas_error *error) {
  if (!snapshot_name_is_valid(name))
    return status_fail(error, CAS_INVALID,
                       "no name for a snapshot: 1 to %d letters, digits, '.', '_' and '-', not beginning with '.' or "
                       "'-', and not \"latest\"",
                       CAS_SNAPSHOT_NAME_MAX);
  return commit_snapshot(store, name, false, error);
}

static cas_status no_snapshot(const char *name, struct cas_error *error) {
  return status_fail(error, CAS_NOT_FOUND, "there is no snapshot %.*s", CAS_SNAPSHOT_NAME_MAX, name);
}

cas_status cas_snapshot_remove(struct cas_store *store, const char *name, struct cas_error *error) {
  if (!snapshot_name_is_valid(name)) return no_snapshot(name, error);
  return commit_snapshot(store, name, true, error);
}

/* --- reading --- */

static cas_status read_fact(struct cas_store *store, const char *name, uint64_t *group,
                            struct snapshot_record *snapshot, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer value = {0};
  char fact[SNAPSHOT_FACT_NAME_BYTES];
  if (!snapshot_name_is_valid(name)) return no_snapshot(name, error);
  snapshot_fact_name(name, fact);
  cas_status status = index_get_fact(store->index, fact, &value, error);
  if (status == CAS_NOT_FOUND) return no_snapshot(name, error);
  STATUS_TRY(status);
  if (!snapshot_decode_fact(slice_of_buffer(&value), group, snapshot))
    return status_fail(error, CAS_CORRUPT, "the index entry of snapshot %s is damaged: rebuild the index", name);
  return CAS_OK;
}

static cas_status show(const struct snapshot_record *snapshot, cas_snapshot_fn each, void *arg) {
  struct cas_snapshot shown = {.name = snapshot->name,
                               .created_ns = snapshot->created_ns,
                               .instances = snapshot->instances,
                               .bytes = snapshot->bytes,
                               .last_arrival_ns = snapshot->last_arrival_ns};
  return each(arg, &shown);
}

cas_status cas_snapshot_get(struct cas_store *store, const char *name, cas_snapshot_fn each, void *arg,
                            struct cas_error *error) {
  struct snapshot_record snapshot;
  uint64_t group;
  STATUS_TRY(read_fact(store, name, &group, &snapshot, error));
  return show(&snapshot, each, arg);
}

struct snapshot_list {
  cas_snapshot_fn each;
  void *arg;
  struct cas_error *error;
};

static cas_status show_fact(void *arg, const char *name, struct cas_slice value) {
  const struct snapshot_list *list = arg;
  struct snapshot_record snapshot;
  uint64_t group;
  if (!snapshot_decode_fact(value, &group, &snapshot))
    return status_fail(list->error, CAS_CORRUPT, "the index entry of %s is damaged: rebuild the index", name);
  return show(&snapshot, list->each, list->arg);
}

cas_status cas_snapshot_list(struct cas_store *store, const char *after, cas_snapshot_fn each, void *arg,
                             struct cas_error *error) {
  struct snapshot_list list = {.each = each, .arg = arg, .error = error};
  char fact[SNAPSHOT_FACT_NAME_BYTES];
  if (after != NULL && !snapshot_name_is_valid(after))
    return status_fail(error, CAS_INVALID, "no name of a snapshot to begin after");
  if (after != NULL) snapshot_fact_name(after, fact);
  return index_list_facts(store->index, SNAPSHOT_FACT_PREFIX, after != NULL ? fact : NULL, show_fact, &list, error);
}

/* --- the store at a moment --- */

cas_status cas_snapshot_open(struct cas_store *store, const char *name, struct cas_store **view,
                             struct cas_error *error) {
  struct snapshot_record snapshot;
  uint64_t group;
  STATUS_TRY(read_fact(store, name, &group, &snapshot, error));
  struct cas_store *opened = malloc(sizeof *opened);
  if (opened == NULL) return CAS_NO_MEMORY;
  *opened = *store;
  opened->whole = store_whole(store);
  opened->moment = group;
  opened->moment_totals = (struct index_totals){
      .instances = snapshot.instances, .instance_bytes = snapshot.bytes, .last_arrival_ns = snapshot.last_arrival_ns};
  opened->mode = CAS_OPEN_FOLLOW;
  opened->committer = NULL;
  *view = opened;
  return CAS_OK;
}

void cas_snapshot_close(struct cas_store *view) { free(view); }
