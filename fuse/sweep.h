/*
 * Sweeping: what the kernel keeps of a tree that moves is looked at again, from the root down, but only below folders
 * that have changed: a folder shows by its time or its number of instances that something below it came, went or came
 * back.
 *
 * Threads: one at a time for a table; beside it all others may use the table.
 */
#ifndef FUSE_SWEEP_H
#define FUSE_SWEEP_H

#include "fuse/inode_table.h"

struct sweep {
  const struct tree *tree;
  struct inode_table *inodes;
  /* The attributes of a folder are no longer those that the kernel may have. */
  void (*changed)(void *arg, uint64_t folder);
  /* Nothing has this name any more. Neither may be called with a lock held; both may wait for answers to requests. */
  void (*gone)(void *arg, uint64_t folder, const char *name);
  void *arg;
};

/* Tells whether the root has changed since `*stamp`, which it sets; 0 at first. Quick. */
CAS_MUST_USE cas_status sweep_look(const struct sweep *sweep, uint64_t *stamp, bool *changed, struct cas_error *error);

/* Goes through what the kernel knows. A fault leaves the rest to the next sweep. */
CAS_MUST_USE cas_status sweep_run(const struct sweep *sweep, struct cas_error *error);

#endif
