/*
 * The trimmer: a thread that has the kernel forget what it has known longest, when it knows more than it should: the
 * table of inodes stays small, whatever is walked. What is in use is passed over.
 *
 * Threads: start and stop once each, the rest from any.
 */
#ifndef FUSE_TRIMMER_H
#define FUSE_TRIMMER_H

#include "fuse/inode_table.h"

/* What a program may be walking again soon should be known still: `find` over 100,000 instances. Each costs about 120
 * bytes here, and about 1 KiB in the kernel. */
#define TRIMMER_KNOWN_MAX 120000u

struct trimmer_options {
  struct inode_table *inodes; /* borrowed */
  size_t known_max;           /* 0: TRIMMER_KNOWN_MAX */
  /* Has the kernel forget those of `taken` that nobody uses; from the trimmer's thread, with no lock held. Says whether
   * that waits for no list of a folder: else those who answer lists are not to wait for the trimmer. */
  bool (*tell)(void *arg, const struct inode_taken *taken, size_t count);
  void *arg;
};

struct trimmer;

CAS_MUST_USE cas_status trimmer_start(const struct trimmer_options *options, struct trimmer **trimmer);

/* To be called after inodes came into the table; quick. */
void trimmer_note(struct trimmer *trimmer);

/* Before a list is answered: waits a moment while the kernel is forgetting. What it learns meanwhile it would ask for
 * again (since Linux 6.13 an eviction makes the attributes in all answers that are under way out of date), and sooner
 * than it can forget. */
void trimmer_wait(struct trimmer *trimmer);

/* False where so much more is known that lists had better not make the kernel know more. */
bool trimmer_has_room(const struct trimmer *trimmer);

/* Ends the thread; to be called while somebody still answers the kernel. Others may still call what is above. */
void trimmer_stop(struct trimmer *trimmer);

/* Stops and frees it. NULL is allowed, here and for trimmer_stop(). */
void trimmer_destroy(struct trimmer *trimmer);

#endif
