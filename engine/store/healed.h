/*
 * Good copies that lie further on in the log than what needs them. A header that was damaged and healed, or one whose
 * dictionary was, has its good record behind the manifest; and the damaged one may have gone since, when its segment
 * was written anew. A replay of the whole log meets the manifest first, and would not know where in the tree it
 * belongs. So it notes what it missed, and once it has found all of it behind, another replay begins with it.
 *
 * Threads: one.
 */
#ifndef STORE_HEALED_H
#define STORE_HEALED_H

#include "store/manifest.h"
#include "store/store.h"

struct healed;
CAS_MUST_USE cas_status healed_create(struct cas_store *store, struct healed **healed);
void healed_destroy(struct healed *healed);

/* The header of this manifest cannot be read at this point of the log: notes the blob that is missing or damaged. Above
 * HEALED_BLOBS_MAX blobs the rest is not noted. */
CAS_MUST_USE cas_status healed_note(struct healed *healed, struct index_batch *batch, const struct manifest *manifest,
                                    struct cas_error *error);

/* The log was replayed. *more: some of what was noted is good behind, so that another replay, into an empty index, will
 * come further. */
CAS_MUST_USE cas_status healed_find(struct healed *healed, bool *more, struct cas_error *error);

/* Puts all that was found into the first batch of the other replay. */
CAS_MUST_USE cas_status healed_put(const struct healed *healed, struct index_batch *batch, struct cas_error *error);

/* Blobs that were found. */
size_t healed_count(const struct healed *healed);

#endif
