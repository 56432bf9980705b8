/*
 * Owns following another process's index.
 *
 *  1. What readers see is a moment of the writer's index: all batches up to one, whole.
 *  2. A refresh that answers CAS_OK shows every batch that was applied before it was called.
 *
 * RocksDB's own way to catch up keeps neither. It reads the list of tables, then the logs of writes: a log that became
 * a table and was deleted between the two is in neither, while later logs are seen. And what it learns from the list
 * alone, after the log is gone, stays hidden until something is written to a newer log (seen with 7.8.3). So it is used
 * only while the list stays as it was when the database was opened; where the list changed, which takes the writer 16
 * MiB of writes or a restart, the database is opened anew. The list grows before a log is deleted, so a list that is
 * the same before and after means that nothing was missed between.
 *
 *   whole --refresh, list the same--> whole
 *   whole --refresh, list changed--> (another database) whole
 *   whole --refresh, list changed meanwhile and no database can be opened--> no view --refresh--> whole
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/status.h"
#include "index/index_open.h"
#include "index/index_reached.h"
#include "index/index_tables.h"

/* How often a follower tries to open while the writer makes and deletes files under it. */
static const int open_attempts = 16;

static cas_status cannot_read(const struct index *index, const char *name, int failure, struct cas_error *error) {
  if (failure == ENOENT || failure == ESTALE)
    return status_fail(error, CAS_NOT_FOUND, "index %s: there is none; a rebuild makes it", index->folder);
  return status_fail_errno(error, failure, "index %s: cannot read %s", index->folder, name);
}

/* The first line of CURRENT, and when it was made. */
static cas_status read_current(const struct index *index, struct index_manifest *manifest, struct cas_error *error) {
  char path[4096];
  struct stat about;
  if (snprintf(path, sizeof path, "%s/CURRENT", index->folder) >= (int)sizeof path)
    return cannot_read(index, "CURRENT", ENAMETOOLONG, error);
  FILE *file = fopen(path, "re");
  if (file == NULL) return cannot_read(index, "CURRENT", errno, error);
  errno = ENOENT; /* an empty one names nothing */
  bool read = fread(manifest->name, 1, sizeof manifest->name - 1, file) > 0 && fstat(fileno(file), &about) == 0;
  int failure = errno;
  fclose(file);
  if (!read) return cannot_read(index, "CURRENT", failure, error);
  manifest->made = about.st_mtim;
  manifest->name[strcspn(manifest->name, "\n")] = '\0';
  return CAS_OK;
}

/* CURRENT names the list in force; it is renamed into place and never written again. CAS_NOT_FOUND: there is none. */
static cas_status read_manifest(const struct index *index, struct index_manifest *manifest, struct cas_error *error) {
  char path[4096];
  struct stat about;
  memset(manifest, 0, sizeof *manifest);
  STATUS_TRY(read_current(index, manifest, error));
  if (snprintf(path, sizeof path, "%s/%s", index->folder, manifest->name) >= (int)sizeof path)
    return cannot_read(index, manifest->name, ENAMETOOLONG, error);
  if (stat(path, &about) != 0) return cannot_read(index, manifest->name, errno, error);
  manifest->size = (uint64_t)about.st_size;
  return CAS_OK;
}

/* CAS_BUSY: another one is in force by now, or none. */
static cas_status check_manifest(const struct index *index, const struct index_manifest *expected,
                                 struct cas_error *error) {
  struct index_manifest now;
  cas_status status = read_manifest(index, &now, error);
  if (status != CAS_OK && status != CAS_NOT_FOUND) return status;
  if (status == CAS_OK && now.size == expected->size && strcmp(now.name, expected->name) == 0 &&
      now.made.tv_sec == expected->made.tv_sec && now.made.tv_nsec == expected->made.tv_nsec)
    return CAS_OK;
  return status_fail(error, CAS_BUSY, "index %s: changes too fast to be followed", index->folder);
}

static bool manifest_is(const struct index *index, const struct index_manifest *expected) {
  return check_manifest(index, expected, NULL) == CAS_OK;
}

/* A follower's RocksDB passes silently over a table that is missing or damaged, and shows less. Opened for reading only
 * it says so instead. `reached` was read before. */
static cas_status check_whole(const struct index *index, uint64_t reached, struct cas_error *error) {
  char *message = NULL;
  STATUS_TRY(index_tables_check(index->folder, error));
  rocksdb_t *rocks = rocksdb_open_for_read_only(index->options, index->folder, 0, &message);
  if (message != NULL) return index_db_fail(error, index, "cannot open", message);
  const uint64_t sequence = rocksdb_get_latest_sequence_number(rocks);
  rocksdb_close(rocks);
  if (sequence >= reached) return CAS_OK;
  return index_db_corrupt(error, index, "the list of its tables, which is cut off,");
}

/* Opens a database that misses nothing. A file that is deleted between being listed and being opened is an error of
 * RocksDB's, and no longer listed in the next attempt. */
static cas_status open_whole(const struct index *index, struct index_db **out, struct index_manifest *manifest,
                             struct cas_error *error) {
  cas_status status = CAS_OK;
  for (int attempt = 0; attempt < open_attempts; attempt++) {
    struct index_db *db;
    status = read_manifest(index, manifest, error);
    if (status == CAS_OK) status = check_whole(index, index_reached_read(index->folder), error);
    if (status == CAS_OK) status = index_db_open(index, &db, error);
    if (status != CAS_OK) continue;
    status = check_manifest(index, manifest, error);
    if (status == CAS_OK) {
      *out = db;
      return CAS_OK;
    }
    index_db_release(db);
  }
  return status;
}

/* The list is as it was: only the logs grew. False if that stopped being so meanwhile, or the logs cannot be read. */
static bool catch_up(struct index *index) {
  char *message = NULL;
  rocksdb_try_catch_up_with_primary(index->db->rocks, &message);
  bool failed = message != NULL;
  rocksdb_free(message);
  return !failed && manifest_is(index, &index->manifest);
}

/* Puts a database that misses nothing in place of the one before, or NULL; the caller has the view. */
static void replace(struct index *index, struct index_db *db, const struct index_manifest *manifest) {
  index_db_release(index->db);
  index->db = db;
  index->manifest = *manifest;
}

/* With the view taken, since what a failed catching up leaves must not be read. */
static cas_status refresh_in_place(struct index *index, struct cas_error *error) {
  struct index_manifest manifest;
  struct index_db *db = NULL;
  if (catch_up(index)) return CAS_OK;
  cas_status status = open_whole(index, &db, &manifest, error);
  replace(index, db, &manifest);
  return status;
}

static cas_status refresh(struct index *index, struct cas_error *error) {
  struct index_manifest manifest;
  struct index_db *db;
  if (index->db != NULL && manifest_is(index, &index->manifest)) {
    pthread_rwlock_wrlock(&index->view);
    cas_status status = refresh_in_place(index, error);
    pthread_rwlock_unlock(&index->view);
    return status;
  }
  STATUS_TRY(open_whole(index, &db, &manifest, error));
  pthread_rwlock_wrlock(&index->view);
  replace(index, db, &manifest);
  pthread_rwlock_unlock(&index->view);
  return CAS_OK;
}

cas_status index_refresh(struct index *index, struct cas_error *error) {
  if (index->scratch == NULL) return CAS_OK;
  pthread_mutex_lock(&index->refreshing);
  cas_status status = refresh(index, error);
  pthread_mutex_unlock(&index->refreshing);
  return status;
}

cas_status index_open_follower(const char *folder, const char *scratch, struct index **out, struct cas_error *error) {
  CLEANUP_INDEX struct index *index = NULL;
  STATUS_TRY(index_create(folder, scratch, INDEX_FOLLOWER, &index, error));
  cas_status status = index_refresh(index, error);
  if (status == CAS_CORRUPT)
    return status_fail(
        error, status,
        "index %s: cannot be followed: after a power loss the archive must be opened for writing once, as "
        "cassetted does; if that fails too it is damaged, and a rebuild mends it",
        folder);
  STATUS_TRY(status);
  status = index_check_version(index, error);
  if (status == CAS_NOT_FOUND) return status_fail(error, CAS_BUSY, "index %s: is being made", folder);
  if (status != CAS_OK) return status;
  *out = index;
  index = NULL;
  return CAS_OK;
}
