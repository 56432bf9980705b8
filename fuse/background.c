/*
 * Owns the watcher.
 */
#include "fuse/background.h"

static void store_ahead(void *arg, uint64_t inode, uint8_t *bytes, size_t size) {
  struct fuse_bufvec vector = FUSE_BUFVEC_INIT(size);
  vector.buf[0].mem = bytes;
  /* An inode that the kernel has forgotten, or the end of the mount: nobody wants the bytes. */
  (void)fuse_lowlevel_notify_store(arg, inode, 0, &vector, 0);
}

cas_status background_start(struct background *background, struct adapter *adapter, struct fuse_session *session,
                            const struct background_options *options) {
  struct ahead_options ahead = {.tree = &adapter->tree,
                                .inodes = adapter->inodes,
                                .readers = adapter->readers,
                                .buffers = &adapter->buffers,
                                .store = store_ahead,
                                .arg = session};
  background->prune = (struct prune){.session = session, .by_name = options->no_prune};
  struct trimmer_options trimmer = {
      .inodes = adapter->inodes, .known_max = options->known_max, .tell = prune_tell, .arg = &background->prune};
  cas_status status = ahead_start(&ahead, &adapter->ahead);
  if (status == CAS_OK) status = trimmer_start(&trimmer, &adapter->trimmer);
  if (status == CAS_OK && !adapter->fixed)
    status = watcher_start(adapter, session, options->refresh_ms, &background->watcher);
  return status;
}

void background_stop(struct background *background, struct adapter *adapter) {
  watcher_stop(background->watcher);
  background->watcher = NULL;
  trimmer_stop(adapter->trimmer);
  ahead_stop(adapter->ahead);
}
