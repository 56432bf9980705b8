/*
 * What programs have open in a mount: files and folders, in a list, so that an end of the mount that the kernel does
 * not announce (abort, unmount by force) leaves nothing behind.
 *
 * Threads: the list from any; a file is read by many threads at once, a folder under its lock.
 */
#ifndef FUSE_OPENED_H
#define FUSE_OPENED_H

#include <pthread.h>
#include <stdatomic.h>

#include "cassette/reader.h"
#include "fuse/directory.h"

/* Open files and folders of one mount. A reader holds a manifest: some hundred bytes to some KiB for ordinary images.
 */
#define OPENED_MAX 65536u

struct opened {
  struct opened *previous, *next; /* under the list's lock */
  struct cas_reader *reader;      /* of a file, or NULL */
  struct directory *directory;    /* of a folder, or NULL; under `lock` */
  pthread_mutex_t lock;
  atomic_bool reported; /* a fault of this file is in the log */
};

struct opened_list {
  pthread_mutex_t lock; /* guards all below; innermost */
  struct opened *first;
  unsigned count;
};

void opened_list_init(struct opened_list *list);
/* Closes all that is left. */
void opened_list_fini(struct opened_list *list);

/* Takes over one of `reader` and `directory`, also on failure. CAS_BUSY: OPENED_MAX are open; CAS_NO_MEMORY. */
CAS_MUST_USE cas_status opened_add(struct opened_list *list, struct cas_reader *reader, struct directory *directory,
                                   struct opened **opened);
void opened_remove(struct opened_list *list, struct opened *opened);

#endif
