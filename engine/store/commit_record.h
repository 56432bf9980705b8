/*
 * What is committed as a record of its own beside the instances of its group: a snapshot, a change of states.
 *
 * Threads: commit_record_wait() from any; `append` is called by who runs the group.
 */
#ifndef STORE_COMMIT_RECORD_H
#define STORE_COMMIT_RECORD_H

#include "store/committer.h"

/* The open group, as far as a record needs it. */
struct record_group {
  struct cas_store *store;
  struct segment_writer *writer;
  struct index_batch *batch;
  uint32_t *states; /* records of states in the group so far */
  struct cas_error *error;
};

/* Embedded in what is to be committed. */
struct commit_record {
  struct commit_item item; /* first; kind COMMIT_RECORD */
  /* Writes the record and brings the batch up to date. What fails returned makes the group fail; what concerns this
   * record alone is put into `status` and `error`, and CAS_OK returned. */
  cas_status (*append)(struct commit_record *record, struct record_group *group);
  void (*done)(struct commit_record *record);
  cas_status status; /* of this record; the group's where that failed */
  struct cas_error error;
};

/* Commits and waits until it is durable. `append` is set by the caller, the rest here. CAS_INVALID: the store is not
 * open for writing. */
CAS_MUST_USE cas_status commit_record_wait(struct cas_store *store, struct commit_record *record,
                                           struct cas_error *error);

#endif
