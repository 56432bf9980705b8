/*
 * The end of an object for a caller that is going to wait for it.
 */
#ifndef STORE_INGEST_HERE_H
#define STORE_INGEST_HERE_H

#include "cassette/ingest.h"
#include "store/committer.h"

/*
 * As cas_ingest_commit_async(), but what is left to be done is done in the calling thread where that saves changes of
 * thread: `done` may be called before this returns.
 */
CAS_MUST_USE cas_status ingest_commit_here(struct cas_ingest *ingest, cas_ingest_done_fn done, void *arg,
                                           struct cas_error *error);

/* Whether an object may come from here and now: as cas_ingest_begin(). */
CAS_MUST_USE cas_status ingest_check_source(const struct cas_store *store, const struct cas_ingest_source *source,
                                            struct cas_error *error);

/* Of an object with CAS_ORIGIN_CORRECTED: what it replaces, which becomes the ingest's, the tags of its attributes that
 * are others than before, at most MANIFEST_CORRECTED_MAX, and what holds its group. */
void ingest_corrects(struct cas_ingest *ingest, struct instance_states *states, const uint32_t *tags, size_t count,
                     const struct commit_hold *hold);

#endif
