/*
 * The DICOM objects that a load is made of: files mapped into memory, and bytes made here.
 *
 * Threads: adding belongs to one thread; afterwards any number may read.
 */
#ifndef OBJECT_SET_H
#define OBJECT_SET_H

#include <stdbool.h>

#include "object_layout.h"

struct object {
  struct cas_slice bytes;
  struct object_layout layout;
  bool mapped; /* else from malloc */
};

/* Zero-initialise. */
struct object_set {
  struct object *objects;
  size_t count, capacity;
  uint64_t bytes; /* of all */
};

/* Maps a file. CAS_REFUSED, CAS_UNSUPPORTED: as object_layout_parse(); CAS_IO. */
CAS_MUST_USE cas_status object_set_add_file(struct object_set *set, const char *path, struct cas_error *error);

/* Takes the buffer's bytes over, whatever the result; the buffer is empty then. */
CAS_MUST_USE cas_status object_set_add_bytes(struct object_set *set, struct cas_buffer *bytes, struct cas_error *error);

void object_set_fini(struct object_set *set);

#endif
