/*
 * Generations of a segment that lie beside each other. A generation gets its name when it is whole, and the one before
 * it is removed after that. So a higher one that is not whole beside a lower one is no work of ours: a copy that was
 * cut short, or rot. Then the lower one is worth keeping.
 *
 * Threads: any.
 */
#ifndef SEGMENT_SEGMENT_GENERATIONS_H
#define SEGMENT_SEGMENT_GENERATIONS_H

#include "segment/segment.h"

/* CAS_CORRUPT, with the file in the message: a generation is not whole that others of the segment lie below. */
CAS_MUST_USE cas_status segment_generations_check(struct volume *volume, const struct segment_store_key *key,
                                                  struct cas_error *error);

#endif
