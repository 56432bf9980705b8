/*
 * Work for quiet times: a thread that compacts the store (cassette/compact.h) when objects have stopped coming for a
 * while, and slowly while they come.
 *
 * Threads: start and stop from one.
 */
#ifndef PACKER_H
#define PACKER_H

#include "cassette/store.h"

struct packer_options {
  unsigned quiet_seconds; /* nothing came for so long: full speed; 0: 5 */
  unsigned busy_mib;      /* read so many MiB a second meanwhile; 0: 8 */
  unsigned min_percent;   /* of a segment must go; 0: 10 */
  unsigned deleted_days;  /* that deleted versions keep their bytes, as deleted_days.h */
  unsigned segment_mib;   /* length at which segments end by themselves; 0: the store's default */
  cas_log_fn log;
  void *log_arg;
};

struct packer;

/* CAS_NO_MEMORY, or the system has no thread to spare. `store` is borrowed until the stop. */
CAS_MUST_USE cas_status packer_start(struct cas_store *store, const struct packer_options *options,
                                     struct packer **packer, struct cas_error *error);

/* Ends the thread; a segment that is under way stays as it was. NULL is allowed. */
void packer_stop(struct packer *packer);

#endif
