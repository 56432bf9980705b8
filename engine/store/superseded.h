/*
 * Where damaged records lie that nothing needs any more, because a later record took their place. What is left of one
 * need not tell what it was: its header may be damaged, too. So the index has the places, as facts
 * "superseded/SEGMENT/OFFSET", with the bytes on disk; those of manifests follow from the log (manifest.h), those of
 * blobs only while the earlier record's header can be read.
 */
#ifndef STORE_SUPERSEDED_H
#define STORE_SUPERSEDED_H

#include "index/index.h"

/* The record at this place was replaced by a later one. Threads: those of the batch. */
CAS_MUST_USE cas_status superseded_note(struct index_batch *batch, struct record_cookie cookie,
                                        struct cas_error *error);

/* Whether a range of a segment, in one generation (volume.h), is wholly one of such records, or several. Threads: any.
 */
CAS_MUST_USE cas_status superseded_covers(struct index *index, uint64_t segment, uint64_t offset, uint64_t bytes,
                                          bool *covers, struct cas_error *error);

#endif
