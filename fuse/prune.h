/*
 * How the kernel is asked to forget inodes that nobody uses.
 *
 * Since Linux 6.18 it takes their numbers and passes over what is in use. An older one is told that a name is no longer
 * known: then also a file that is in use loses its name, which does it no harm but that the kernel calls it "(deleted)"
 * in /proc; of folders, on which something may be mounted or a program may stand, it is told nothing.
 *
 * Threads: one at a time. Source: the kernel's include/uapi/linux/fuse.h, FUSE_NOTIFY_PRUNE.
 */
#ifndef FUSE_PRUNE_H
#define FUSE_PRUNE_H

#include <fuse_lowlevel.h>

#include "fuse/inode_table.h"

struct prune {
  struct fuse_session *session; /* borrowed */
  bool by_name;                 /* as an older kernel needs it; found out by itself */
};

/* `arg` is a struct prune. Not from a thread that answers requests: by name it waits until the folders are not being
 * listed; true where it does not. */
bool prune_tell(void *arg, const struct inode_taken *taken, size_t count);

#endif
