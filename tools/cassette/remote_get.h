/*
 * A C-GET at a peer, into a folder: each object becomes a Part 10 file SOPINSTANCEUID.dcm with the data set as it came.
 *
 * Caveats
 *  - A file appears under its name whole or not at all. The file system is synced once, behind the last of them: the
 *    peer has the objects still.
 *
 * Threads: as requestor.h. Source: PS3.7 9.1.3, PS3.4 C.4.3.
 */
#ifndef REMOTE_GET_H
#define REMOTE_GET_H

#include "cli_interrupt.h"
#include "cli_progress.h"
#include "remote_find.h"

/* What C-GET proposes: the retrieve itself, and contexts for what it may bring. Strings are its own or static. */
struct get_proposal {
  struct proposal_context contexts[PROPOSAL_CONTEXTS_MAX];
  size_t count;
  char classes[PROPOSAL_CONTEXTS_MAX][CAS_UID_TEXT_MAX];
  size_t class_count;
};

/* Asks the peer which SOP classes it has for the keys, and proposes each of them in every transfer syntax by itself;
 * where it does not tell, or tells of many, a context for each class or for each common class. */
CAS_MUST_USE cas_status get_proposal_make(const struct remote *remote, const struct remote_keys *keys,
                                          struct get_proposal *proposal, struct cas_error *error);

struct remote_get {
  const struct remote *remote;
  const struct remote_keys *keys;
  int folder_fd;
  bool force; /* files that are there are replaced */
  struct cli_progress *progress;
  struct cli_interrupt *interrupt;

  uint64_t written, kept, bytes; /* kept: a file of that name is there */
  uint64_t refused;              /* what came and could not be written */
  struct dimse_counts counts;    /* of the final response */
  uint16_t status;
  bool interrupted;
};

/* Gets. Fails as the requestor does, and with CAS_IO, CAS_NO_SPACE where the folder's disk does. */
CAS_MUST_USE cas_status remote_get_run(struct remote_get *get, const struct get_proposal *proposal,
                                       struct cas_error *error);

#endif
