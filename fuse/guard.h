/*
 * The guard: a small process that unmounts when this one dies without having done so (kill -9, a crash). It aborts the
 * connection before: a thread that dies while it hands something to the kernel may wait there for an answer that nobody
 * is left to give, and as long as it waits the device is open and the mount hangs.
 *
 * It is a shell that waits for a line on a socket, in a session of its own, so that a terminal's Ctrl-C does not reach
 * it, and with no other file of ours open. A service manager that kills a whole control group kills it, too; the next
 * mount then detaches the dead one.
 *
 * Threads: any.
 */
#ifndef FUSE_GUARD_H
#define FUSE_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

struct guard {
  int socket;  /* the guard's standard input is its other end */
  pid_t child; /* 0: there is none */
};

/* Starts a guard for the mount at `path`; false where that is not possible. `abort_file` is what
 * mountpoint_open_abort() gave, or -1; it stays the caller's. */
bool guard_start(struct guard *guard, const char *path, int abort_file);

/* Tells the guard that all is well and waits for its end. Does nothing without a guard. */
void guard_stop(struct guard *guard);

#endif
