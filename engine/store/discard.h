/*
 * Discarding: letting go of the bytes of deleted versions. A version that is deleted, and that no snapshot shows, is
 * discarded by a record of the log (CAS_ACTION_DISCARD). From then on it uses only the blobs that its place in the tree
 * follows from (describe_needs()); what that makes dead goes when its segment is written anew (compact.h). Its manifest
 * stays, so that names, versions and sums are what they were, also after a rebuild.
 *
 * The index has a fact for each version that is deleted and not discarded, "deleted/TIME/UID#VERSION", and their sum,
 * "deleted".
 */
#ifndef STORE_DISCARD_H
#define STORE_DISCARD_H

#include "index/index.h"
#include "store/store.h"

/* Keeps the facts: a version went from `before` to the states that its node has. Threads: those of the batch. */
CAS_MUST_USE cas_status discard_note(struct index_batch *batch, struct cas_slice before, const struct index_node *node,
                                     struct cas_error *error);

/* A version has become discarded: it uses no more than it needs. One whose header cannot be read any more keeps all, as
 * does one that comes into the tree after its record. Threads: those of the batch. */
CAS_MUST_USE cas_status discard_release(struct cas_store *store, struct index_batch *batch,
                                        const struct index_node *node, struct cas_error *error);

/* What is deleted and not discarded: versions, and the bytes of their files. Threads: any. */
CAS_MUST_USE cas_status discard_waiting(struct index *index, uint64_t *versions, uint64_t *bytes,
                                        struct cas_error *error);

/*
 * Discards what was deleted before a time (timeline.h), and that no snapshot shows; INT64_MAX: at any time. `look` is
 * called now and then; another status than CAS_OK stops with it. *versions counts what was discarded, durably, also on
 * failure. What cannot be read is passed over. Threads: one at a time, not the committer's.
 */
CAS_MUST_USE cas_status discard_deleted(struct cas_store *store, int64_t before_ns, cas_status (*look)(void *arg),
                                        void *arg, uint64_t *versions, struct cas_error *error);

#endif
