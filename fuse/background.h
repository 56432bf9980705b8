/*
 * The threads of a mount beside those that answer requests: decoding ahead, watching for what has changed, and having
 * the kernel forget.
 *
 * Threads: start and stop once each.
 */
#ifndef FUSE_BACKGROUND_H
#define FUSE_BACKGROUND_H

#include "fuse/adapter.h"
#include "fuse/prune.h"
#include "fuse/watcher.h"

struct background {
  struct prune prune;
  struct watcher *watcher; /* NULL where nothing ever changes */
};

struct background_options {
  uint32_t refresh_ms;
  size_t known_max; /* as of trimmer.h */
  bool no_prune;    /* as of prune.h: by name */
};

/* Sets the adapter's `ahead` and `trimmer` too. All are borrowed until background_stop(), which is also to be called
 * after a failure. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status background_start(struct background *background, struct adapter *adapter,
                                         struct fuse_session *session, const struct background_options *options);

/* Ends the threads; to be called while somebody still answers the kernel. Those who answer may still use `ahead` and
 * `trimmer`, which the adapter's owner destroys. */
void background_stop(struct background *background, struct adapter *adapter);

#endif
