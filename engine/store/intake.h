/*
 * Intake: what is done with a blob that has arrived: hash, look up, compare if known (P5), encode if not.
 *
 * Threads: any.
 */
#ifndef STORE_INTAKE_H
#define STORE_INTAKE_H

#include "store/pending.h"

/* Hands the blob to the workers, which settle it. The worker holds the blob meanwhile. */
void intake_submit(struct cas_store *store, struct pending_blob *blob);

/* The same in the calling thread. */
void intake_run(struct pending_blob *blob);

#endif
