/*
 * Owns finding nodes by their UID, in the index or under a batch.
 *
 *  1. The batch's changes are gathered before the first call back, sorted, and merged with the cursor: an entry that is
 * in both is called once, one that the batch deletes never.
 *  2. They are copies: a call back may change the batch, which moves what the batch holds.
 */
#include "base/status.h"
#include "index/index_lookup.h"

/* The batch's entries of one UID: what follows the UID in their keys. */
struct gathered {
  const struct index_changes *changes;
  size_t prefix_size;
  struct gathered_entry {
    struct cas_slice rest; /* borrowed from the changes, and from `bytes` once all are gathered */
    bool deletes;
  } * entries;
  size_t count, capacity;
  struct cas_buffer bytes;
};
#define CLEANUP_GATHERED __attribute__((cleanup(gathered_fini)))

static void gathered_fini(struct gathered *gathered) {
  free(gathered->entries);
  cas_buffer_fini(&gathered->bytes);
}

/* Takes the entries off the batch. */
static cas_status own(struct gathered *gathered) {
  size_t size = 0;
  for (size_t i = 0; i < gathered->count; i++) size += gathered->entries[i].rest.size;
  STATUS_TRY(cas_buffer_reserve(&gathered->bytes, size));
  for (size_t i = 0; i < gathered->count; i++) {
    struct cas_slice *rest = &gathered->entries[i].rest;
    const uint8_t *copy = gathered->bytes.data + gathered->bytes.size;
    STATUS_TRY(cas_buffer_append(&gathered->bytes, *rest));
    rest->data = copy;
  }
  return CAS_OK;
}

static cas_status gather(void *arg, const struct index_change *change) {
  struct gathered *gathered = arg;
  if (gathered->count == gathered->capacity) {
    size_t capacity = gathered->capacity == 0 ? 8 : gathered->capacity * 2;
    struct gathered_entry *grown = reallocarray(gathered->entries, capacity, sizeof *grown);
    if (grown == NULL) return CAS_NO_MEMORY;
    gathered->entries = grown;
    gathered->capacity = capacity;
  }
  struct cas_slice key = index_change_key(gathered->changes, change);
  gathered->entries[gathered->count++] = (struct gathered_entry){
      .rest = slice_of(key.data + gathered->prefix_size, key.size - gathered->prefix_size), .deletes = change->deletes};
  return CAS_OK;
}

static int compare_entries(const void *a, const void *b) {
  return slice_compare(((const struct gathered_entry *)a)->rest, ((const struct gathered_entry *)b)->rest);
}

/* A version and a path. */
static cas_status call_with_rest(struct index *index, struct cas_slice rest, index_text_fn each, void *arg,
                                 struct cas_error *error) {
  struct cas_slice path;
  if (!index_key_read_place(rest, &path)) return index_db_corrupt(error, index, "a UID");
  return index_call_with_text(path, each, arg);
}

/* Calls for the batch's entries before `limit` (NULL: all), and passes over the one that is equal: `hides` tells. */
static cas_status call_gathered(struct index *index, const struct gathered *gathered, size_t *next,
                                const struct cas_slice *limit, bool *hides, index_text_fn each, void *arg,
                                struct cas_error *error) {
  *hides = false;
  for (; *next < gathered->count; ++*next) {
    const struct gathered_entry *entry = &gathered->entries[*next];
    int order = limit == NULL ? -1 : slice_compare(entry->rest, *limit);
    if (order > 0) return CAS_OK;
    if (order == 0) {
      *hides = entry->deletes;
      ++*next;
      return CAS_OK;
    }
    if (!entry->deletes) STATUS_TRY(call_with_rest(index, entry->rest, each, arg, error));
  }
  return CAS_OK;
}

static cas_status find_uid(struct index_source source, unsigned level, const char *uid, index_text_fn each, void *arg,
                           struct cas_error *error) {
  CLEANUP_CURSOR struct index_cursor cursor = {0};
  struct index_key prefix;
  if (uid[0] == '\0' || !index_key_uid_prefix(&prefix, level, uid)) return CAS_OK;
  CLEANUP_GATHERED struct gathered gathered = {.changes = source.changes, .prefix_size = prefix.size};
  if (source.changes != NULL) {
    cas_status status = index_changes_find_uid(source.changes, &prefix, gather, &gathered);
    if (status == CAS_OK) status = own(&gathered);
    if (status != CAS_OK) return status_fail(error, status, "index: out of memory");
    if (gathered.count > 1) qsort(gathered.entries, gathered.count, sizeof *gathered.entries, compare_entries);
  }
  size_t next = 0;
  bool hides;
  if (source.changes != NULL && !index_db_may_have(source.index, &prefix))
    return call_gathered(source.index, &gathered, &next, NULL, &hides, each, arg, error);
  if (source.changes != NULL && source.index->applier != NULL)
    STATUS_TRY(index_applier_wait(source.index->applier, error));
  STATUS_TRY(index_cursor_open(source.index, index_key_slice(&prefix), &cursor, error));
  for (index_cursor_seek(&cursor, &prefix);; index_cursor_next(&cursor)) {
    struct cas_slice rest, value;
    cas_status status = index_cursor_get(&cursor, &rest, &value, error);
    if (status == CAS_END) break;
    STATUS_TRY(status);
    STATUS_TRY(call_gathered(source.index, &gathered, &next, &rest, &hides, each, arg, error));
    if (!hides) STATUS_TRY(call_with_rest(source.index, rest, each, arg, error));
  }
  return call_gathered(source.index, &gathered, &next, NULL, &hides, each, arg, error);
}

cas_status index_find_uid(struct index *index, enum cas_level level, const char *uid, index_text_fn each, void *arg,
                          struct cas_error *error) {
  return find_uid(index_source_of(index), level, uid, each, arg, error);
}

cas_status index_batch_find_uid(struct index_batch *batch, enum cas_level level, const char *uid, index_text_fn each,
                                void *arg, struct cas_error *error) {
  return find_uid(index_source_of_batch(batch), level, uid, each, arg, error);
}
