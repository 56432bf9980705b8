/*
 * How the index speaks to RocksDB: an open database, reading from it or from it under an open batch, and what its
 * errors mean. Only for the files of this folder.
 *
 * Caveats
 *  - A follower's database changes and is replaced under its readers (index_follower.c). So a reader holds `view` for
 *    reading until it has its value or its cursor, and index_refresh holds it for writing. Nobody calls back with it
 * held.
 *  - A cursor keeps the database it came from open, and shows it as it was then.
 */
#ifndef INDEX_INDEX_DB_H
#define INDEX_INDEX_DB_H

#include <pthread.h>
#include <rocksdb/c.h>
#include <time.h>

#include "index/index.h"
#include "index/index_applier.h"
#include "index/index_changes.h"
#include "index/index_written.h"

/* Which list of tables is in force, and how long it is. It grows with every change of the tables, before the logs of
 * writes that these replace are deleted. All zero: unknown. */
struct index_manifest {
  char name[64];
  struct timespec made; /* when it came into force: tells a rebuilt index from the one before */
  uint64_t size;
};

/* One opened RocksDB; closed with its last user. */
struct index_db {
  rocksdb_t *rocks;
  int users; /* the index and each cursor; atomic */
};

struct index {
  char *folder;
  char *scratch; /* followers only */
  rocksdb_options_t *options;
  rocksdb_readoptions_t *read;
  rocksdb_readoptions_t *read_past; /* what is read leaves the cache as it is */
  rocksdb_writeoptions_t *write;
  struct index_batch *batch;     /* the open one; only the writing thread looks */
  bool is_new;                   /* had no entries when it was opened */
  struct index_changes spare;    /* memory for the next batch, of an index that is filled */
  struct index_applier *applier; /* of an index that is filled; only the writing thread looks */
  struct index_written *written; /* all keys, of an index that is new; may be NULL; only the writing thread looks */
  index_terms_fn terms;          /* may be NULL; only the writing thread looks */

  pthread_mutex_t refreshing;     /* taken before view */
  struct index_manifest manifest; /* followers: what db was opened on; guarded by refreshing */

  pthread_rwlock_t view;
  struct index_db *db; /* guarded by view; a follower has none after a refresh that failed half way */
};

struct index_batch {
  struct index *index;
  struct index_changes changes;
  struct index_totals totals; /* with this batch's changes */
  struct cas_buffer scratch;  /* a value on its way into the changes */
};

/* Writes the changes into RocksDB, an index_apply_fn; `index` is a struct index. */
CAS_MUST_USE cas_status index_batch_write(void *index, const struct index_changes *changes, struct cas_error *error);

/* Moves the terms of a node's old attributes (empty for a new node) to those of its new ones. CAS_NO_MEMORY;
 * CAS_CORRUPT: the old ones cannot be read. */
CAS_MUST_USE cas_status index_batch_move_terms(struct index_batch *batch, enum cas_level level, const char *path,
                                               struct cas_slice old, struct cas_slice attributes);

/* What to read from: the database, under the changes of a batch unless NULL. */
struct index_source {
  struct index *index;
  struct index_changes *changes;
};

static inline struct index_source index_source_of(struct index *index) { return (struct index_source){index, NULL}; }
static inline struct index_source index_source_of_batch(struct index_batch *batch) {
  return (struct index_source){batch->index, &batch->changes};
}

/* Turns RocksDB's message into a status and frees it; CAS_OK for NULL. `what` was being done. */
cas_status index_db_fail(struct cas_error *error, const struct index *index, const char *what, char *message);

/* Says that an entry's bytes are nonsense. */
cas_status index_db_corrupt(struct cas_error *error, const struct index *index, const char *what);

/* Opens as writer, or as follower where there is a scratch folder. */
CAS_MUST_USE cas_status index_db_open(const struct index *index, struct index_db **db, struct cas_error *error);

/* Drops one use; NULL is allowed. */
void index_db_release(struct index_db *db);

/* The value of a key; CAS_NOT_FOUND without a message. `value` must be empty and becomes the caller's. */
CAS_MUST_USE cas_status index_db_get(struct index_source source, const struct index_key *key, struct cas_buffer *value,
                                     struct cas_error *error);

/* The same without a copy: `value` lies in the batch, until that is changed, or in `room`, which must be empty and
 * becomes the caller's. */
CAS_MUST_USE cas_status index_db_borrow(struct index_source source, const struct index_key *key,
                                        struct cas_buffer *room, struct cas_slice *value, struct cas_error *error);

/* Writer: false if the database has no such key for certain, nor a key of this UID. */
bool index_db_may_have(const struct index *index, const struct index_key *key);

/* A moving place among the database's keys that begin with a prefix, in ascending order, in a view that does not move.
 */
struct index_cursor {
  struct index *index;
  struct index_db *db;
  rocksdb_iterator_t *rocks;
  struct cas_slice prefix; /* borrowed */
};
#define CLEANUP_CURSOR __attribute__((cleanup(index_cursor_close)))

/* The cursor has no place yet: seek first. Its prefix is borrowed. */
CAS_MUST_USE cas_status index_cursor_open(struct index *index, struct cas_slice prefix, struct index_cursor *cursor,
                                          struct cas_error *error);
/* The same for what is read once and long: it does not push out of the cache what others use. */
CAS_MUST_USE cas_status index_cursor_open_past(struct index *index, struct cas_slice prefix,
                                               struct index_cursor *cursor, struct cas_error *error);
void index_cursor_close(struct index_cursor *cursor);
void index_cursor_seek(struct index_cursor *cursor, const struct index_key *key);
void index_cursor_next(struct index_cursor *cursor);

/* As a seek, but by steps where the key is a little ahead: a tenth of the price. `is_past`: no key lies between `key`
 * and the cursor's place, if that is behind it. */
void index_cursor_approach(struct index_cursor *cursor, const struct index_key *key, bool is_past);

/* What the key has behind the prefix, and the value, borrowed until the cursor moves. CAS_END: no more keys. */
CAS_MUST_USE cas_status index_cursor_get(struct index_cursor *cursor, struct cas_slice *rest, struct cas_slice *value,
                                         struct cas_error *error);

#endif
