/*
 * Owns reading from RocksDB and the meaning of its errors.
 *
 *  1. `view` is held from before a database is looked at until the value is copied or the cursor has its own reference.
 *  2. Whatever RocksDB allocates is freed here; its message text never leaves.
 */
#include "index/index_db.h"

#include "base/status.h"
#include "index/index_log.h"

static bool text_begins_with(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* RocksDB's C API gives a status as text: "IO error: No space left on device: While appending to file: …", or with the
 * system's reason at its end: "IO error: While open a file for random read: …: Too many open files". */
static cas_status status_of_message(const char *message) {
  if (strstr(message, ": Too many open files") != NULL) return CAS_NO_DESCRIPTORS; /* also what follows from it */
  if (text_begins_with(message, "Corruption: ")) return CAS_CORRUPT;
  if (strstr(message, ": Cannot allocate memory") != NULL) return CAS_NO_MEMORY;
  if (text_begins_with(message, "IO error: No space left on device")) return CAS_NO_SPACE;
  if (text_begins_with(message, "IO error: Space limit reached")) return CAS_NO_SPACE;
  if (text_begins_with(message, "IO error: While lock file: ")) return CAS_BUSY;
  if (text_begins_with(message, "IO error: lock hold by current process")) return CAS_BUSY;
  return CAS_IO;
}

cas_status index_db_fail(struct cas_error *error, const struct index *index, const char *what, char *message) {
  if (message == NULL) return CAS_OK;
  cas_status status = status_of_message(message);
  status_fail(error, status, "index %s: %s: %s", index->folder, what, message);
  rocksdb_free(message);
  return status;
}

cas_status index_db_corrupt(struct cas_error *error, const struct index *index, const char *what) {
  return status_fail(error, CAS_CORRUPT, "index %s: %s is damaged", index->folder, what);
}

cas_status index_db_open(const struct index *index, struct index_db **out, struct cas_error *error) {
  struct index_db *db = malloc(sizeof *db);
  if (db == NULL) return status_fail(error, CAS_NO_MEMORY, "index: out of memory");
  char *message = NULL, log_folder[INDEX_LOG_FOLDER_BYTES] = "";
  if (index->scratch == NULL) index_log_make(log_folder);
  rocksdb_options_set_db_log_dir(index->options, log_folder);
  rocksdb_t *rocks = index->scratch == NULL
                         ? rocksdb_open(index->options, index->folder, &message)
                         : rocksdb_open_as_secondary(index->options, index->folder, index->scratch, &message);
  index_log_remove(log_folder);
  if (message != NULL) {
    free(db);
    return index_db_fail(error, index, "cannot open", message);
  }
  *db = (struct index_db){.rocks = rocks, .users = 1};
  *out = db;
  return CAS_OK;
}

static cas_status no_view(struct cas_error *error, const struct index *index) {
  return status_fail(error, CAS_BUSY, "index %s: has no whole view since the last refresh failed", index->folder);
}

static struct index_db *db_ref(struct index_db *db) {
  __atomic_add_fetch(&db->users, 1, __ATOMIC_RELAXED);
  return db;
}

void index_db_release(struct index_db *db) {
  if (db == NULL || __atomic_sub_fetch(&db->users, 1, __ATOMIC_ACQ_REL) > 0) return;
  rocksdb_close(db->rocks);
  free(db);
}

bool index_db_may_have(const struct index *index, const struct index_key *key) {
  return index->written == NULL || index_written_may_have(index->written, index_changes_hash(index_key_slice(key)));
}

/* CAS_END: neither the batch nor what was handed over before it has the key. CAS_NO_MEMORY: the batch lacks a change.
 */
static cas_status borrow_from_batch(struct index_source source, const struct index_key *key, struct cas_slice *value) {
  const struct index_changes *changes = source.changes;
  if (changes->incomplete) return CAS_NO_MEMORY;
  const struct index_change *change = index_changes_find(changes, index_key_slice(key));
  if (change == NULL && source.index->applier != NULL) {
    changes = index_applier_changes(source.index->applier);
    if (changes != NULL) change = index_changes_find(changes, index_key_slice(key));
  }
  if (change == NULL) return CAS_END;
  if (change->deletes) return CAS_NOT_FOUND;
  *value = index_change_value(changes, change);
  return CAS_OK;
}

cas_status index_db_borrow(struct index_source source, const struct index_key *key, struct cas_buffer *room,
                           struct cas_slice *value, struct cas_error *error) {
  struct index *index = source.index;
  if (source.changes != NULL) {
    cas_status status = borrow_from_batch(source, key, value);
    if (status == CAS_NO_MEMORY) return status_fail(error, status, "index %s: out of memory", index->folder);
    if (status != CAS_END) return status;
    if (!index_db_may_have(index, key)) return CAS_NOT_FOUND;
  }
  char *message = NULL, *found = NULL;
  size_t size = 0;
  pthread_rwlock_rdlock(&index->view);
  bool viewed = index->db != NULL;
  if (viewed) found = rocksdb_get(index->db->rocks, index->read, (const char *)key->bytes, key->size, &size, &message);
  pthread_rwlock_unlock(&index->view);
  if (!viewed) return no_view(error, index);
  if (message != NULL) return index_db_fail(error, index, "cannot look up", message);
  if (found == NULL) {
    if (source.changes != NULL) index_changes_note_absent(source.changes, key);
    return CAS_NOT_FOUND;
  }
  *room = (struct cas_buffer){.data = (uint8_t *)found, .size = size, .capacity = size};
  *value = slice_of_buffer(room);
  return CAS_OK;
}

cas_status index_db_get(struct index_source source, const struct index_key *key, struct cas_buffer *value,
                        struct cas_error *error) {
  struct cas_slice borrowed;
  STATUS_TRY(index_db_borrow(source, key, value, &borrowed, error));
  if (value->data != NULL) return CAS_OK;
  cas_status status = cas_buffer_append(value, borrowed);
  return status == CAS_OK ? CAS_OK : status_fail(error, status, "index: out of memory");
}

static cas_status open_cursor(struct index *index, const rocksdb_readoptions_t *read, struct cas_slice prefix,
                              struct index_cursor *cursor, struct cas_error *error) {
  struct index_db *db = NULL;
  rocksdb_iterator_t *rocks = NULL;
  pthread_rwlock_rdlock(&index->view);
  if (index->db != NULL) {
    db = db_ref(index->db);
    rocks = rocksdb_create_iterator(db->rocks, read);
  }
  pthread_rwlock_unlock(&index->view);
  if (db == NULL) return no_view(error, index);
  char *message = NULL;
  rocksdb_iter_get_error(rocks, &message);
  *cursor = (struct index_cursor){.index = index, .db = db, .rocks = rocks, .prefix = prefix};
  return index_db_fail(error, index, "cannot list", message);
}

cas_status index_cursor_open(struct index *index, struct cas_slice prefix, struct index_cursor *cursor,
                             struct cas_error *error) {
  return open_cursor(index, index->read, prefix, cursor, error);
}

cas_status index_cursor_open_past(struct index *index, struct cas_slice prefix, struct index_cursor *cursor,
                                  struct cas_error *error) {
  return open_cursor(index, index->read_past, prefix, cursor, error);
}

void index_cursor_close(struct index_cursor *cursor) {
  if (cursor->rocks != NULL) rocksdb_iter_destroy(cursor->rocks);
  index_db_release(cursor->db);
  *cursor = (struct index_cursor){0};
}

void index_cursor_seek(struct index_cursor *cursor, const struct index_key *key) {
  rocksdb_iter_seek(cursor->rocks, (const char *)key->bytes, key->size);
}

void index_cursor_approach(struct index_cursor *cursor, const struct index_key *key, bool is_past) {
  static const unsigned steps_max = 8; /* they cost about as much as one seek */
  for (unsigned steps = 0; rocksdb_iter_valid(cursor->rocks); steps++, rocksdb_iter_next(cursor->rocks)) {
    size_t size;
    const char *bytes = rocksdb_iter_key(cursor->rocks, &size);
    const int order = slice_compare(slice_of(bytes, size), index_key_slice(key));
    if (order == 0 || (order > 0 && (is_past || steps > 0))) return;
    if (order > 0 || steps == steps_max) break;
  }
  index_cursor_seek(cursor, key);
}

void index_cursor_next(struct index_cursor *cursor) { rocksdb_iter_next(cursor->rocks); }

cas_status index_cursor_get(struct index_cursor *cursor, struct cas_slice *rest, struct cas_slice *value,
                            struct cas_error *error) {
  if (!rocksdb_iter_valid(cursor->rocks)) {
    char *message = NULL;
    rocksdb_iter_get_error(cursor->rocks, &message);
    return message == NULL ? CAS_END : index_db_fail(error, cursor->index, "cannot list", message);
  }
  size_t size;
  const char *bytes = rocksdb_iter_key(cursor->rocks, &size);
  struct cas_slice key = slice_of(bytes, size);
  if (!slice_begins_with(key, cursor->prefix)) return CAS_END;
  *rest = slice_of(key.data + cursor->prefix.size, key.size - cursor->prefix.size);
  bytes = rocksdb_iter_value(cursor->rocks, &size);
  *value = slice_of(bytes, size);
  return CAS_OK;
}
