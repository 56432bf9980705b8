/*
 * What compacting asks of the writer and of the index, between groups and in their batches. Each waits until it is
 * done.
 *
 * Threads: any but the committer's.
 */
#ifndef STORE_COMPACT_CHANGE_H
#define STORE_COMPACT_CHANGE_H

#include "store/relocation.h"

/* Leaves the open segment for a new one. CAS_BUSY: it is being written all the time. */
CAS_MUST_USE cas_status compact_seal(struct cas_store *store, struct cas_error *error);

/* Makes the index, and so its mark, durable. */
CAS_MUST_USE cas_status compact_flush(struct cas_store *store, struct cas_error *error);

/* Brings the index to a new generation. CAS_BUSY, and it is as it was: a blob that was to be dropped came into use. */
CAS_MUST_USE cas_status compact_relocate(struct cas_store *store, const struct relocation *relocation,
                                         struct cas_error *error);

#endif
