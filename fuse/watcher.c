/*
 * Owns the thread.
 *
 * Invariants
 *  1. adapter->epoch grows before a sweep looks at the first name. So an answer that was found out in the epoch in
 * which its inode came into the table is looked at by each later sweep, and may be kept; others are kept for a second.
 */
#include "fuse/watcher.h"

#include <stdlib.h>
#include <string.h>

#include "fuse/sweep.h"
#include "fuse/threads.h"

/* Between two sweeps at least so many times as long as the last one took. */
#define REST_FACTOR 4

struct watcher {
  struct adapter *adapter;
  struct fuse_session *session;
  uint32_t interval_ms;
  pthread_t thread;
  uint64_t stamp; /* of the root at the last sweep; the thread's own */

  pthread_mutex_t lock; /* guards all below; innermost */
  pthread_cond_t changed;
  bool stopping;
};

static void tell_changed(void *arg, uint64_t folder) {
  /* The kernel may have forgotten it. */
  (void)fuse_lowlevel_notify_inval_inode(arg, folder, -1, 0);
}

static void tell_gone(void *arg, uint64_t folder, const char *name) {
  (void)fuse_lowlevel_notify_inval_entry(arg, folder, name, strlen(name));
}

static void look(struct watcher *watcher) {
  struct adapter *adapter = watcher->adapter;
  struct cas_error error = {.status = CAS_OK};
  struct sweep sweep = {.tree = &adapter->tree,
                        .inodes = adapter->inodes,
                        .changed = tell_changed,
                        .gone = tell_gone,
                        .arg = watcher->session};
  bool changed = false;
  if (inode_table_count(adapter->inodes) == 0) return;
  adapter_refresh(adapter);
  uint64_t before = watcher->stamp;
  cas_status status = sweep_look(&sweep, &watcher->stamp, &changed, &error);
  if (status == CAS_OK && changed) {
    atomic_fetch_add(&adapter->epoch, 1);
    status = sweep_run(&sweep, &error);
  }
  if (status == CAS_OK) return;
  watcher->stamp = before;
  if (status != CAS_BUSY) adapter_report(adapter, "what has changed cannot be found out", status, &error);
}

/* False: the end. */
static bool rest(struct watcher *watcher, int64_t ns) {
  int64_t end = threads_now_ns() + ns;
  bool in_time = true;
  pthread_mutex_lock(&watcher->lock);
  while (!watcher->stopping && in_time) in_time = threads_wait(&watcher->changed, &watcher->lock, end);
  bool stopping = watcher->stopping;
  pthread_mutex_unlock(&watcher->lock);
  return !stopping;
}

static void *watch(void *arg) {
  struct watcher *watcher = arg;
  int64_t pause = watcher->interval_ms * NS_PER_MS / 2, wait = pause;
  while (rest(watcher, wait)) {
    int64_t start = threads_now_ns();
    look(watcher);
    int64_t took = threads_now_ns() - start;
    wait = took * REST_FACTOR > pause ? took * REST_FACTOR : pause;
  }
  return NULL;
}

cas_status watcher_start(struct adapter *adapter, struct fuse_session *session, uint32_t interval_ms,
                         struct watcher **out) {
  struct watcher *watcher = calloc(1, sizeof *watcher);
  if (watcher == NULL) return CAS_NO_MEMORY;
  watcher->adapter = adapter;
  watcher->session = session;
  watcher->interval_ms = interval_ms;
  /* Before anything is answered: so the first sweep can wait for the first change. Where it fails, it does not. */
  struct sweep sweep = {.tree = &adapter->tree};
  struct cas_error error = {.status = CAS_OK};
  bool changed;
  (void)!sweep_look(&sweep, &watcher->stamp, &changed, &error);
  pthread_mutex_init(&watcher->lock, NULL);
  threads_condition_init(&watcher->changed);
  if (threads_start(&watcher->thread, watch, watcher) != 0) {
    pthread_cond_destroy(&watcher->changed);
    pthread_mutex_destroy(&watcher->lock);
    free(watcher);
    return CAS_NO_MEMORY;
  }
  *out = watcher;
  return CAS_OK;
}

void watcher_stop(struct watcher *watcher) {
  if (watcher == NULL) return;
  pthread_mutex_lock(&watcher->lock);
  watcher->stopping = true;
  pthread_cond_broadcast(&watcher->changed);
  pthread_mutex_unlock(&watcher->lock);
  pthread_join(watcher->thread, NULL);
  pthread_cond_destroy(&watcher->changed);
  pthread_mutex_destroy(&watcher->lock);
  free(watcher);
}
