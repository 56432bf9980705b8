/*
 * Owns an open index: the database, its settings, and how a follower keeps up.
 *
 *  1. A database without a version is empty, and gets one before anything else is written.
 *  2. What a follower shows is a state that the writer's index had: it catches up until no table came in between (see
 *     catch_up), and readers wait meanwhile.
 *
 *   closed --open--> writer --close--> closed
 *   closed --open_follower--> follower --refresh--> follower (caught up, or opened anew) --close--> closed
 */
#include "index/index.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/status.h"
#include "index/index_db.h"
#include "index/index_options.h"

/* How often a follower tries to get a whole view while the writer makes and deletes files under it. */
static const int catch_up_attempts = 16;

void index_close(struct index *index) {
  if (index == NULL)
    return;
  if (index->batch != NULL)
    index_batch_abort(index->batch);
  index_db_release(index->db);
  if (index->options != NULL)
    rocksdb_options_destroy(index->options);
  if (index->read != NULL)
    rocksdb_readoptions_destroy(index->read);
  if (index->write != NULL)
    rocksdb_writeoptions_destroy(index->write);
  pthread_rwlock_destroy(&index->view);
  free(index->folder);
  free(index->scratch);
  free(index);
}

static void cleanup_close(struct index **index) { index_close(*index); }
#define CLEANUP_INDEX __attribute__((cleanup(cleanup_close)))

static struct index *take(struct index **index) {
  struct index *taken = *index;
  *index = NULL;
  return taken;
}

static cas_status create(const char *folder, const char *scratch, struct index **out, struct cas_error *error) {
  struct index *index = calloc(1, sizeof *index);
  if (index == NULL)
    return status_fail(error, CAS_NO_MEMORY, "index: out of memory");
  /* A refresh must not wait for ever behind readers that follow each other. */
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(&index->view, &attributes);
  pthread_rwlockattr_destroy(&attributes);
  index->folder = strdup(folder);
  index->scratch = scratch == NULL ? NULL : strdup(scratch);
  if (index->folder == NULL || (scratch != NULL && index->scratch == NULL)) {
    index_close(index);
    return status_fail(error, CAS_NO_MEMORY, "index: out of memory");
  }
  index->options = index_options_create(scratch != NULL);
  index->read = rocksdb_readoptions_create();
  rocksdb_readoptions_set_verify_checksums(index->read, 1);
  index->write = rocksdb_writeoptions_create();
  *out = index;
  return CAS_OK;
}

static cas_status open_db(const struct index *index, struct index_db **out, struct cas_error *error) {
  char *message = NULL;
  rocksdb_t *rocks = index->scratch == NULL
                         ? rocksdb_open(index->options, index->folder, &message)
                         : rocksdb_open_as_secondary(index->options, index->folder, index->scratch, &message);
  if (message != NULL)
    return index_db_fail(error, index, "cannot open", message);
  struct index_db *db = malloc(sizeof *db);
  if (db == NULL) {
    rocksdb_close(rocks);
    return status_fail(error, CAS_NO_MEMORY, "index: out of memory");
  }
  *db = (struct index_db){.rocks = rocks, .users = 1};
  *out = db;
  return CAS_OK;
}

/* CAS_NOT_FOUND where there is no version. */
static cas_status check_version(struct index *index, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer value = {0};
  struct index_key key;
  index_key_version(&key);
  STATUS_TRY(index_db_get(index_source_of(index), &key, &value, error));
  if (slice_equal(slice_of_buffer(&value), slice_of(INDEX_VERSION, strlen(INDEX_VERSION))))
    return CAS_OK;
  return status_fail(error, CAS_UNSUPPORTED, "index %s: made by version %.*s of the index, this is " INDEX_VERSION,
                     index->folder, (int)(value.size > 16 ? 16 : value.size), (const char *)value.data);
}

/* Invariant 1. */
static cas_status write_version(struct index *index, struct cas_error *error) {
  CLEANUP_CURSOR struct index_cursor cursor = {0};
  struct cas_slice rest, value;
  struct index_key key = {0};
  STATUS_TRY(index_cursor_open(index_source_of(index), slice_of("", 0), &cursor, error));
  index_cursor_seek(&cursor, &key);
  cas_status status = index_cursor_get(&cursor, &rest, &value, error);
  if (status == CAS_OK)
    return status_fail(error, CAS_CORRUPT, "index %s: has entries but no version", index->folder);
  if (status != CAS_END)
    return status;
  char *message = NULL;
  index_key_version(&key);
  rocksdb_put(index->db->rocks, index->write, (const char *)key.bytes, key.size, INDEX_VERSION, strlen(INDEX_VERSION),
              &message);
  return index_db_fail(error, index, "cannot write the version", message);
}

cas_status index_open(const char *folder, struct index **out, struct cas_error *error) {
  CLEANUP_INDEX struct index *index = NULL;
  STATUS_TRY(create(folder, NULL, &index, error));
  STATUS_TRY(open_db(index, &index->db, error));
  cas_status status = check_version(index, error);
  if (status == CAS_NOT_FOUND)
    status = write_version(index, error);
  if (status != CAS_OK)
    return status;
  *out = take(&index);
  return CAS_OK;
}

cas_status index_flush(struct index *index, struct cas_error *error) {
  char *message = NULL;
  rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
  rocksdb_flushoptions_set_wait(options, 1);
  rocksdb_flush(index->db->rocks, options, &message);
  rocksdb_flushoptions_destroy(options);
  return index_db_fail(error, index, "cannot flush", message);
}

/* --- following --- */

/* Which list of tables is in force, and how long it is: it grows with every table that the writer finishes. */
struct manifest_mark {
  char name[64];
  off_t size;
};

static bool read_manifest_mark(const struct index *index, struct manifest_mark *mark) {
  char path[4096];
  struct stat about;
  memset(mark, 0, sizeof *mark);
  if (snprintf(path, sizeof path, "%s/CURRENT", index->folder) >= (int)sizeof path)
    return false;
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return false;
  bool read = fgets(mark->name, sizeof mark->name, file) != NULL;
  fclose(file);
  mark->name[strcspn(mark->name, "\n")] = '\0';
  if (!read || snprintf(path, sizeof path, "%s/%s", index->folder, mark->name) >= (int)sizeof path)
    return false;
  if (stat(path, &about) != 0)
    return false;
  mark->size = about.st_size;
  return true;
}

/*
 * RocksDB reads the list of tables, then the logs of writes. A log that is turned into a table and deleted between
 * these two is in neither, while later logs are seen: a state that never was. The list grows before a log is deleted,
 * so a list that did not change meanwhile means that nothing was missed.
 */
static cas_status catch_up(struct index *index, struct cas_error *error) {
  cas_status status = CAS_OK;
  for (int attempt = 0; attempt < catch_up_attempts; attempt++) {
    struct manifest_mark before, after;
    char *message = NULL;
    bool marked = read_manifest_mark(index, &before);
    rocksdb_try_catch_up_with_primary(index->db->rocks, &message);
    status = index_db_fail(error, index, "cannot catch up", message);
    if (status != CAS_OK)
      continue;
    if (marked && read_manifest_mark(index, &after) && memcmp(&before, &after, sizeof before) == 0)
      return CAS_OK;
    status = status_fail(error, CAS_BUSY, "index %s: changes too fast to be followed", index->folder);
  }
  return status;
}

/* A file that is deleted between being listed and being opened is an error of RocksDB's, and gone in the next attempt.
 */
static cas_status open_anew(struct index *index, struct cas_error *error) {
  cas_status status = CAS_OK;
  for (int attempt = 0; attempt < catch_up_attempts; attempt++) {
    struct index_db *db;
    status = open_db(index, &db, error);
    if (status != CAS_OK)
      continue;
    index_db_release(index->db);
    index->db = db;
    return catch_up(index, error);
  }
  return status;
}

cas_status index_refresh(struct index *index, struct cas_error *error) {
  if (index->scratch == NULL)
    return CAS_OK;
  pthread_rwlock_wrlock(&index->view);
  cas_status status = catch_up(index, error);
  if (status != CAS_OK && status != CAS_BUSY)
    status = open_anew(index, error);
  pthread_rwlock_unlock(&index->view);
  return status;
}

cas_status index_open_follower(const char *folder, const char *scratch, struct index **out, struct cas_error *error) {
  CLEANUP_INDEX struct index *index = NULL;
  STATUS_TRY(create(folder, scratch, &index, error));
  struct manifest_mark mark;
  if (!read_manifest_mark(index, &mark))
    return status_fail(error, CAS_NOT_FOUND, "index %s: there is none", folder);
  STATUS_TRY(open_anew(index, error));
  cas_status status = check_version(index, error);
  if (status == CAS_NOT_FOUND)
    return status_fail(error, CAS_BUSY, "index %s: is being made", folder);
  if (status != CAS_OK)
    return status;
  *out = take(&index);
  return CAS_OK;
}
