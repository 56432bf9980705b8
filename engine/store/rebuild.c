/*
 * Making the index anew from the segments alone (P3): the log is replayed from its beginning into a new folder, which
 * then takes the old one's place. Several threads read segments and prepare what is in them; one applies it in the
 * order of the log, so that names and versions come out as they were.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/healed.h"
#include "store/paths.h"
#include "store/replay_damage.h"
#include "store/replay_prepare.h"

/* The old index is in the way of nothing until the new one is whole. */
static cas_status replace_index(const char *fresh, const char *index, const char *old, struct cas_error *error) {
  if (rename(index, old) != 0 && errno != ENOENT)
    return status_fail_errno(error, errno, "cannot put the old index aside");
  if (rename(fresh, index) != 0) {
    cas_status status = status_fail_errno(error, errno, "cannot put the new index in place");
    (void)rename(old, index);
    return status;
  }
  return path_sync_parent(index, error);
}

/* It may be that there was none. */
static void remove_old(struct cas_store *store, const char *old) {
  path_remove_folder(old);
  if (access(old, F_OK) != 0) return;
  store_log(store, CAS_LOG_WARNING,
            "%s, the former index, cannot be removed and takes %llu bytes: whatever opens the store for writing tries "
            "again",
            old, path_folder_bytes(old));
}

/* Two read while one applies, also on a small machine: they wait for the disk. */
static unsigned readers_for(const struct cas_store_options *options) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  unsigned readers = options != NULL && options->workers != 0 ? options->workers
                     : processors > 2                         ? (unsigned)processors
                                                              : 2;
  return readers < REPLAY_READERS_MAX ? readers : REPLAY_READERS_MAX;
}

/* One pass over the log, and another where headers were missed that are good further on: it has them from the
 * beginning. What is damaged is said of the last, all else of the first. */
static cas_status replay_passes(struct cas_store *store, const struct replay_options *options, struct segment_mark *end,
                                struct cas_error *error) {
  cas_log_fn log = store->log;
  for (bool more = true; more;) {
    cas_status status = store_replay(store, SEGMENT_SCAN_UNREADABLE, options, end, error);
    store->log = log;
    STATUS_TRY(status);
    STATUS_TRY(healed_find(options->healed, &more, error));
    if (!more) break;
    replay_damage_fini(options->damage);
    store_log(store, CAS_LOG_NOTICE, "%zu damaged headers were healed: the log is replayed once more with them",
              healed_count(options->healed));
    STATUS_TRY(store_restart_index(store, REBUILD_FOLDER_NEW, error));
    store->log = NULL;
  }
  return CAS_OK;
}

/* What the old index had, where it can be read. */
static struct segment_mark old_mark(const char *index) {
  struct segment_mark mark = {0};
  struct index *old;
  char *scratch = NULL;
  if (path_make_scratch(&scratch, NULL) != CAS_OK) return mark;
  if (index_open_follower(index, scratch, &old, NULL) == CAS_OK) {
    if (mark_get(old, &mark, NULL) != CAS_OK) mark = (struct segment_mark){0};
    index_close(old);
  }
  path_remove_folder(scratch);
  free(scratch);
  return mark;
}

/* What the old index had is in the log, or was lost: no other trace is left of the last segments. */
static void compare_with_old(struct cas_store *store, const struct segment_mark *old, const struct segment_mark *end) {
  if (old->group <= end->group) return;
  store_log(store, CAS_LOG_ERROR,
            "the log ends in segment %" PRIu32 " at %" PRIu64 " with group %" PRIu64
            ", and the old index went to segment "
            "%" PRIu32 " at %" PRIu64 " with group %" PRIu64 ": what came last is lost",
            end->segment, end->offset, end->group, old->segment, old->offset, old->group);
}

/* Without the segments there, what is in them would be in no list. */
static cas_status check_cold(const struct cas_store *store, struct cas_error *error) {
  struct cas_error reason = {0};
  enum volume_cold cold = volume_cold_state(store->volume, &reason);
  if (cold == VOLUME_COLD_UNKNOWN) return status_fail(error, reason.status, "%s", reason.message);
  if (cold != VOLUME_COLD_AWAY) return CAS_OK;
  return status_fail(error, CAS_AWAY, "%s: without what is in it, the index would not be whole", reason.message);
}

static cas_status replay_all(struct cas_store *store, unsigned readers, cas_progress_fn progress, void *arg,
                             struct segment_mark *end, struct cas_error *error) {
  struct replay_preparer *preparer;
  struct replay_damage damage = {0};
  struct replay_options options = {.damage = &damage, .progress = progress, .progress_arg = arg};
  STATUS_TRY(healed_create(store, &options.healed));
  cas_status status = replay_preparer_create(store, readers, &preparer);
  if (status == CAS_OK) {
    struct segment_ahead ahead = replay_preparer_ahead(preparer);
    options.ahead = &ahead;
    status = replay_passes(store, &options, end, error);
    replay_preparer_destroy(preparer);
  }
  replay_damage_tell(&damage, store);
  replay_damage_fini(&damage);
  healed_destroy(options.healed);
  return status;
}

cas_status cas_store_rebuild(const char *path, const struct cas_store_options *options, cas_progress_fn progress,
                             void *arg, struct cas_error *error) {
  CLEANUP_FREE char *index = path_join(path, "index");
  CLEANUP_FREE char *fresh = path_join(path, REBUILD_FOLDER_NEW);
  CLEANUP_FREE char *old = path_join(path, REBUILD_FOLDER_OLD);
  if (index == NULL || fresh == NULL || old == NULL) return CAS_NO_MEMORY;
  struct cas_store *store;
  struct segment_mark end, before = old_mark(index);
  STATUS_TRY(store_open_for_rebuild(path, options, REBUILD_FOLDER_NEW, &store, error));
  cas_status status = check_cold(store, error);
  if (status == CAS_OK) status = replay_all(store, readers_for(options), progress, arg, &end, error);
  if (status == CAS_OK) compare_with_old(store, &before, &end);
  if (status == CAS_OK) status = index_flush(store->index, error);
  store_close_index(store);
  if (status == CAS_OK) status = replace_index(fresh, index, old, error);
  if (status == CAS_OK)
    remove_old(store, old);
  else
    path_remove_folder(fresh); /* a full disk needs the room */
  cas_store_close(store);
  return status;
}
