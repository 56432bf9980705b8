/*
 * Owns a list of entries in order, and threads. Invariants (under `lock`):
 *  1. An entry leaves only as the first, and only when it is ready.
 *  2. `to_encode` is the first entry that no thread has taken and that needs one.
 *  3. The payloads in the list have at most PACK_BYTES_AHEAD_MAX bytes, but for one entry.
 */
#include "store/pack_queue.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/status.h"

/* Of the threads in the background: the least share of a processor that there is. */
#define BACKGROUND_NICE 19

enum entry_state { ENTRY_WAITS, ENTRY_ENCODES, ENTRY_READY };

struct entry {
  struct packed_record record; /* its payload is in `payload` or `coded`, its uid is owned */
  struct cas_buffer payload, coded;
  enum entry_state state;
  cas_status status; /* of the encoding */
  struct entry *next;
};

struct pack_queue {
  struct codec *codec;
  bool background;
  pack_queue_fn out;
  void *arg;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct entry *first, **last; /* lock */
  size_t bytes;                /* lock; of payloads in the list */
  bool ending;                 /* lock */
  unsigned thread_count;
  pthread_t threads[PACK_THREADS_MAX];
};

static void entry_free(struct entry *entry) {
  cas_buffer_fini(&entry->payload);
  cas_buffer_fini(&entry->coded);
  free((char *)(uintptr_t)entry->record.uid);
  free(entry);
}

/* --- encoding --- */

static void encode(struct pack_queue *queue, struct entry *entry) {
  enum codec_id codec;
  struct record *record = &entry->record.record;
  struct cas_slice payload = slice_of_buffer(&entry->payload);
  entry->status = codec_encode_deferred(queue->codec, record->codec, payload, record->raw_size, &entry->coded, &codec);
  if (entry->status != CAS_OK) return;
  entry->record.payload = slice_of_buffer(&entry->coded);
  entry->record.was_packed = true;
  record->codec = (uint8_t)codec;
  record->stored_size = entry->record.payload.size;
}

static struct entry *next_to_encode(const struct pack_queue *queue) {
  struct entry *entry = queue->first;
  while (entry != NULL && entry->state != ENTRY_WAITS) entry = entry->next;
  return entry;
}

static void *encode_until_ended(void *arg) {
  struct pack_queue *queue = arg;
  if (queue->background) (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), BACKGROUND_NICE);
  pthread_mutex_lock(&queue->lock);
  while (!queue->ending) {
    struct entry *entry = next_to_encode(queue);
    if (entry == NULL) {
      pthread_cond_wait(&queue->changed, &queue->lock);
      continue;
    }
    entry->state = ENTRY_ENCODES;
    pthread_mutex_unlock(&queue->lock);
    encode(queue, entry);
    pthread_mutex_lock(&queue->lock);
    entry->state = ENTRY_READY;
    pthread_cond_broadcast(&queue->changed);
  }
  pthread_mutex_unlock(&queue->lock);
  return NULL;
}

cas_status pack_queue_create(struct codec *codec, unsigned threads, bool background, pack_queue_fn out, void *arg,
                             struct pack_queue **queue, struct cas_error *error) {
  struct pack_queue *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  created->codec = codec;
  created->background = background;
  created->out = out;
  created->arg = arg;
  created->last = &created->first;
  pthread_mutex_init(&created->lock, NULL);
  pthread_cond_init(&created->changed, NULL);
  if (threads > PACK_THREADS_MAX) threads = PACK_THREADS_MAX;
  for (; created->thread_count < threads; created->thread_count++) {
    int failure = pthread_create(&created->threads[created->thread_count], NULL, encode_until_ended, created);
    if (failure == 0) continue;
    pack_queue_destroy(created);
    return status_fail_errno(error, failure, "cannot start a thread that encodes");
  }
  *queue = created;
  return CAS_OK;
}

void pack_queue_destroy(struct pack_queue *queue) {
  if (queue == NULL) return;
  pthread_mutex_lock(&queue->lock);
  queue->ending = true;
  pthread_cond_broadcast(&queue->changed);
  pthread_mutex_unlock(&queue->lock);
  for (unsigned i = 0; i < queue->thread_count; i++) pthread_join(queue->threads[i], NULL);
  struct entry *next;
  for (struct entry *entry = queue->first; entry != NULL; entry = next) {
    next = entry->next;
    entry_free(entry);
  }
  pthread_cond_destroy(&queue->changed);
  pthread_mutex_destroy(&queue->lock);
  free(queue);
}

/* --- in and out --- */

static cas_status copy_entry(const struct packed_record *record, struct entry **out) {
  struct entry *entry = calloc(1, sizeof *entry);
  if (entry == NULL) return CAS_NO_MEMORY;
  entry->record = *record;
  entry->record.uid = NULL;
  entry->state = !record->is_commit && record->record.kind == RECORD_BLOB && codec_is_deferred(record->record.codec)
                     ? ENTRY_WAITS
                     : ENTRY_READY;
  cas_status status = cas_buffer_append(&entry->payload, record->payload);
  if (status == CAS_OK && record->uid != NULL) {
    entry->record.uid = strdup(record->uid);
    if (entry->record.uid == NULL) status = CAS_NO_MEMORY;
  }
  if (status != CAS_OK) {
    entry_free(entry);
    return status;
  }
  entry->record.payload = slice_of_buffer(&entry->payload);
  *out = entry;
  return CAS_OK;
}

/* Takes the first entry off the list. With `wait`, waits until it is ready; NULL where there is none. */
static struct entry *take_first(struct pack_queue *queue, bool wait) {
  pthread_mutex_lock(&queue->lock);
  while (wait && queue->first != NULL && queue->first->state != ENTRY_READY)
    pthread_cond_wait(&queue->changed, &queue->lock);
  struct entry *entry = queue->first;
  if (entry != NULL && entry->state != ENTRY_READY) entry = NULL;
  if (entry != NULL) {
    queue->first = entry->next;
    if (queue->first == NULL) queue->last = &queue->first;
    queue->bytes -= entry->payload.size;
  }
  pthread_mutex_unlock(&queue->lock);
  return entry;
}

/* Writes out until there is room for `bytes`; what is ready in any case. */
static cas_status write_out(struct pack_queue *queue, size_t bytes) {
  for (;;) {
    struct entry *entry = take_first(queue, queue->bytes + bytes > PACK_BYTES_AHEAD_MAX);
    if (entry == NULL) return CAS_OK;
    cas_status status = entry->status == CAS_OK ? queue->out(queue->arg, &entry->record) : entry->status;
    entry_free(entry);
    if (status != CAS_OK) return status;
  }
}

cas_status pack_queue_put(struct pack_queue *queue, const struct packed_record *record) {
  struct entry *entry;
  STATUS_TRY(copy_entry(record, &entry));
  cas_status status = write_out(queue, entry->payload.size);
  if (status != CAS_OK) {
    entry_free(entry);
    return status;
  }
  pthread_mutex_lock(&queue->lock);
  *queue->last = entry;
  queue->last = &entry->next;
  queue->bytes += entry->payload.size;
  if (entry->state == ENTRY_WAITS) pthread_cond_broadcast(&queue->changed);
  pthread_mutex_unlock(&queue->lock);
  return CAS_OK;
}

cas_status pack_queue_finish(struct pack_queue *queue) { return write_out(queue, PACK_BYTES_AHEAD_MAX); }
