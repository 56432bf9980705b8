/*
 * What a volume consists of; for its own files.
 */
#ifndef VOLUME_VOLUME_PRIVATE_H
#define VOLUME_VOLUME_PRIVATE_H

#include <pthread.h>

#include "volume/volume.h"

struct slot {
  uint64_t segment; /* 0: free */
  enum volume_tier tier;
  bool discarded; /* closed with its last user; nobody begins to use it */
  uint32_t users;
  uint64_t used_last;
  struct io_file *file;
};

struct volume {
  struct io_disk *disk;
  struct cas_buffer marker; /* of the cold place; empty: none is looked for */
  bool is_staged;           /* knows the files without a name of their own in one tier, and no others */
  enum volume_tier staged_tier;
  pthread_mutex_t lock;
  /* All below under lock. */
  uint64_t clock;
  size_t capacity;
  struct slot slots[];
};

/* Whether a segment of which there is no file can only be in a cold place that is away: the last segments are always in
 * the store, so one behind all that are there is nowhere. */
CAS_MUST_USE cas_status volume_is_away(struct volume *volume, uint32_t number, bool *away, struct cas_error *error);

/* CAS_AWAY, with the segment and `reason`, which tells of the cold place; or what was wanting to look for it. */
CAS_MUST_USE cas_status volume_fail_away(uint32_t number, const struct cas_error *reason, struct cas_error *error);

#endif
