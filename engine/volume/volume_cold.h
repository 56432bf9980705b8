/*
 * Whether the cold place is there: the folder "cold" under the store's, in practice a symbolic link to another file
 * system. A file in it, the marker, says whose it is; so a file system that is not mounted, or a wrong one, is never
 * taken for an empty cold place. A file in the store, the note, says that there is to be one.
 *
 * Threads: any.
 */
#ifndef VOLUME_VOLUME_COLD_H
#define VOLUME_VOLUME_COLD_H

#include "io/disk.h"

#define VOLUME_COLD_MARKER_NAME "CASSETTE-COLD" /* in the cold place */
#define VOLUME_COLD_MARKER "cold/" VOLUME_COLD_MARKER_NAME
#define VOLUME_COLD_NOTE "tier"

enum volume_cold {
  VOLUME_COLD_NONE, /* the store has no cold place */
  VOLUME_COLD_HERE,
  VOLUME_COLD_AWAY,
  VOLUME_COLD_UNKNOWN, /* it could not be looked for, for want of memory or descriptors */
};

/* Looks for the marker, which must be `expected` byte for byte. `reason`, which may be NULL, gets CAS_AWAY and a phrase
 * that names the cold place where it is away, and what is wanting where it is unknown. */
enum volume_cold volume_cold_look(struct io_disk *disk, struct cas_slice expected, struct cas_error *reason);

#endif
