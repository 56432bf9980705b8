/*
 * Threads that scan segments ahead of the one who takes their events in order: the engine of segment_recover_ahead().
 *
 * Threads: open, bound, deliver and close belong to one thread.
 */
#ifndef SEGMENT_SEGMENT_READERS_H
#define SEGMENT_SEGMENT_READERS_H

#include "segment/segment_bounds.h"

struct segment_readers;

/* Starts reading the parts, of which segment, next and range.offset are known. All is borrowed until close. */
CAS_MUST_USE cas_status segment_readers_open(struct volume *volume, const struct segment_store_key *key, unsigned flags,
                                             const struct segment_ahead *ahead, const struct segment_part *parts,
                                             size_t count, struct segment_readers **readers, struct cas_error *error);

/* Stops the readers, also in the middle, and drops what was prepared and not delivered. NULL is allowed. */
void segment_readers_close(struct segment_readers *readers);

/* The bounds of the next part, as soon as they are known. */
CAS_MUST_USE cas_status segment_readers_bound(struct segment_readers *readers, struct segment_part *part,
                                              struct cas_error *error);

/* All events of the part whose bounds were given last. Stops with the callback's status, or the reader's. */
CAS_MUST_USE cas_status segment_readers_deliver(struct segment_readers *readers, segment_event_fn each, void *arg,
                                                struct cas_error *error);

#endif
