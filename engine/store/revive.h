/*
 * Finding out whether a read-only archive can be written again, and bringing writer and index to where they must be for
 * that.
 *
 * Threads: who has the end of the log (committer.h, `busy`).
 */
#ifndef STORE_REVIVE_H
#define STORE_REVIVE_H

#include "store/store.h"

/* CAS_OK: `spare_bytes` and the reserve of the index are free on the disk. CAS_NO_SPACE, or what asking gave. */
CAS_MUST_USE cas_status revive_check_space(struct cas_store *store, uint64_t spare_bytes, struct cas_error *error);

/*
 * Writes an empty group and applies it to the index, so that all is tried that storing an object needs. Where the index
 * is behind the log, because applying a group failed, it is first opened anew, and what it lacks is replayed.
 * `*index_is_behind` follows. The condition (condition.h) becomes writable, or stays what it is and hears why.
 */
void revive(struct cas_store *store, struct segment_writer *writer, bool *index_is_behind);

#endif
