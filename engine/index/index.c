/*
 * Owns opening for writing, and what every open index has.
 *
 *  1. A database without a version is empty, and gets one before anything else is written.
 *  2. Once an index is open for writing, no log of writes from before is there any more. Power loss may have torn one
 *     in its first record: the writer passes over it, but a follower could not open the index while the log is there
 *     (seen with RocksDB 7.8.3).
 */
#include "index/index.h"

#include "base/status.h"
#include "index/index_current.h"
#include "index/index_db.h"
#include "index/index_open.h"
#include "index/index_options.h"
#include "index/index_probe.h"
#include "index/index_reached.h"
#include "index/index_tables.h"

void index_close(struct index *index) {
  if (index == NULL) return;
  if (index->batch != NULL) index_batch_abort(index->batch);
  index_applier_destroy(index->applier);
  index_changes_fini(&index->spare);
  index_db_release(index->db);
  index_written_destroy(index->written);
  if (index->options != NULL) rocksdb_options_destroy(index->options);
  if (index->read != NULL) rocksdb_readoptions_destroy(index->read);
  if (index->read_past != NULL) rocksdb_readoptions_destroy(index->read_past);
  if (index->write != NULL) rocksdb_writeoptions_destroy(index->write);
  pthread_rwlock_destroy(&index->view);
  pthread_mutex_destroy(&index->refreshing);
  free(index->folder);
  free(index->scratch);
  free(index);
}

void index_cleanup_close(struct index **index) { index_close(*index); }

cas_status index_create(const char *folder, const char *scratch, enum index_use use, struct index **out,
                        struct cas_error *error) {
  struct index *index = calloc(1, sizeof *index);
  if (index == NULL) return status_fail(error, CAS_NO_MEMORY, "index: out of memory");
  /* A refresh must not wait for ever behind readers that follow each other. */
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_mutex_init(&index->refreshing, NULL);
  pthread_rwlock_init(&index->view, &attributes);
  pthread_rwlockattr_destroy(&attributes);
  index->folder = strdup(folder);
  index->scratch = scratch == NULL ? NULL : strdup(scratch);
  if (index->folder == NULL || (scratch != NULL && index->scratch == NULL)) {
    index_close(index);
    return status_fail(error, CAS_NO_MEMORY, "index: out of memory");
  }
  index->options = index_options_create(use);
  index->read = rocksdb_readoptions_create();
  rocksdb_readoptions_set_verify_checksums(index->read, 1);
  index->read_past = rocksdb_readoptions_create();
  rocksdb_readoptions_set_verify_checksums(index->read_past, 1);
  rocksdb_readoptions_set_fill_cache(index->read_past, 0);
  index->write = rocksdb_writeoptions_create();
  *out = index;
  return CAS_OK;
}

cas_status index_check_version(struct index *index, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer value = {0};
  struct index_key key;
  index_key_version(&key);
  STATUS_TRY(index_db_get(index_source_of(index), &key, &value, error));
  if (slice_equal(slice_of_buffer(&value), slice_of(INDEX_VERSION, strlen(INDEX_VERSION)))) return CAS_OK;
  return status_fail(error, CAS_UNSUPPORTED,
                     "index %s: made by version %.*s of the index, this is " INDEX_VERSION
                     ": cassette rebuild makes it anew",
                     index->folder, (int)(value.size > 16 ? 16 : value.size), (const char *)value.data);
}

static cas_status put_version(struct index *index, struct cas_error *error) {
  char *message = NULL;
  struct index_key key;
  index_key_version(&key);
  rocksdb_put(index->db->rocks, index->write, (const char *)key.bytes, key.size, INDEX_VERSION, strlen(INDEX_VERSION),
              &message);
  return index_db_fail(error, index, "cannot write the version", message);
}

/* Invariant 1. */
static cas_status write_version(struct index *index, struct cas_error *error) {
  CLEANUP_CURSOR struct index_cursor cursor = {0};
  struct cas_slice rest, value;
  struct index_key key = {0};
  STATUS_TRY(index_cursor_open(index, slice_of("", 0), &cursor, error));
  index_cursor_seek(&cursor, &key);
  cas_status status = index_cursor_get(&cursor, &rest, &value, error);
  if (status == CAS_OK) return status_fail(error, CAS_CORRUPT, "index %s: has entries but no version", index->folder);
  return status == CAS_END ? put_version(index, error) : status;
}

/* Invariant 2. RocksDB keeps a log as long as no table was made of writes behind it, so there must be one; and it looks
 * for files to delete when deletions are enabled again. */
static cas_status leave_old_logs(struct index *index, struct cas_error *error) {
  char *message = NULL;
  STATUS_TRY(put_version(index, error));
  STATUS_TRY(index_flush(index, error));
  rocksdb_disable_file_deletions(index->db->rocks, &message);
  if (message == NULL) rocksdb_enable_file_deletions(index->db->rocks, 1, &message);
  return index_db_fail(error, index, "cannot leave old logs", message);
}

static cas_status open_for_writing(const char *folder, enum index_use use, struct index **out,
                                   struct cas_error *error) {
  CLEANUP_INDEX struct index *index = NULL;
  STATUS_TRY(index_current_mend(folder, error));
  STATUS_TRY(index_tables_check(folder, error));
  STATUS_TRY(index_create(folder, NULL, use, &index, error));
  STATUS_TRY(index_db_open(index, &index->db, error));
  cas_status status = index_check_version(index, error);
  index->is_new = status == CAS_NOT_FOUND;
  if (index->is_new) status = write_version(index, error);
  if (status == CAS_OK) status = leave_old_logs(index, error);
  if (status != CAS_OK) return status;
  *out = index;
  index = NULL;
  return CAS_OK;
}

cas_status index_open(const char *folder, struct index **out, struct cas_error *error) {
  return open_for_writing(folder, INDEX_WRITER, out, error);
}

/* The readers' way out where nothing can be written: as it is on the disk. */
static struct index_db *open_for_reading(const struct index *index) {
  struct index_db *db = malloc(sizeof *db);
  char *message = NULL;
  if (db == NULL) return NULL;
  rocksdb_t *rocks = rocksdb_open_for_read_only(index->options, index->folder, 0, &message);
  if (message == NULL) {
    *db = (struct index_db){.rocks = rocks, .users = 1};
    return db;
  }
  rocksdb_free(message);
  free(db);
  return NULL;
}

cas_status index_reopen(struct index *index, struct cas_error *error) {
  STATUS_TRY(index_probe(index->folder, error));
  STATUS_TRY(index_tables_check(index->folder, error));
  pthread_rwlock_wrlock(&index->view);
  index_db_release(index->db);
  index->db = NULL;
  cas_status status = index_db_open(index, &index->db, error);
  if (status != CAS_OK) index->db = open_for_reading(index);
  pthread_rwlock_unlock(&index->view);
  return status;
}

cas_status index_open_to_fill(const char *folder, struct index **out, struct cas_error *error) {
  CLEANUP_INDEX struct index *index = NULL;
  STATUS_TRY(open_for_writing(folder, INDEX_FILLER, &index, error));
  rocksdb_writeoptions_disable_WAL(index->write, 1);
  STATUS_TRY(index_applier_create(index_batch_write, index, &index->applier, error));
  *out = index;
  index = NULL;
  return CAS_OK;
}

void index_expect(struct index *index, uint64_t entries) {
  const uint64_t bytes = entries * INDEX_WRITTEN_BITS_EACH / 8;
  if (!index->is_new || index->written != NULL) return;
  /* Without memory every key is asked for. */
  if (index_written_create(bytes < INDEX_WRITTEN_BYTES_MAX ? (size_t)bytes : INDEX_WRITTEN_BYTES_MAX,
                           &index->written) != CAS_OK)
    index->written = NULL;
}

cas_status index_flush(struct index *index, struct cas_error *error) {
  if (index->db == NULL) return status_fail(error, CAS_IO, "index %s: could not be opened anew", index->folder);
  if (index->applier != NULL) STATUS_TRY(index_applier_wait(index->applier, error));
  char *message = NULL;
  const uint64_t sequence = rocksdb_get_latest_sequence_number(index->db->rocks);
  rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
  rocksdb_flushoptions_set_wait(options, 1);
  rocksdb_flush(index->db->rocks, options, &message);
  rocksdb_flushoptions_destroy(options);
  STATUS_TRY(index_db_fail(error, index, "cannot flush", message));
  return index_reached_write(index->folder, sequence, error);
}
