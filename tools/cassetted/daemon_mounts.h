/*
 * The daemon's mounts, in its own process: of the store, or of snapshots that are there.
 *
 * Threads: one at a time, but for daemon_mounts_each() and daemon_mounts_state().
 */
#ifndef DAEMON_MOUNTS_H
#define DAEMON_MOUNTS_H

#include <jansson.h>

#include "config.h"
#include "daemon_changes.h"
#include "fuse/mount.h"

struct daemon_mounts;

/* Starts all of the configuration, which has to live as long; of the
 * store, the log and the audit trail that are served. NULL where there are none. As cas_mount_start(), and
 * CAS_NOT_FOUND: there is no such snapshot. */
CAS_MUST_USE cas_status daemon_mounts_start(const struct config *config, const struct daemon_changes *serving,
                                            struct daemon_mounts **mounts, struct cas_error *error);

/* Whether one is left. NULL is allowed, here and below. */
bool daemon_mounts_any(const struct daemon_mounts *mounts);

/* Lets go of those that somebody unmounted: the archive goes on without them. */
void daemon_mounts_check(struct daemon_mounts *mounts);

/* Calls `each` for those that are left. From any thread between start and stop. */
void daemon_mounts_each(struct daemon_mounts *mounts,
                        void (*each)(void *arg, const char *folder, const struct cas_mount *mount), void *arg);

/* Adds those that are left to an object: "mounts", their folders, and "mount_requests", an object with one for each
 * folder with the numbers of cas_mount_requests(). From any thread between start and stop. */
void daemon_mounts_state(struct daemon_mounts *mounts, json_t *state);

void daemon_mounts_stop(struct daemon_mounts *mounts);

#endif
