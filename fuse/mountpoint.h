/*
 * The folder that is mounted on: what the kernel says of it, and taking mounts away. No libfuse.
 *
 * Threads: any.
 * Source: proc(5) on /proc/self/mountinfo; umount(2); fusermount3(1); Linux Documentation/filesystems/fuse.rst.
 */
#ifndef FUSE_MOUNTPOINT_H
#define FUSE_MOUNTPOINT_H

#include <stdio.h>

#include "cassette/store.h"

/* The file system type of our mounts in /proc/self/mountinfo. */
#define MOUNTPOINT_TYPE "fuse.cassette"

struct mountpoint_state {
  bool cassette;         /* the topmost mount on the folder is one of ours */
  unsigned major, minor; /* of its device; the minor number names the FUSE connection */
};

/* Reads the state of `folder` (an absolute path without symbolic links) from the text of a mountinfo. */
void mountpoint_parse(FILE *mountinfo, const char *folder, struct mountpoint_state *state);

/* The same from the kernel's. CAS_IO. */
CAS_MUST_USE cas_status mountpoint_read(const char *folder, struct mountpoint_state *state, struct cas_error *error);

/*
 * Makes a folder ready to mount on: `*path` (to be freed) becomes its absolute path. A dead mount of ours is detached,
 * and `*detached` says so. CAS_NOT_FOUND: no such folder; CAS_BUSY: a living mount of ours is there; CAS_IO.
 */
CAS_MUST_USE cas_status mountpoint_prepare(const char *folder, char **path, bool *detached, struct cas_error *error);

/* Whether a mount on `path`, and a walk through it, and the store's own files keep out of each other's way: neither
 * lies below the other. Both are absolute paths; symbolic links are followed in that of the store. CAS_INVALID. */
CAS_MUST_USE cas_status mountpoint_check_store(const char *path, const char *store, struct cas_error *error);

/* Opens what aborts this connection, and no other one that gets its number later: to be written to ("1"). -1 where that
 * is not permitted. Children do not inherit it. */
int mountpoint_open_abort(unsigned minor);

/* Unmounts the mount of ours with this device from `path`, whoever uses it: its users get errors from then on. */
void mountpoint_remove(const char *path, unsigned minor);

/* Lets the kernel read ahead this much, beyond the 128 KiB that FUSE begins with. False where that is not permitted. */
bool mountpoint_set_readahead(const struct mountpoint_state *state, unsigned kib);

#endif
