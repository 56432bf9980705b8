/*
 * The folders that programs have open in a mount, in a list, so that an end of the mount that the kernel does not
 * announce (abort, unmount by force) leaves nothing behind.
 *
 * Threads: the list from any; a folder is read under its lock.
 */
#ifndef FUSE_OPENED_H
#define FUSE_OPENED_H

#include <pthread.h>

#include "fuse/directory.h"

/* Open folders of one mount. */
#define OPENED_MAX 65536u

struct opened {
  struct opened *previous, *next; /* under the list's lock */
  struct directory *directory;    /* under `lock`, as the next */
  uint64_t epoch;                 /* of the mount, when the directory's window was filled */
  pthread_mutex_t lock;
};

struct opened_list {
  pthread_mutex_t lock; /* guards all below; innermost */
  struct opened *first;
  unsigned count;
};

void opened_list_init(struct opened_list *list);
/* Closes all that is left. */
void opened_list_fini(struct opened_list *list);

/* Takes over `directory`, also on failure. CAS_BUSY: OPENED_MAX are open; CAS_NO_MEMORY. */
CAS_MUST_USE cas_status opened_add(struct opened_list *list, struct directory *directory, struct opened **opened);
void opened_remove(struct opened_list *list, struct opened *opened);

#endif
