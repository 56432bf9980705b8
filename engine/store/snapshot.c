/*
 * Snapshots: made and taken away by the committer, listed from the index, opened as a store handle with a moment; and
 * the other views of a store.
 */
#include "cassette/snapshot.h"

#include "base/clock.h"
#include "cassette/state.h"
#include "index/index_near.h"
#include "store/commit_record.h"
#include "store/snapshot_record.h"

/* --- writing --- */

/* A snapshot to be made or taken away. It shows the groups before the one that it is in, so all that was acknowledged.
 */
struct commit_snapshot {
  struct commit_record record;     /* first */
  struct snapshot_record snapshot; /* name, time, and what is to be done; the rest is filled in when it is written */
};

/* Of the index without the open group: what the snapshot shows. */
static cas_status fill_in(struct cas_store *store, struct snapshot_record *snapshot, struct cas_error *error) {
  struct index_totals totals;
  if (snapshot->removes) return CAS_OK;
  STATUS_TRY(index_get_totals(store->index, &totals, error));
  snapshot->instances = totals.instances;
  snapshot->bytes = totals.instance_bytes;
  snapshot->last_arrival_ns = totals.last_arrival_ns;
  return CAS_OK;
}

static cas_status append(struct commit_record *commit, struct record_group *group) {
  CLEANUP_BUFFER struct cas_buffer known = {0};
  struct snapshot_record *snapshot = &((struct commit_snapshot *)commit)->snapshot;
  struct record record;
  struct record_cookie cookie;
  uint8_t payload[SNAPSHOT_PAYLOAD_BYTES_MAX];
  char fact[SNAPSHOT_FACT_NAME_BYTES];
  size_t size;
  snapshot_fact_name(snapshot->name, fact);
  cas_status status = index_batch_get_fact(group->batch, fact, &known, group->error);
  if (status != CAS_OK && status != CAS_NOT_FOUND) return status;
  if (snapshot->removes != (status == CAS_OK)) {
    commit->status = status_fail(&commit->error, snapshot->removes ? CAS_NOT_FOUND : CAS_EXISTS,
                                 "there is %s snapshot %s", snapshot->removes ? "no" : "already a", snapshot->name);
    return CAS_OK;
  }
  STATUS_TRY(fill_in(group->store, snapshot, group->error));
  snapshot_encode(snapshot, &record, payload, &size);
  STATUS_TRY(segment_writer_append(group->writer, &record, slice_of(payload, size), &cookie, group->error));
  return snapshot_apply(group->batch, segment_writer_group(group->writer), snapshot, group->error);
}

static cas_status commit_snapshot(struct cas_store *store, const char *name, bool removes, struct cas_error *error) {
  struct commit_snapshot commit = {.record.append = append,
                                   .snapshot = {.removes = removes, .created_ns = clock_now_ns()}};
  memcpy(commit.snapshot.name, name, strlen(name) + 1);
  return commit_record_wait(store, &commit.record, error);
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
  STATUS_TRY(cas_view_open(store, store->states, view));
  (*view)->moment = group;
  (*view)->moment_totals = (struct index_totals){
      .instances = snapshot.instances, .instance_bytes = snapshot.bytes, .last_arrival_ns = snapshot.last_arrival_ns};
  return CAS_OK;
}

cas_status cas_view_open(struct cas_store *store, uint32_t states, struct cas_store **view) {
  struct cas_store *opened = malloc(sizeof *opened);
  if (opened == NULL) return CAS_NO_MEMORY;
  *opened = *store;
  opened->whole = store_whole(store);
  opened->states = states | STORE_STATES_ORDINARY;
  opened->mode = CAS_OPEN_FOLLOW;
  opened->committer = NULL;
  opened->near = NULL;
  *view = opened;
  return CAS_OK;
}

void cas_snapshot_close(struct cas_store *view) {
  if (view != NULL) index_near_destroy(view->near);
  free(view);
}
