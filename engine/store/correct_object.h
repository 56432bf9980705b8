/*
 * One object of a correction: it is read, its header changed in memory, and the whole taken in again as any object, so
 * that what did not change is the same blobs, and is stored once.
 *
 * Threads: any.
 */
#ifndef STORE_CORRECT_OBJECT_H
#define STORE_CORRECT_OBJECT_H

#include "cassette/correct.h"
#include "store/committer.h"

/* The instance at a path as the correction has it, of a checked one: *ingest has all its bytes, about *bytes, and is to
 * be committed, in a group that `hold` may hold. CAS_EXISTS, CAS_REFUSED, CAS_NOT_FOUND: as cas_corrected_fn() is told.
 */
CAS_MUST_USE cas_status correct_object(struct cas_store *store, const char *path,
                                       const struct cas_correction *correction, const struct commit_hold *hold,
                                       struct cas_ingest **ingest, uint64_t *bytes, struct cas_error *error);

#endif
