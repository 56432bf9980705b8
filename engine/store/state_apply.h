/*
 * States in the index: brings histories, nodes and the sums of folders up to date with a record.
 *
 * A record and the manifests of the versions that it names may be applied in either order, so that a log in which
 * records were moved gives the same states.
 *
 * Threads: those of the batch.
 */
#ifndef STORE_STATE_APPLY_H
#define STORE_STATE_APPLY_H

#include "index/index.h"
#include "store/state_history.h"

/* The history of a UID, empty where nothing was ever done with it. */
CAS_MUST_USE cas_status state_get_history(struct index_batch *batch, const char *uid, struct cas_buffer *history,
                                          struct cas_error *error);

/* A record of the log that lies in `group`. */
CAS_MUST_USE cas_status state_apply(struct cas_store *store, struct index_batch *batch, uint64_t group,
                                    const struct state_record *state, struct cas_error *error);

/* Whether the index has a record of the log that lies in `group`, and names a version, in a history. */
CAS_MUST_USE cas_status state_is_applied(struct index *index, uint64_t group, const struct state_record *state,
                                         bool *applied, struct cas_error *error);

#endif
