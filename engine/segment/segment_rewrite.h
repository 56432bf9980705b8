/*
 * Writing a sealed segment anew, without what is not needed any more: its next generation. The records that stay are
 * appended in the order that they have, with the groups that they have, so that a replay gives the same.
 *
 *   create --append*, commit--> ... --finish--> (durable, under its own name; the old file is still there)
 *
 * Until `finish` the bytes are in a file whose name ends in ".new", which counts for nothing.
 *
 * Threads: a rewrite belongs to one thread; any number of threads may read the segment meanwhile.
 */
#ifndef SEGMENT_SEGMENT_REWRITE_H
#define SEGMENT_SEGMENT_REWRITE_H

#include "segment/segment.h"

struct segment_rewrite;

/* Begins the generation that follows `segment`, a file with a good header and another segment behind it: else
 * CAS_CORRUPT. `volume` and `key` are borrowed. */
CAS_MUST_USE cas_status segment_rewrite_create(struct volume *volume, const struct segment_store_key *key,
                                               uint64_t segment, struct segment_rewrite **rewrite,
                                               struct cas_error *error);

/* Removes what was written unless it is finished. NULL is allowed. */
void segment_rewrite_destroy(struct segment_rewrite *rewrite);

/* Appends a record of a group, of which no later one was appended, and says where it will be. */
CAS_MUST_USE cas_status segment_rewrite_append(struct segment_rewrite *rewrite, uint64_t group,
                                               const struct record *record, struct cas_slice payload,
                                               struct record_cookie *cookie, struct cas_error *error);

/* Ends the group of the last record; without one, nothing happens. */
CAS_MUST_USE cas_status segment_rewrite_commit(struct segment_rewrite *rewrite, struct cas_error *error);

/* Makes the file durable and gives it its name. *segment is its number and generation. */
CAS_MUST_USE cas_status segment_rewrite_finish(struct segment_rewrite *rewrite, uint64_t *segment, uint64_t *bytes,
                                               struct cas_error *error);

#endif
