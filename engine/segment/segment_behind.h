/*
 * What the log has behind a mark, for who cannot replay it.
 *
 * Threads: any.
 */
#ifndef SEGMENT_SEGMENT_BEHIND_H
#define SEGMENT_SEGMENT_BEHIND_H

#include "segment/segment.h"

/*
 * The first group with records behind `mark` that another one with records follows, which proves that it was durable
 * and done with: *group, 0 if there is none. Goes no further than that second group, so with a mark near the log's end
 * it reads what is behind the mark, whatever the log's length. Only what is good counts: what is missing, damaged, not
 * read by the disk, or void is passed over, also what a writer changes meanwhile.
 */
CAS_MUST_USE cas_status segment_find_proven(struct volume *volume, const struct segment_store_key *key,
                                            const struct segment_mark *mark, uint64_t *group, struct cas_error *error);

#endif
