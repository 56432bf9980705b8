/*
 * A mount: a store shown read-only as folders and files, served by threads of its own inside this process.
 *
 *   Patients/<patient>/<study>/<series>/<instance>.dcm
 *   Dates/YYYY/MM/DD/<patient>/<study>/<series>/<instance>.dcm        by Study Date
 *   UIDs/<Study Instance UID>/<Series Instance UID>/<SOP Instance UID>.dcm
 *   Snapshots/<name>/...                                              the same at a moment of the past
 *
 * docs/mount.md describes what users see. Link the target cassette_mount and include this as "fuse/mount.h".
 *
 * Caveats
 *  - No signals are handled and none change their handler; the threads block all of them. A program that wants to end
 * on SIGTERM calls cas_mount_stop() from an ordinary thread.
 *  - A process that dies without cas_mount_stop() leaves the unmounting to fusermount3 (see auto_unmount); where that
 * is missing the folder answers ENOTCONN until the next cas_mount_start() there, which detaches the dead mount and says
 * so.
 *  - libfuse itself writes its complaints about /dev/fuse and fusermount3 to standard error.
 *
 * Threads: any, except that cas_mount_stop() is called once, when no other call on the mount is running but
 * cas_mount_wait().
 */
#ifndef FUSE_MOUNT_H
#define FUSE_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "cassette/store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cas_mount;

/* Top-level folders, to be or-ed. */
enum cas_mount_view {
  CAS_MOUNT_PATIENTS = 1,
  CAS_MOUNT_DATES = 2,
  CAS_MOUNT_UIDS = 4,
  CAS_MOUNT_SNAPSHOTS = 8,
};

/* What programs learn of the extended attributes. */
enum cas_mount_xattr {
  CAS_MOUNT_XATTR_DEFAULT,  /* listed; unlisted where the mount is `fixed`, which is for backups */
  CAS_MOUNT_XATTR_LISTED,   /* who asks for names gets some, all can be had by name */
  CAS_MOUNT_XATTR_UNLISTED, /* all can be had by name; who asks for names is told once and for all that there are none
                             */
  CAS_MOUNT_XATTR_NONE,     /* who asks is told once and for all */
};

/* How large levels are put into folders; see docs/mount.md. */
enum cas_mount_shards {
  CAS_MOUNT_SHARDS_NONE,
  CAS_MOUNT_SHARDS_HASH1, /* 16, by the hash of the name */
  CAS_MOUNT_SHARDS_HASH2, /* 256 */
  CAS_MOUNT_SHARDS_MONTH, /* of patients only: by the month of their studies */
};

/* Zero means the default everywhere but for `mountpoint`. Strings are copied. */
struct cas_mount_options {
  const char *mountpoint; /* an existing folder */
  bool allow_other;       /* let other users in, as modes and owner say; as a user this needs user_allow_other in
                             /etc/fuse.conf */
  bool no_auto_unmount;   /* do not start fusermount3 as a guard that unmounts when this process dies */
  enum cas_mount_xattr xattr;
  bool set_owner; /* use `uid` and `gid`; default: those of this process */
  uint32_t uid, gid;
  uint32_t file_mode;   /* permission bits; default 0444. Bits for writing and executing are dropped. */
  uint32_t folder_mode; /* default 0555. Bits for writing are dropped. */
  unsigned views; /* enum cas_mount_view, or-ed; default: all, of which snapshots are found by name and not listed */
  enum cas_mount_shards patient_shards, uid_shards; /* of Patients/, and of UIDs/ */
  bool fixed;          /* the handle shows one moment (snapshot.h): the kernel may keep everything; no snapshots view */
  unsigned threads;    /* that serve requests, 1 to 64; default 8 */
  uint32_t refresh_ms; /* a follower's names are not older than this when looked at; default 500 */
  uint32_t known_max;  /* names that the kernel is let know at a time, but for those in use; default 120,000 */
  bool no_prune;       /* have it forget in the way that kernels before Linux 6.18 know */
  cas_log_fn log;      /* may be NULL. Errors name the path of the file concerned. */
  void *log_arg;
};

/*
 * Mounts `store`, which must stay open until cas_mount_stop() has returned. On CAS_OK the mount is visible and served.
 * CAS_NOT_FOUND: no such folder; CAS_BUSY: a living Cassette mount is there already; CAS_INVALID: an option, or
 * a folder in or above the store's own;
 * CAS_UNSUPPORTED: no /dev/fuse or no permission for it; CAS_IO: the kernel refused.
 */
CAS_MUST_USE cas_status cas_mount_start(struct cas_store *store, const struct cas_mount_options *options,
                                        struct cas_mount **mount, struct cas_error *error);

/* Waits until the mount has ended: unmounted from outside, or by cas_mount_stop() in another thread; returns the reason
 * as CAS_OK (unmounted) or CAS_IO. cas_mount_stop() is still to be called. */
CAS_MUST_USE cas_status cas_mount_wait(struct cas_mount *mount, struct cas_error *error);

/* The same without waiting longer than `timeout_ms`: CAS_BUSY while the mount lives. */
CAS_MUST_USE cas_status cas_mount_wait_for(struct cas_mount *mount, uint32_t timeout_ms, struct cas_error *error);

/* Calls `each` with each kind of request that came from the kernel, "lookup" or "readdirplus", and how often. */
void cas_mount_requests(const struct cas_mount *mount, void (*each)(void *arg, const char *kind, uint64_t count),
                        void *arg);

/*
 * Unmounts (where that has not happened), waits for the threads, closes all files and frees the mount. Does not wait
 * for users: programs with files open there get ENOTCONN. NULL is allowed. Not from a signal handler, nor from the
 * mount's own threads.
 */
void cas_mount_stop(struct cas_mount *mount);

#ifdef __cplusplus
}
#endif
#endif
