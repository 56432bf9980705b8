/*
 * A thread that applies batches to RocksDB one after the other, while the next one is made. Only for the files of this
 * folder.
 *
 * What was handed over last is read from memory until the next is, so that a batch sees those before it.
 *
 * Threads: one hands over, waits and reads; it is the one that makes batches.
 */
#ifndef INDEX_INDEX_APPLIER_H
#define INDEX_INDEX_APPLIER_H

#include "index/index_changes.h"

struct index_applier;

/* Applies the changes to what `arg` is; from the applier's thread. */
typedef cas_status (*index_apply_fn)(void *arg, const struct index_changes *changes, struct cas_error *error);

CAS_MUST_USE cas_status index_applier_create(index_apply_fn apply, void *arg, struct index_applier **applier,
                                             struct cas_error *error);
void index_applier_destroy(struct index_applier *applier); /* waits; NULL is allowed */

/* Takes the changes as soon as those before are applied, whose memory, without a change in it, it gives back. After a
 * failure of earlier changes it fails likewise, and nothing more is applied. */
CAS_MUST_USE cas_status index_applier_hand_over(struct index_applier *applier, struct index_changes *changes,
                                                struct cas_error *error);

/* Waits until everything is applied, and lets go of what was handed over. */
CAS_MUST_USE cas_status index_applier_wait(struct index_applier *applier, struct cas_error *error);

/* The changes that were handed over last, or NULL: valid until the next hand over or wait. */
const struct index_changes *index_applier_changes(const struct index_applier *applier);

#endif
