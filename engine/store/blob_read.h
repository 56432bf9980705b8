/*
 * Reading a blob by its name: index, segment, decode, and the check that the bytes hash to the name (P4).
 *
 * Threads: any.
 */
#ifndef STORE_BLOB_READ_H
#define STORE_BLOB_READ_H

#include "store/read_cache.h"
#include "store/store.h"

/*
 * The verified bytes of a blob, held; give them back with read_cache_unref(store->read_cache, ...). `batch` is NULL, or
 * changes that are not applied yet and are to be seen. CAS_CORRUPT: missing, damaged, or not what its name says.
 */
CAS_MUST_USE cas_status blob_read(struct cas_store *store, struct index_batch *batch, const struct blob_id *id,
                                  const struct cached_blob **blob, struct cas_error *error);

/* The same past the cache, into `raw`, from a known place; CAS_NOT_FOUND: there is no such segment any more. */
CAS_MUST_USE cas_status blob_read_at(struct cas_store *store, struct index_batch *batch, const struct blob_id *id,
                                     const struct index_blob *place, struct cas_buffer *raw, struct cas_error *error);

/* As blob_read_at, but where the segment was written anew since the place was looked up, *place is looked up again. */
CAS_MUST_USE cas_status blob_read_placed(struct cas_store *store, struct index_batch *batch, const struct blob_id *id,
                                         struct index_blob *place, struct cas_buffer *raw, struct cas_error *error);

#endif
