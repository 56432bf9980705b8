/*
 * Owns the writer, the end of the log, and the queue. Invariants:
 *  1. Who set `busy` alone touches the writer and index batches until it clears it: the committer's thread, or one that
 *     waits for its own item and found nothing on its way.
 *  2. A group is told done only after its sync, and after the index has it: whoever was told finds it.
 *  3. Nothing is written to the log while the index is behind it: a later mark would pass over what it lacks.
 *  4. Items leave the queue in the order in which they came, so that blobs precede the manifests that name them.
 */
#include "store/committer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/limits.h"
#include "store/activity.h"
#include "store/condition.h"
#include "store/corrected.h"
#include "store/dictionaries.h"
#include "store/ledger.h"
#include "store/manifest_read.h"
#include "store/pending.h"
#include "store/placement.h"
#include "store/revive.h"
#include "store/state_change.h"
#include "store/timeline.h"
#include "store/version.h"

struct committer {
  struct cas_store *store;
  struct segment_writer *writer;
  uint64_t group_bytes;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct commit_item *first, **last; /* lock */
  uint64_t queued_bytes;             /* lock */
  size_t queued_instances;           /* lock; and records: what somebody waits for */
  size_t held_instances;             /* lock; whose hold was on when they came */
  bool ending;                       /* lock */
  bool busy;                         /* lock; a group is on its way */
  bool index_is_behind;              /* a durable group is not in the index; of who set busy */
};

/* One group on its way. */
struct group {
  struct committer *committer;
  struct index_batch *batch;
  struct commit_item *items;
  const struct manifest **manifests; /* those written in this group */
  struct record_cookie *cookies;
  size_t manifest_count;
  uint32_t states; /* records of states in it */
  struct cas_error error;
};

static struct pending_blob *blob_of(struct commit_item *item) {
  return (struct pending_blob *)((char *)item - offsetof(struct pending_blob, item));
}

static struct commit_record *record_of(struct commit_item *item) { return (struct commit_record *)item; }

static struct commit_instance *instance_of(struct commit_item *item) { return (struct commit_instance *)item; }

/* --- appending --- */

/* A worker made room for the trailer behind the raw bytes, and wrote it there. */
static struct cas_slice payload_of(const struct pending_blob *blob) {
  if (blob->codec == CODEC_RAW) return slice_of_buffer(&blob->raw);
  if (blob->codec == CODEC_DEFERRED) return slice_of(blob->raw.data, blob->raw.size + CODEC_TRAILER_BYTES);
  return slice_of_buffer(&blob->payload);
}

static cas_status append_blob(struct group *group, struct pending_blob *blob) {
  struct cas_store *store = group->committer->store;
  cas_status failure;
  if (blob->dictionary != NULL && pending_state_of(store->pending, blob->dictionary, &failure) == PENDING_FAILED)
    return status_fail(&group->error, failure, "the dictionary of a header could not be stored");
  struct cas_slice payload = payload_of(blob);
  struct record record = {.kind = RECORD_BLOB,
                          .codec = (uint8_t)blob->codec,
                          .id = blob->id,
                          .raw_size = blob->raw_size,
                          .stored_size = payload.size};
  struct index_blob place = {
      .codec = (uint8_t)blob->codec, .raw_size = blob->raw_size, .stored_size = (uint32_t)payload.size};
  STATUS_TRY(segment_writer_append(group->committer->writer, &record, payload, &place.cookie, &group->error));
  STATUS_TRY(ledger_put_blob(group->batch, &blob->id, &place, payload, &group->error));
  STATUS_TRY(pending_blob_pin(blob, segment_file_number(record_cookie_segment(place.cookie))));
  activity_add_blob(store->activity, payload.size);
  return dictionary_note(group->batch, blob, &group->error);
}

/* Fails the instance alone if one of its blobs failed with an earlier group. */
static cas_status check_blobs(struct cas_store *store, struct commit_instance *instance) {
  for (size_t i = 0; i < instance->manifest.blob_count; i++) {
    cas_status failure;
    if (instance->blobs[i] == NULL) continue;
    if (pending_state_of(store->pending, instance->blobs[i], &failure) == PENDING_FAILED)
      return status_fail(&instance->error, failure, "a part of the object could not be stored: %s",
                         cas_status_text(failure));
    if (instance->blobs[i]->heals) instance->result.healed_blobs++;
  }
  return CAS_OK;
}

static cas_status append_manifest(struct group *group, struct commit_instance *instance) {
  struct committer *committer = group->committer;
  CLEANUP_BUFFER struct cas_buffer payload = {0};
  struct record record;
  struct record_cookie cookie;
  cas_status status = manifest_encode_record(committer->store, &instance->manifest, &record, &payload);
  if (status == CAS_REFUSED) {
    instance->status = status_fail(&instance->error, CAS_REFUSED, "the object falls into too many pieces");
    return CAS_OK;
  }
  STATUS_TRY(status);
  STATUS_TRY(segment_writer_append(committer->writer, &record, slice_of_buffer(&payload), &cookie, &group->error));
  struct placement_origin origin = {.cookie = cookie, .group = segment_writer_group(committer->writer)};
  STATUS_TRY(placement_put(group->batch, committer->store->placement_memo, &instance->manifest, instance->attributes,
                           &origin, &group->error));
  if (instance->manifest.since == 0 && group->manifest_count == 0)
    STATUS_TRY(timeline_note(group->batch, origin.group, instance->manifest.arrival_ns, &group->error));
  group->manifests[group->manifest_count] = &instance->manifest;
  group->cookies[group->manifest_count++] = cookie;
  return CAS_OK;
}

static struct record_group record_group_of(struct group *group) {
  return (struct record_group){.store = group->committer->store,
                               .writer = group->committer->writer,
                               .batch = group->batch,
                               .states = &group->states,
                               .error = &group->error};
}

static cas_status append_instance(struct group *group, struct commit_instance *instance) {
  struct cas_store *store = group->committer->store;
  struct record_group open_records = record_group_of(group);
  instance->status = check_blobs(store, instance);
  if (instance->status == CAS_OK) STATUS_TRY(state_change_check(&open_records, instance));
  if (instance->status != CAS_OK) return CAS_OK;
  struct group_manifests open = {
      .manifests = group->manifests, .cookies = group->cookies, .count = group->manifest_count};
  struct fresh_manifest fresh = {.manifest = &instance->manifest};
  if (instance->blobs[0] != NULL) fresh.header = pending_bytes(store->pending, instance->blobs[0]);
  struct version_decision decision;
  STATUS_TRY(version_decide(store, group->batch, &open, &fresh, &decision, &group->error));
  version_settle(&decision, &instance->manifest);
  STATUS_TRY(corrected_recall(store, group->batch, instance->attributes, &instance->manifest, &group->error));
  instance->result.version = decision.version;
  instance->result.outcome = decision.outcome;
  if (decision.writes_manifest) STATUS_TRY(append_manifest(group, instance));
  return state_change_follow(&open_records, instance);
}

static cas_status append_record(struct group *group, struct commit_record *record) {
  struct record_group open = record_group_of(group);
  return record->append(record, &open);
}

static cas_status append_item(struct group *group, struct commit_item *item) {
  switch (item->kind) {
  case COMMIT_BLOB: return append_blob(group, blob_of(item));
  case COMMIT_INSTANCE: return append_instance(group, instance_of(item));
  case COMMIT_RECORD: return append_record(group, record_of(item));
  }
  return CAS_INVALID;
}

static cas_status append_all(struct group *group) {
  size_t instances = 0;
  for (struct commit_item *item = group->items; item != NULL; item = item->next)
    instances += item->kind == COMMIT_INSTANCE;
  group->manifests = calloc(instances + 1, sizeof *group->manifests);
  group->cookies = calloc(instances + 1, sizeof *group->cookies);
  if (group->manifests == NULL || group->cookies == NULL) return CAS_NO_MEMORY;
  for (struct commit_item *item = group->items; item != NULL; item = item->next) STATUS_TRY(append_item(group, item));
  return index_batch_check(group->batch, &group->error);
}

/* --- one group --- */

static cas_status apply_to_index(struct group *group, const struct segment_mark *mark) {
  cas_status status = mark_put(group->batch, mark, &group->error);
  struct index_batch *batch = group->batch;
  group->batch = NULL;
  if (status == CAS_OK)
    status = index_batch_apply(batch, &group->error);
  else
    index_batch_abort(batch);
  group->committer->index_is_behind = status != CAS_OK;
  return status;
}

static cas_status commit_group(struct group *group) {
  struct committer *committer = group->committer;
  struct segment_mark mark;
  STATUS_TRY(revive_check_space(committer->store, 0, &group->error));
  STATUS_TRY(index_batch_begin(committer->store->index, &group->batch, &group->error));
  cas_status status = append_all(group);
  if (status != CAS_OK) {
    segment_writer_abort(committer->writer);
    return status;
  }
  int64_t began_ns = clock_monotonic_ns();
  STATUS_TRY(segment_writer_commit(committer->writer, &mark, &group->error));
  activity_add_group(committer->store->activity, began_ns);
  return apply_to_index(group, &mark);
}

/* Whether what made a group fail will make the next one fail, too: a damaged entry of the index need not. */
static bool is_lasting(const struct committer *committer, cas_status status) {
  return status == CAS_NO_SPACE || status == CAS_IO || (status != CAS_OK && committer->index_is_behind);
}

static void tell_record(struct commit_record *record, cas_status status, const struct cas_error *error) {
  if (status != CAS_OK) {
    record->status = status;
    record->error = *error;
  }
  record->done(record);
}

static void tell_all(struct group *group, cas_status status) {
  struct pending *pending = group->committer->store->pending;
  struct commit_item *next;
  for (struct commit_item *item = group->items; item != NULL; item = next) {
    next = item->next;
    if (item->kind == COMMIT_BLOB) {
      pending_finish(pending, blob_of(item), status);
      continue;
    }
    if (item->kind == COMMIT_RECORD) {
      tell_record(record_of(item), status, &group->error);
      continue;
    }
    struct commit_instance *instance = instance_of(item);
    if (status != CAS_OK) {
      instance->status = status;
      instance->error = group->error;
    }
    activity_add_object(group->committer->store->activity, instance);
    instance->done(instance);
  }
}

static void run_group(struct committer *committer, struct commit_item *items) {
  struct group group = {.committer = committer, .items = items};
  struct condition *condition = committer->store->condition;
  cas_status status = condition_check(condition, &group.error);
  if (status == CAS_OK) {
    status = commit_group(&group);
    if (status != CAS_OK) activity_add(&committer->store->activity->groups_failed, 1);
    if (group.batch != NULL) index_batch_abort(group.batch);
    if (status != CAS_OK) placement_memo_forget(committer->store->placement_memo);
    if (status != CAS_OK && group.error.status == CAS_OK)
      status_fail(&group.error, status, "%s", cas_status_text(status));
    if (is_lasting(committer, status))
      condition_fail(condition, status, &group.error);
    else if (status != CAS_OK)
      store_log(committer->store, CAS_LOG_ERROR, "a group could not be stored: %s", group.error.message);
  }
  tell_all(&group, status);
  free(group.manifests);
  free(group.cookies);
}

/* --- who runs a group --- */

/* Whether a group is to be begun: somebody waits, or enough has gathered. Under lock, as the next two. */
static bool is_due(const struct committer *committer) {
  return !committer->busy && (committer->queued_instances > 0 || committer->queued_bytes >= committer->group_bytes);
}

static void enqueue(struct committer *committer, struct commit_item *item) {
  assert(!committer->ending);
  item->next = NULL;
  *committer->last = item;
  committer->last = &item->next;
  committer->queued_bytes += item->raw_bytes;
  if (item->kind == COMMIT_BLOB) return;
  if (item->hold != NULL && item->hold->is_on)
    committer->held_instances++;
  else
    committer->queued_instances++;
}

static struct commit_item *take_queue(struct committer *committer) {
  struct commit_item *items = committer->first;
  committer->first = NULL;
  committer->last = &committer->first;
  committer->queued_bytes = 0;
  committer->queued_instances = committer->held_instances = 0;
  committer->busy = items != NULL;
  return items;
}

/* Waits until something changed. While the archive is read-only, tries now and then whether it can be written again. */
static void wait_for_work(struct committer *committer) {
  struct timespec due;
  if (committer->busy || !condition_next_try(committer->store->condition, &due)) {
    pthread_cond_wait(&committer->changed, &committer->lock);
    return;
  }
  int result = pthread_cond_timedwait(&committer->changed, &committer->lock, &due);
  if (result != ETIMEDOUT || committer->busy) return;
  committer->busy = true;
  pthread_mutex_unlock(&committer->lock);
  revive(committer->store, committer->writer, &committer->index_is_behind);
  pthread_mutex_lock(&committer->lock);
  committer->busy = false;
}

static void *commit_until_ended(void *arg) {
  struct committer *committer = arg;
  pthread_mutex_lock(&committer->lock);
  for (;;) {
    if (!is_due(committer) && (committer->busy || !committer->ending)) {
      wait_for_work(committer);
      continue;
    }
    struct commit_item *items = take_queue(committer);
    if (items == NULL) break;
    pthread_mutex_unlock(&committer->lock);
    run_group(committer, items);
    pthread_mutex_lock(&committer->lock);
    committer->busy = false;
  }
  pthread_mutex_unlock(&committer->lock);
  return NULL;
}

void committer_submit(struct committer *committer, struct commit_item *item) {
  pthread_mutex_lock(&committer->lock);
  enqueue(committer, item);
  bool due = is_due(committer);
  pthread_mutex_unlock(&committer->lock);
  if (due) pthread_cond_signal(&committer->changed);
}

void committer_release(struct committer *committer, struct commit_hold *hold) {
  pthread_mutex_lock(&committer->lock);
  hold->is_on = false;
  committer->queued_instances += committer->held_instances;
  committer->held_instances = 0;
  bool due = is_due(committer);
  pthread_mutex_unlock(&committer->lock);
  if (due) pthread_cond_signal(&committer->changed);
}

void committer_submit_here(struct committer *committer, struct commit_item *item) {
  struct timespec due;
  pthread_mutex_lock(&committer->lock);
  enqueue(committer, item);
  if (!committer->busy) {
    struct commit_item *items = take_queue(committer);
    pthread_mutex_unlock(&committer->lock);
    run_group(committer, items);
    pthread_mutex_lock(&committer->lock);
    committer->busy = false;
  }
  bool wake = is_due(committer) || committer->ending || condition_next_try(committer->store->condition, &due);
  pthread_mutex_unlock(&committer->lock);
  if (wake) pthread_cond_signal(&committer->changed);
}

cas_status committer_create(struct cas_store *store, struct segment_writer *writer, struct committer **committer,
                            struct cas_error *error) {
  struct committer *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  created->store = store;
  created->writer = writer;
  created->group_bytes =
      store->in_flight_bytes_max / 4 < GROUP_BYTES_MAX ? store->in_flight_bytes_max / 4 : GROUP_BYTES_MAX;
  created->last = &created->first;
  pthread_mutex_init(&created->lock, NULL);
  clock_condition_init(&created->changed);
  int failure = pthread_create(&created->thread, NULL, commit_until_ended, created);
  if (failure != 0) {
    free(created);
    return status_fail_errno(error, failure, "cannot start the committer's thread");
  }
  *committer = created;
  return CAS_OK;
}

void committer_destroy(struct committer *committer) {
  if (committer == NULL) return;
  pthread_mutex_lock(&committer->lock);
  committer->ending = true;
  pthread_cond_signal(&committer->changed);
  pthread_mutex_unlock(&committer->lock);
  pthread_join(committer->thread, NULL);
  segment_writer_close(committer->writer);
  pthread_cond_destroy(&committer->changed);
  pthread_mutex_destroy(&committer->lock);
  free(committer);
}
