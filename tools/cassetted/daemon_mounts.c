/* Owns the mounts, and the snapshots that they show. */
#include "daemon_mounts.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "cassette/snapshot.h"
#include "config_mounts.h"

struct entry {
  const char *folder;
  struct cas_mount *mount; /* NULL after it was unmounted from outside; changes under the lock */
  struct cas_store *view;  /* NULL: the store */
};

struct daemon_mounts {
  struct cas_store *store;
  struct daemon_log *log;
  struct audit *audit;
  pthread_mutex_t lock; /* for who asks how the mounts stand while one of them goes */
  size_t count;
  struct entry entries[];
};

static void tell_audit(const struct daemon_mounts *mounts, enum audit_kind kind, const struct entry *entry) {
  char description[300];
  snprintf(description, sizeof description, "mount at %.250s", entry->folder);
  audit_post(mounts->audit, &(struct audit_event){.kind = kind, .description = description});
}

static cas_status start_one(struct daemon_mounts *mounts, const struct config_mount *configured, struct entry *entry,
                            struct cas_error *error) {
  struct cas_mount_options options = configured->settings.mount;
  entry->folder = configured->folder;
  cas_status status = CAS_OK;
  if (configured->settings.snapshot[0] != '\0')
    status = cas_snapshot_open(mounts->store, configured->settings.snapshot, &entry->view, error);
  if (status != CAS_OK) return status;
  mount_options_own(&configured->settings, &options);
  options.fixed = entry->view != NULL;
  options.log = daemon_log_write;
  options.log_arg = mounts->log;
  status = cas_mount_start(entry->view != NULL ? entry->view : mounts->store, &options, &entry->mount, error);
  if (status == CAS_OK) tell_audit(mounts, AUDIT_MOUNTED, entry);
  return status;
}

cas_status daemon_mounts_start(const struct config *config, const struct daemon_changes *serving,
                               struct daemon_mounts **out, struct cas_error *error) {
  if (config->mount_count == 0) return CAS_OK;
  struct daemon_mounts *mounts = calloc(1, sizeof *mounts + config->mount_count * sizeof mounts->entries[0]);
  if (mounts == NULL) return CAS_NO_MEMORY;
  mounts->store = serving->store;
  mounts->log = serving->log;
  mounts->audit = serving->audit;
  pthread_mutex_init(&mounts->lock, NULL);
  *out = mounts;
  cas_status status = CAS_OK;
  while (status == CAS_OK && mounts->count < config->mount_count) {
    const size_t index = mounts->count++;
    status = start_one(mounts, &config->mounts[index], &mounts->entries[index], error);
  }
  return status;
}

bool daemon_mounts_any(const struct daemon_mounts *mounts) {
  for (size_t i = 0; mounts != NULL && i < mounts->count; i++)
    if (mounts->entries[i].mount != NULL) return true;
  return false;
}

static void let_go(struct daemon_mounts *mounts, struct entry *entry) {
  pthread_mutex_lock(&mounts->lock);
  struct cas_mount *mount = entry->mount;
  entry->mount = NULL;
  pthread_mutex_unlock(&mounts->lock);
  cas_mount_stop(mount);
  if (mount != NULL) tell_audit(mounts, AUDIT_UNMOUNTED, entry);
  cas_snapshot_close(entry->view);
  entry->view = NULL;
}

void daemon_mounts_check(struct daemon_mounts *mounts) {
  for (size_t i = 0; mounts != NULL && i < mounts->count; i++) {
    struct entry *entry = &mounts->entries[i];
    struct cas_error error = {0};
    if (entry->mount == NULL) continue;
    const cas_status status = cas_mount_wait_for(entry->mount, 0, &error);
    if (status == CAS_BUSY) continue;
    daemon_log_printf(mounts->log, CAS_LOG_WARNING, "the mount at %s ended: %s", entry->folder,
                      status == CAS_OK ? "unmounted from outside" : error.message);
    let_go(mounts, entry);
  }
}

void daemon_mounts_each(struct daemon_mounts *mounts,
                        void (*each)(void *arg, const char *folder, const struct cas_mount *mount), void *arg) {
  if (mounts == NULL) return;
  pthread_mutex_lock(&mounts->lock);
  for (size_t i = 0; i < mounts->count; i++)
    if (mounts->entries[i].mount != NULL) each(arg, mounts->entries[i].folder, mounts->entries[i].mount);
  pthread_mutex_unlock(&mounts->lock);
}

static void add_count(void *arg, const char *kind, uint64_t count) {
  json_object_set_new(arg, kind, json_integer((json_int_t)count));
}

struct mounts_json {
  json_t *folders, *requests;
};

static void add_mount(void *arg, const char *folder, const struct cas_mount *mount) {
  const struct mounts_json *json = arg;
  json_t *counts = json_object();
  cas_mount_requests(mount, add_count, counts);
  json_array_append_new(json->folders, json_string(folder));
  json_object_set_new(json->requests, folder, counts);
}

void daemon_mounts_state(struct daemon_mounts *mounts, json_t *state) {
  if (mounts == NULL) return;
  json_t *folders = json_array(), *requests = json_object();
  struct mounts_json json = {.folders = folders, .requests = requests};
  daemon_mounts_each(mounts, add_mount, &json);
  json_object_set_new(state, "mounts", folders);
  json_object_set_new(state, "mount_requests", requests);
}

void daemon_mounts_stop(struct daemon_mounts *mounts) {
  if (mounts == NULL) return;
  for (size_t i = 0; i < mounts->count; i++) let_go(mounts, &mounts->entries[i]);
  pthread_mutex_destroy(&mounts->lock);
  free(mounts);
}
