/*
 * The readers of the files that were read last, by view path: the kernel tells of reading, not of opening and closing.
 *
 * Threads: any; a kept reader is read by many threads at once.
 */
#ifndef FUSE_READERS_H
#define FUSE_READERS_H

#include <pthread.h>
#include <stdatomic.h>

#include "cassette/reader.h"
#include "fuse/tree.h"

/* As many as are kept, beside those in use. A reader holds a manifest: some hundred bytes to some KiB for ordinary
 * images. */
#define READERS_MAX 512u

struct kept_reader {
  struct cas_reader *reader;
  atomic_bool reported; /* a fault of this file is in the log */
};

struct readers;

CAS_MUST_USE cas_status readers_create(struct readers **readers);
/* Nobody holds a reader. */
void readers_destroy(struct readers *readers);

/* The reader of the file at a view path, opened where it is not kept; give it back with readers_unref, also on failure,
 * when it is only good for `reported`; NULL where there is no memory. CAS_NOT_FOUND; CAS_INVALID: no file. */
CAS_MUST_USE cas_status readers_open(struct readers *readers, const struct tree *tree, const char *path,
                                     struct kept_reader **kept, struct cas_error *error);
void readers_unref(struct readers *readers, struct kept_reader *kept);

#endif
