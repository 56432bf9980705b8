/*
 * What libfuse's session is told in the beginning and in the end.
 *
 * Threads: any.
 */
#ifndef FUSE_SESSION_H
#define FUSE_SESSION_H

#include <fuse_lowlevel.h>

#include "cassette/store.h"

/* The options of libfuse, whose commas and backslashes are written with a backslash before. The caller frees; NULL
 * without memory. The source of the mount is the store's folder: so mount(8) sees whether a line of fstab(5) is mounted
 * already. */
char *session_options(const struct cas_store *store, bool allow_other);

/* Lets go of the device. fuse_session_unmount() would unmount by path once more, unless it finds the session broken,
 * and so could hit a mount of somebody else. So the device is replaced by a broken pipe before. */
void session_leave(struct fuse_session *session);

#endif
