/*
 * Owns a small table of series, the least recently used making room. Invariants (under `lock`):
 *  1. An entry's bytes are those of the blob `id`.
 *  2. `pending` is held until the blob is committed; then it is dropped at the next use.
 *  3. No header is given bytes that were not on disk TRUST_NS ago: a header is lost with its dictionary.
 */
#include "store/dictionaries.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "store/blob_read.h"
#include "store/ledger.h"

#define SERIES_MAX 64u

/* For so long the copy in memory stands for the one on disk. */
#define TRUST_NS 1000000000

struct entry {
  char series_uid[CAS_UID_TEXT_MAX];
  struct dictionary dictionary; /* bytes == NULL: free */
  int64_t seen_ns;              /* when it was last on disk, or on its way there; by clock_monotonic_ns() */
  uint64_t used;
};

struct dictionaries {
  struct cas_store *store;
  pthread_mutex_t lock;
  uint64_t clock;
  struct entry entries[SERIES_MAX];
};

void dictionary_fini(struct dictionary *dictionary) {
  free(dictionary->bytes);
  pending_blob_unref(dictionary->pending);
  *dictionary = (struct dictionary){0};
}

cas_status dictionaries_create(struct cas_store *store, struct dictionaries **dictionaries) {
  struct dictionaries *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  created->store = store;
  pthread_mutex_init(&created->lock, NULL);
  *dictionaries = created;
  return CAS_OK;
}

void dictionaries_destroy(struct dictionaries *dictionaries) {
  if (dictionaries == NULL) return;
  for (size_t i = 0; i < SERIES_MAX; i++) dictionary_fini(&dictionaries->entries[i].dictionary);
  pthread_mutex_destroy(&dictionaries->lock);
  free(dictionaries);
}

void dictionary_fact_name(const char *series_uid, char name[CAS_UID_TEXT_MAX + 16]) {
  snprintf(name, CAS_UID_TEXT_MAX + 16, "dictionary/%s", series_uid);
}

cas_status dictionary_note(struct index_batch *batch, const struct pending_blob *blob, struct cas_error *error) {
  char name[CAS_UID_TEXT_MAX + 16];
  uint8_t value[CODEC_DICTIONARY_NAME_BYTES];
  if (!blob->becomes_dictionary) return CAS_OK;
  dictionary_fact_name(blob->series_uid, name);
  memcpy(value, blob->id.hash.bytes, 16);
  store_u16(value + 16, blob->id.ordinal);
  return index_batch_put_fact(batch, name, slice_of(value, sizeof value), error);
}

static struct entry *find(struct dictionaries *dictionaries, const char *series_uid) {
  for (size_t i = 0; i < SERIES_MAX; i++) {
    struct entry *entry = &dictionaries->entries[i];
    if (entry->dictionary.bytes != NULL && strcmp(entry->series_uid, series_uid) == 0) return entry;
  }
  return NULL;
}

/* A committed blob needs no holding: it can be read. One whose group failed is no dictionary. */
static bool check_pending(struct dictionaries *dictionaries, struct dictionary *dictionary) {
  cas_status failure;
  if (dictionary->pending == NULL) return true;
  enum pending_state state = pending_state_of(dictionaries->store->pending, dictionary->pending, &failure);
  if (state == PENDING_FAILED) {
    dictionary_fini(dictionary);
    return false;
  }
  if (state == PENDING_COMMITTED) {
    pending_blob_unref(dictionary->pending);
    dictionary->pending = NULL;
  }
  return true;
}

static cas_status copy(const struct dictionary *from, struct dictionary *to) {
  uint8_t *bytes = malloc(from->size);
  if (bytes == NULL) return CAS_NO_MEMORY;
  memcpy(bytes, from->bytes, from->size);
  if (from->pending != NULL) pending_blob_ref(from->pending);
  *to = (struct dictionary){.id = from->id, .bytes = bytes, .size = from->size, .pending = from->pending};
  return CAS_OK;
}

/* Puts a dictionary that is on disk, or on its way there, in the place of the series' one. */
static void enter(struct dictionaries *dictionaries, const char *series_uid, const struct dictionary *dictionary) {
  struct entry *entry = find(dictionaries, series_uid);
  if (entry == NULL) {
    entry = &dictionaries->entries[0];
    for (size_t i = 1; i < SERIES_MAX; i++)
      if (dictionaries->entries[i].used < entry->used) entry = &dictionaries->entries[i];
  }
  dictionary_fini(&entry->dictionary);
  if (copy(dictionary, &entry->dictionary) != CAS_OK) return;
  snprintf(entry->series_uid, sizeof entry->series_uid, "%s", series_uid);
  entry->seen_ns = clock_monotonic_ns();
  entry->used = ++dictionaries->clock;
}

/* The dictionary of the series as it lies on disk, past the cache: an index may name one that is damaged. */
static cas_status load(struct dictionaries *dictionaries, const char *series_uid, struct dictionary *dictionary) {
  struct cas_store *store = dictionaries->store;
  char name[CAS_UID_TEXT_MAX + 16];
  CLEANUP_BUFFER struct cas_buffer value = {0}, bytes = {0};
  struct index_blob place;
  struct blob_id id;
  dictionary_fact_name(series_uid, name);
  STATUS_TRY(index_get_fact(store->index, name, &value, NULL));
  if (codec_dictionary_of(slice_of_buffer(&value), &id) != CAS_OK) return CAS_NOT_FOUND;
  if (ledger_find_blob(store->index, NULL, &id, &place, NULL) != CAS_OK) return CAS_NOT_FOUND;
  if (blob_read_placed(store, NULL, &id, &place, &bytes, NULL) != CAS_OK) return CAS_NOT_FOUND;
  *dictionary = (struct dictionary){.id = id, .bytes = bytes.data, .size = bytes.size};
  bytes = (struct cas_buffer){0};
  return CAS_OK;
}

/* CAS_NOT_FOUND: it is not in memory, or was there for too long. */
static cas_status get_trusted(struct dictionaries *dictionaries, const char *series_uid,
                              struct dictionary *dictionary) {
  cas_status status = CAS_NOT_FOUND;
  pthread_mutex_lock(&dictionaries->lock);
  struct entry *entry = find(dictionaries, series_uid);
  if (entry != NULL && check_pending(dictionaries, &entry->dictionary) &&
      (entry->dictionary.pending != NULL || clock_monotonic_ns() - entry->seen_ns < TRUST_NS)) {
    entry->used = ++dictionaries->clock;
    status = copy(&entry->dictionary, dictionary);
  }
  pthread_mutex_unlock(&dictionaries->lock);
  return status;
}

cas_status dictionaries_get(struct dictionaries *dictionaries, const char *series_uid, struct dictionary *dictionary) {
  cas_status status = get_trusted(dictionaries, series_uid, dictionary);
  if (status != CAS_NOT_FOUND) return status;
  status = load(dictionaries, series_uid, dictionary);
  pthread_mutex_lock(&dictionaries->lock);
  struct entry *entry = find(dictionaries, series_uid);
  bool arriving = entry != NULL && entry->dictionary.pending != NULL; /* another one, meanwhile */
  if (status == CAS_OK && !arriving) enter(dictionaries, series_uid, dictionary);
  if (status == CAS_NOT_FOUND && entry != NULL && !arriving) dictionary_fini(&entry->dictionary);
  pthread_mutex_unlock(&dictionaries->lock);
  return status;
}

void dictionaries_put(struct dictionaries *dictionaries, const char *series_uid, struct pending_blob *blob,
                      struct cas_slice bytes) {
  struct dictionary dictionary = {
      .id = blob->id, .bytes = (uint8_t *)(uintptr_t)bytes.data, .size = bytes.size, .pending = blob};
  pthread_mutex_lock(&dictionaries->lock);
  if (find(dictionaries, series_uid) == NULL) enter(dictionaries, series_uid, &dictionary);
  pthread_mutex_unlock(&dictionaries->lock);
}

void dictionaries_forget(struct dictionaries *dictionaries, const char *series_uid) {
  pthread_mutex_lock(&dictionaries->lock);
  struct entry *entry = find(dictionaries, series_uid);
  if (entry != NULL) dictionary_fini(&entry->dictionary);
  pthread_mutex_unlock(&dictionaries->lock);
}

void dictionaries_settle(struct dictionaries *dictionaries) {
  pthread_mutex_lock(&dictionaries->lock);
  for (size_t i = 0; i < SERIES_MAX; i++)
    if (dictionaries->entries[i].dictionary.bytes != NULL)
      check_pending(dictionaries, &dictionaries->entries[i].dictionary);
  pthread_mutex_unlock(&dictionaries->lock);
}
