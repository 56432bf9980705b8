/*
 * The watcher: a thread that looks for what has changed in a store while the kernel answers from what it keeps, and
 * tells the kernel what to forget. Where it runs, the kernel may keep names and attributes for a long time.
 *
 * Threads: start and stop once each.
 */
#ifndef FUSE_WATCHER_H
#define FUSE_WATCHER_H

#include <fuse_lowlevel.h>

#include "fuse/adapter.h"

struct watcher;

/* Both are borrowed until watcher_stop. Looks twice in `interval_ms`, for as long as the kernel knows something. */
CAS_MUST_USE cas_status watcher_start(struct adapter *adapter, struct fuse_session *session, uint32_t interval_ms,
                                      struct watcher **watcher);

/* Ends and frees it; to be called while somebody still answers the kernel. NULL is allowed. */
void watcher_stop(struct watcher *watcher);

#endif
