/*
 * Making, opening and closing a store. A store is held for writing by a lock on its CASSETTE file, which the kernel
 * lets go whenever the process ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/limits.h"
#include "segment/segment_behind.h"
#include "segment/segment_generations.h"
#include "store/activity.h"
#include "store/budget.h"
#include "store/cold_place.h"
#include "store/committer.h"
#include "store/compact_segment.h"
#include "store/condition.h"
#include "store/dictionaries.h"
#include "store/ledger.h"
#include "store/moment_memo.h"
#include "store/paths.h"
#include "store/pending.h"
#include "store/pins.h"
#include "store/placement_memo.h"
#include "store/read_cache.h"
#include "store/relocation.h"
#include "store/terms.h"
#include "store/worker_pool.h"

/* Segments open for reading at once: readers of old studies come in bursts, descriptors are few. */
#define OPEN_SEGMENTS_MAX 128

/* Below this, one large blob on each of a few streams would already wait. */
#define IN_FLIGHT_BYTES_MIN (16u << 20)

void store_log(const struct cas_store *store, enum cas_log_level level, const char *format, ...) {
  char line[1024];
  va_list args;
  if (store->log == NULL) return;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  store->log(store->log_arg, level, line);
}

void store_hash_xxh3(struct cas_slice bytes, struct cas_hash *hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data, bytes.size));
  memcpy(hash->bytes, canonical.digest, sizeof hash->bytes);
}

/* --- making --- */

static cas_status make_contents(struct io_disk *disk, struct cas_error *error) {
  struct superblock superblock;
  CLEANUP_BUFFER struct cas_buffer text = {0};
  STATUS_TRY(superblock_make(&superblock, error));
  STATUS_TRY(superblock_format(&superblock, &text));
  STATUS_TRY(disk->ops->make_folder(disk, "segments", error));
  return disk->ops->replace(disk, SUPERBLOCK_NAME, slice_of_buffer(&text), error);
}

cas_status cas_store_init(const char *path, struct cas_error *error) {
  struct io_disk *disk;
  if (mkdir(path, 0750) != 0 && errno != EEXIST) return status_fail_errno(error, errno, "cannot make %s", path);
  STATUS_TRY(path_check_empty(path, error));
  STATUS_TRY(io_disk_open_plain(path, false, &disk, error));
  cas_status status = make_contents(disk, error);
  disk->ops->close(disk);
  if (status == CAS_OK) status = path_sync_parent(path, error);
  if (status != CAS_OK) return status;
  /* The first opening makes the index, without which nobody can follow the store. */
  struct cas_store_options writing = {.mode = CAS_OPEN_WRITE};
  struct cas_store *store;
  STATUS_TRY(cas_store_open(path, &writing, &store, error));
  cas_store_close(store);
  return CAS_OK;
}

/* --- opening --- */

static cas_status read_superblock(struct cas_store *store, struct cas_error *error) {
  uint8_t text[1024];
  CLEANUP_FREE char *path = path_join(store->path, SUPERBLOCK_NAME);
  if (path == NULL) return CAS_NO_MEMORY;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return status_fail(error, CAS_NOT_FOUND, "%s is no Cassette store", store->path);
  if (fd < 0) return status_fail_errno(error, errno, "cannot open %s", path);
  ssize_t size = read(fd, text, sizeof text);
  cas_status status = size < 0 ? status_fail_errno(error, errno, "cannot read %s", path)
                               : superblock_parse(slice_of(text, (size_t)size), &store->superblock, error);
  if (status == CAS_OK && store->mode == CAS_OPEN_WRITE && flock(fd, LOCK_EX | LOCK_NB) != 0)
    status = errno == EWOULDBLOCK ? status_fail(error, CAS_BUSY, "another process holds %s", store->path)
                                  : status_fail_errno(error, errno, "cannot lock %s", path);
  if (status == CAS_OK && store->mode == CAS_OPEN_WRITE)
    store->lock_fd = fd;
  else
    close(fd);
  return status;
}

static cas_status open_disk(struct cas_store *store, const struct cas_store_options *options,
                            const struct store_seams *seams, struct cas_error *error) {
  bool read_only = store->mode == CAS_OPEN_FOLLOW;
  if (seams != NULL && seams->disk != NULL) {
    store->disk = seams->disk;
    store->disk_is_borrowed = true;
  } else if (options->no_io_uring) {
    STATUS_TRY(io_disk_open_plain(store->path, read_only, &store->disk, error));
  } else {
    STATUS_TRY(io_disk_open(store->path, read_only, &store->disk, error));
  }
  CLEANUP_BUFFER struct cas_buffer marker = {0};
  STATUS_TRY(volume_open(store->disk, OPEN_SEGMENTS_MAX, &store->volume, error));
  STATUS_TRY(cold_marker_format(&store->superblock.key, &marker));
  return volume_use_cold(store->volume, slice_of_buffer(&marker));
}

static void remove_remains(struct cas_store *store, const char *folder) {
  CLEANUP_FREE char *path = path_join(store->path, folder);
  if (path == NULL || access(path, F_OK) != 0) return;
  const unsigned long long bytes = path_folder_bytes(path);
  path_remove_folder(path);
  if (access(path, F_OK) != 0)
    store_log(store, CAS_LOG_NOTICE, "%s, which a rebuild had left, is removed: %llu bytes", path, bytes);
  else
    store_log(store, CAS_LOG_WARNING, "%s, which a rebuild left, cannot be removed and takes %llu bytes", path,
              path_folder_bytes(path));
}

static cas_status open_index(struct cas_store *store, const char *folder, struct cas_error *error) {
  CLEANUP_FREE char *path = path_join(store->path, folder);
  if (path == NULL) return CAS_NO_MEMORY;
  if (store->mode == CAS_OPEN_WRITE) {
    if (store->fills_index) path_remove_folder(path);
    STATUS_TRY((store->fills_index ? index_open_to_fill : index_open)(path, &store->index, error));
    index_set_terms(store->index, terms_of);
    return CAS_OK;
  }
  STATUS_TRY(path_make_scratch(&store->scratch, error));
  return index_open_follower(path, store->scratch, &store->index, error);
}

/*
 * A follower does not replay, so it must not take an index of earlier for the present one, as RocksDB's list of tables
 * gives it when cut off behind an entry. What the log proves to be done with, the index had before the proof was
 * written (committer.c, invariant 3), also under a writer at work: where the log was read first.
 */
static cas_status check_index_is_present(struct cas_store *store, struct cas_error *error) {
  struct segment_mark mark;
  uint64_t proven;
  STATUS_TRY(mark_get(store->index, &mark, error));
  STATUS_TRY(segment_find_proven(store->volume, &store->superblock.key, &mark, &proven, error));
  if (proven == 0) return CAS_OK;
  STATUS_TRY(index_refresh(store->index, error));
  STATUS_TRY(mark_get(store->index, &mark, error));
  if (mark.group >= proven) return CAS_OK;
  return status_fail(error, CAS_CORRUPT,
                     "the index of %s ends at group %" PRIu64 ", and the log has group %" PRIu64
                     " and more: it lost what it had; start cassetted, or open the archive for writing once as any "
                     "import does, which reads them from the log, or let cassette rebuild make it anew",
                     store->path, mark.group, proven);
}

static cas_status open_for_all(struct cas_store *store, const struct cas_store_options *options,
                               const struct store_seams *seams, const char *index_folder, struct cas_error *error) {
  uint64_t cache_bytes = options->read_cache_bytes != 0 ? options->read_cache_bytes : READ_CACHE_BYTES_DEFAULT;
  STATUS_TRY(open_disk(store, options, seams, error));
  STATUS_TRY(codec_create(&store->codec));
  STATUS_TRY(read_cache_create(cache_bytes, &store->read_cache));
  STATUS_TRY(moment_memo_create(&store->moment_memo));
  if (store->mode == CAS_OPEN_WRITE) {
    STATUS_TRY(placement_memo_create(&store->placement_memo));
    /* An index that was put aside is worth nothing: the one in its place is newer, or the log is. */
    remove_remains(store, REBUILD_FOLDER_OLD);
    remove_remains(store, REBUILD_FOLDER_NEW);
  }
  return open_index(store, index_folder, error);
}

static cas_status open_for_writing(struct cas_store *store, const struct cas_store_options *options,
                                   struct cas_error *error) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  unsigned workers = options->workers != 0 ? options->workers : processors > 0 ? (unsigned)processors : 1;
  struct segment_writer_options writing = {.segment_bytes_target = options->segment_bytes};
  struct segment_writer *writer;
  struct segment_mark end;
  store->in_flight_bytes_max = options->in_flight_bytes != 0 ? options->in_flight_bytes : INGEST_BYTES_IN_FLIGHT_MAX;
  store->encode = options->encode;
  if (store->in_flight_bytes_max < IN_FLIGHT_BYTES_MIN) store->in_flight_bytes_max = IN_FLIGHT_BYTES_MIN;
  STATUS_TRY(segment_generations_check(store->volume, &store->superblock.key, error));
  STATUS_TRY(relocation_adopt(store, error));
  STATUS_TRY(store_replay(store, SEGMENT_SCAN_PAYLOADS, NULL, &end, error));
  STATUS_TRY(volume_clean(store->volume, store->cold_is_known, error));
  STATUS_TRY(budget_create(store->in_flight_bytes_max, &store->budget));
  STATUS_TRY(pins_create(&store->pins));
  store->unsettled = calloc(1, sizeof *store->unsettled);
  store->pressure = calloc(1, sizeof *store->pressure);
  store->activity = calloc(1, sizeof *store->activity);
  if (store->unsettled == NULL || store->pressure == NULL || store->activity == NULL) return CAS_NO_MEMORY;
  STATUS_TRY(pending_create(&store->pending));
  STATUS_TRY(condition_create(store, &store->condition));
  STATUS_TRY(dictionaries_create(store, &store->dictionaries));
  STATUS_TRY(worker_pool_create(workers, &store->workers, error));
  STATUS_TRY(segment_writer_open(store->volume, &store->superblock.key, &writing, end, &writer, error));
  cas_status status = committer_create(store, writer, &store->committer, error);
  if (status != CAS_OK) segment_writer_close(writer);
  return status;
}

static cas_status open_parts(struct cas_store *store, const struct cas_store_options *options,
                             const struct store_seams *seams, struct cas_error *error) {
  STATUS_TRY(read_superblock(store, error));
  STATUS_TRY(open_for_all(store, options, seams, "index", error));
  if (store->mode == CAS_OPEN_FOLLOW) return check_index_is_present(store, error);
  STATUS_TRY(open_for_writing(store, options, error));
  store_log(store, CAS_LOG_NOTICE, "store %s is open: %s", store->path, store->disk->ops->describe(store->disk));
  return CAS_OK;
}

static const struct cas_store_options default_options = {0};

static struct cas_store *make_handle(const char *path, const struct cas_store_options *options) {
  struct cas_store *store = calloc(1, sizeof *store);
  if (store == NULL) return NULL;
  store->mode = options->mode;
  store->log = options->log;
  store->log_arg = options->log_arg;
  store->lock_fd = -1;
  pthread_mutex_init(&store->compacting, NULL);
  store->hash = store_hash_xxh3;
  store->moment = STORE_MOMENT_NOW;
  store->states = STORE_STATES_ORDINARY | options->shown_states;
  store->ignored_reasons = options->ignored_reasons;
  store->path = strdup(path);
  if (store->path != NULL) return store;
  free(store);
  return NULL;
}

cas_status store_open(const char *path, const struct cas_store_options *options, const struct store_seams *seams,
                      struct cas_store **store, struct cas_error *error) {
  if (options == NULL) options = &default_options;
  struct cas_store *opened = make_handle(path, options);
  if (opened == NULL) return CAS_NO_MEMORY;
  if (seams != NULL && seams->hash != NULL) opened->hash = seams->hash;
  cas_status status = open_parts(opened, options, seams, error);
  if (status != CAS_OK) {
    cas_store_close(opened);
    return status;
  }
  *store = opened;
  return CAS_OK;
}

cas_status store_open_for_rebuild(const char *path, const struct cas_store_options *options, const char *index_folder,
                                  struct cas_store **store, struct cas_error *error) {
  CLEANUP_FREE char *remains = path_join(path, index_folder);
  if (options == NULL) options = &default_options;
  struct cas_store *opened = make_handle(path, options);
  if (opened == NULL || remains == NULL) return CAS_NO_MEMORY;
  opened->mode = CAS_OPEN_WRITE;
  opened->fills_index = true;
  cas_status status = read_superblock(opened, error);
  if (status == CAS_OK) {
    status = open_for_all(opened, options, NULL, index_folder, error);
    if (status == CAS_OK) status = segment_generations_check(opened->volume, &opened->superblock.key, error);
    if (status != CAS_OK) path_remove_folder(remains);
  }
  if (status != CAS_OK) {
    cas_store_close(opened);
    return status;
  }
  *store = opened;
  return CAS_OK;
}

cas_status store_restart_index(struct cas_store *store, const char *index_folder, struct cas_error *error) {
  store_close_index(store);
  return open_index(store, index_folder, error);
}

void store_close_index(struct cas_store *store) {
  if (store->index != NULL) index_close(store->index);
  store->index = NULL;
}

cas_status cas_store_open(const char *path, const struct cas_store_options *options, struct cas_store **store,
                          struct cas_error *error) {
  return store_open(path, options, NULL, store, error);
}

/* Segments were written anew, or moved: files that are open here may be gone there, and dropped blobs have no name any
 * more. */
static cas_status leave_old_files(struct cas_store *store, struct cas_error *error) {
  uint64_t reclaimed, moved;
  STATUS_TRY(ledger_get_reclaimed(store->index, NULL, &reclaimed, error));
  STATUS_TRY(ledger_get_moved(store->index, NULL, &moved, error));
  if (reclaimed == store->reclaimed_seen && moved == store->moved_seen) return CAS_OK;
  volume_close_unused(store->volume);
  if (reclaimed != store->reclaimed_seen) read_cache_forget_all(store->read_cache);
  store->reclaimed_seen = reclaimed;
  store->moved_seen = moved;
  return CAS_OK;
}

cas_status cas_store_refresh(struct cas_store *store, struct cas_error *error) {
  STATUS_TRY(index_refresh(store->index, error));
  return store->mode == CAS_OPEN_FOLLOW && store->whole == NULL ? leave_old_files(store, error) : CAS_OK;
}

void cas_store_close(struct cas_store *store) {
  if (store == NULL) return;
  worker_pool_destroy(store->workers);
  committer_destroy(store->committer);
  condition_destroy(store->condition);
  dictionaries_destroy(store->dictionaries);
  placement_memo_destroy(store->placement_memo);
  pending_destroy(store->pending);
  pins_destroy(store->pins);
  free(store->unsettled);
  free(store->pressure);
  free(store->activity);
  budget_destroy(store->budget);
  if (store->index != NULL && store->mode == CAS_OPEN_WRITE && index_flush(store->index, NULL) != CAS_OK)
    store_log(store, CAS_LOG_WARNING, "the index could not be written out; the next start replays the log");
  if (store->index != NULL) index_close(store->index);
  read_cache_destroy(store->read_cache);
  moment_memo_destroy(store->moment_memo);
  codec_destroy(store->codec);
  if (store->volume != NULL) volume_close(store->volume);
  if (store->disk != NULL && !store->disk_is_borrowed) store->disk->ops->close(store->disk);
  if (store->scratch != NULL) path_remove_folder(store->scratch);
  if (store->lock_fd >= 0) close(store->lock_fd);
  pthread_mutex_destroy(&store->compacting);
  free(store->scratch);
  free(store->path);
  free(store);
}
