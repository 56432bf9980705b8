/*
 * Owns the table of pending blobs by hash. Invariants (under `lock`):
 *  1. In the table are exactly the blobs in state ARRIVED that entered, and those QUEUED; each is held by the table.
 *  2. A SHARED blob's `same` is never SHARED itself.
 *  3. raw is there while a blob is in the table, so that newcomers can be compared with it.
 */
#include "store/pending.h"

#include <assert.h>
#include <pthread.h>

#include "store/budget.h"
#include "store/committer.h"
#include "store/pins.h"

#define BUCKETS 4096u

struct pending {
  pthread_mutex_t lock;
  pthread_cond_t named; /* some blob left ARRIVED */
  struct pending_blob *buckets[BUCKETS];
};

cas_status pending_create(struct pending **pending) {
  struct pending *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  pthread_mutex_init(&created->lock, NULL);
  pthread_cond_init(&created->named, NULL);
  *pending = created;
  return CAS_OK;
}

void pending_destroy(struct pending *pending) {
  if (pending == NULL) return;
  for (size_t i = 0; i < BUCKETS; i++) assert(pending->buckets[i] == NULL);
  pthread_cond_destroy(&pending->named);
  pthread_mutex_destroy(&pending->lock);
  free(pending);
}

cas_status pending_blob_create(struct cas_store *store, enum blob_kind kind, struct cas_buffer *raw, uint64_t budgeted,
                               struct pending_blob **blob) {
  struct pending_blob *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  created->store = store;
  created->kind = kind;
  created->raw = *raw;
  created->raw_size = (uint32_t)raw->size;
  created->budgeted = budgeted;
  created->item = (struct commit_item){.kind = COMMIT_BLOB, .raw_bytes = raw->size};
  *raw = (struct cas_buffer){0};
  atomic_fetch_add_explicit(&store->pressure->total, created->raw_size, memory_order_relaxed);
  atomic_init(&created->holders, 1);
  *blob = created;
  return CAS_OK;
}

void pending_blob_ref(struct pending_blob *blob) { atomic_fetch_add(&blob->holders, 1); }

static void free_bytes(struct pending_blob *blob) {
  cas_buffer_fini(&blob->raw);
  cas_buffer_fini(&blob->payload);
  if (blob->budgeted > 0) budget_release(blob->store->budget, blob->budgeted);
  blob->budgeted = 0;
}

void pending_blob_unref(struct pending_blob *blob) {
  if (blob == NULL || atomic_fetch_sub(&blob->holders, 1) != 1) return;
  free_bytes(blob);
  if (blob->pinned != 0) pins_release(blob->store->pins, blob->pinned);
  if (blob->dictionary_pinned != 0) pins_release(blob->store->pins, blob->dictionary_pinned);
  pending_blob_unref(blob->same);
  pending_blob_unref(blob->dictionary);
  free(blob);
}

cas_status pending_blob_pin(struct pending_blob *blob, uint32_t segment) {
  assert(blob->pinned == 0);
  if (!pins_again(blob->store->pins, segment)) return CAS_NO_MEMORY;
  blob->pinned = segment;
  return CAS_OK;
}

uint32_t pending_pinned(struct pending *pending, struct pending_blob *blob) {
  pthread_mutex_lock(&pending->lock);
  uint32_t segment = blob->state == PENDING_SHARED ? blob->same->pinned : blob->pinned;
  pthread_mutex_unlock(&pending->lock);
  return segment;
}

static struct pending_blob **bucket_of(struct pending *pending, const struct cas_hash *hash) {
  return &pending->buckets[load_u32(hash->bytes) % BUCKETS];
}

static struct pending_blob *find_same_bytes(struct pending *pending, const struct pending_blob *blob) {
  for (struct pending_blob *other = *bucket_of(pending, &blob->id.hash); other != NULL; other = other->chain)
    if (hash_equal(&other->id.hash, &blob->id.hash) &&
        slice_equal(slice_of_buffer(&other->raw), slice_of_buffer(&blob->raw)))
      return other;
  return NULL;
}

/* Another blob with this hash has not got its ordinal yet. */
static bool name_is_open(struct pending *pending, const struct pending_blob *blob) {
  for (struct pending_blob *other = *bucket_of(pending, &blob->id.hash); other != NULL; other = other->chain)
    if (hash_equal(&other->id.hash, &blob->id.hash) && other->state == PENDING_ARRIVED) return true;
  return false;
}

static void tell(struct pending_blob *blob) {
  if (blob->settled != NULL) blob->settled(blob->settled_arg);
}

/* Lets `blob` follow `other`. Returns whether it is settled by that already. */
static bool share(struct pending_blob *blob, struct pending_blob *other) {
  pending_blob_ref(other);
  blob->same = other;
  blob->state = PENDING_SHARED;
  if (other->state != PENDING_ARRIVED) {
    blob->id = other->id;
    return true;
  }
  pending_blob_ref(blob);
  blob->next_waiter = other->waiters;
  other->waiters = blob;
  return false;
}

bool pending_enter(struct pending *pending, struct pending_blob *blob) {
  pthread_mutex_lock(&pending->lock);
  struct pending_blob *same = find_same_bytes(pending, blob);
  while (same == NULL && name_is_open(pending, blob)) {
    pthread_cond_wait(&pending->named, &pending->lock);
    same = find_same_bytes(pending, blob);
  }
  bool settled = false;
  if (same != NULL) {
    settled = share(blob, same);
  } else {
    struct pending_blob **bucket = bucket_of(pending, &blob->id.hash);
    blob->chain = *bucket;
    *bucket = blob;
    pending_blob_ref(blob);
  }
  pthread_mutex_unlock(&pending->lock);
  if (same != NULL) free_bytes(blob);
  if (settled) tell(blob);
  return same == NULL;
}

bool pending_has_name(struct pending *pending, const struct blob_id *id, const struct pending_blob *but) {
  bool found = false;
  pthread_mutex_lock(&pending->lock);
  for (struct pending_blob *other = *bucket_of(pending, &id->hash); other != NULL && !found; other = other->chain)
    found = other != but && other->state == PENDING_QUEUED && blob_id_equal(&other->id, id);
  pthread_mutex_unlock(&pending->lock);
  return found;
}

static void leave(struct pending *pending, struct pending_blob *blob) {
  struct pending_blob **link = bucket_of(pending, &blob->id.hash);
  while (*link != NULL && *link != blob) link = &(*link)->chain;
  assert(*link == blob);
  *link = blob->chain;
}

void pending_settle(struct pending *pending, struct pending_blob *blob, enum pending_state state, cas_status failure) {
  pthread_mutex_lock(&pending->lock);
  assert(blob->state == PENDING_ARRIVED);
  blob->state = state;
  blob->failure = failure;
  struct pending_blob *waiters = blob->waiters;
  blob->waiters = NULL;
  for (struct pending_blob *waiter = waiters; waiter != NULL; waiter = waiter->next_waiter) waiter->id = blob->id;
  bool leaves = state != PENDING_QUEUED;
  if (leaves)
    leave(pending, blob);
  else
    committer_submit(blob->store->committer, &blob->item);
  pthread_cond_broadcast(&pending->named);
  pthread_mutex_unlock(&pending->lock);
  if (leaves) free_bytes(blob);
  while (waiters != NULL) {
    struct pending_blob *next = waiters->next_waiter;
    tell(waiters);
    pending_blob_unref(waiters);
    waiters = next;
  }
  tell(blob);
  if (leaves) pending_blob_unref(blob);
}

void pending_finish(struct pending *pending, struct pending_blob *blob, cas_status status) {
  pthread_mutex_lock(&pending->lock);
  assert(blob->state == PENDING_QUEUED);
  blob->state = status == CAS_OK ? PENDING_COMMITTED : PENDING_FAILED;
  blob->failure = status;
  leave(pending, blob);
  pthread_mutex_unlock(&pending->lock);
  free_bytes(blob);
  pending_blob_unref(blob);
}

enum pending_state pending_state_of(struct pending *pending, struct pending_blob *blob, cas_status *failure) {
  pthread_mutex_lock(&pending->lock);
  struct pending_blob *effective = blob->state == PENDING_SHARED ? blob->same : blob;
  enum pending_state state = effective->state;
  *failure = effective->failure;
  pthread_mutex_unlock(&pending->lock);
  return state;
}

struct cas_slice pending_bytes(struct pending *pending, struct pending_blob *blob) {
  pthread_mutex_lock(&pending->lock);
  struct pending_blob *effective = blob->state == PENDING_SHARED ? blob->same : blob;
  bool queued = effective->state == PENDING_QUEUED;
  pthread_mutex_unlock(&pending->lock);
  return queued ? slice_of_buffer(&effective->raw) : slice_of(NULL, 0);
}
