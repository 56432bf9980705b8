/*
 * What is to go wrong, and when. Written as one line of text each into the file /.powercut of the mount:
 *
 *   kill N              the power goes in the Nth changing operation from now: the process that asked for it is killed,
 *                       and nothing works until `cut`
 *   cut SEED            the power is cut now, if it was not yet, and comes back; what was not synced is lost in part
 *   fail KIND PATH N TIMES ERRNO
 *                       operations of KIND (write, sync, read, name) on paths that begin with PATH fail from the Nth
 *                       from now, TIMES in a row (0: none any more), with EIO, ENOSPC or EROFS
 *   limit BYTES         the file system has that many bytes (0: 1 GiB)
 *   readonly 0|1        every change fails with EROFS
 *   short N             every Nth write of at least two sectors writes only its first half (0: none)
 *   honesty honest|never|late
 *
 * Reading that file gives counters as JSON.
 */
#ifndef POWERCUT_FAULTS_H
#define POWERCUT_FAULTS_H

#include "support/powercut/powercut_tree.h"

enum powercut_kind { POWERCUT_WRITE, POWERCUT_SYNC, POWERCUT_READ, POWERCUT_NAME, POWERCUT_KINDS };

struct powercut_faults {
  uint64_t kill_in; /* 0: not planned */
  bool off;
  enum powercut_kind fail_kind;
  char fail_path[256];
  uint64_t fail_in, fail_times;
  int fail_errno;
  uint64_t limit_bytes, short_every, short_count;
  bool read_only;
  enum powercut_honesty honesty;
  uint64_t counts[POWERCUT_KINDS], failed, killed;
  struct powercut_losses losses;
};

/* Before an operation: 0, or the negative errno with which it fails. `process` is who asked. */
int powercut_faults_check(struct powercut_faults *faults, enum powercut_kind kind, const char *path, pid_t process);

/* How many bytes of a write of `size` are written. */
size_t powercut_faults_shorten(struct powercut_faults *faults, size_t size);

/* One command. -EINVAL where it is none. */
int powercut_faults_command(struct powercut_faults *faults, struct powercut_tree *tree, const char *line);

/* The counters as text, cut to `size`; returns its length. */
size_t powercut_faults_report(const struct powercut_faults *faults, char *text, size_t size);

#endif
