/*
 * The attributes of an instance that is in the store, read from its header as at ingest: what rebuild and replay need.
 *
 * Threads: any.
 */
#ifndef STORE_DESCRIBE_H
#define STORE_DESCRIBE_H

#include "store/manifest.h"
#include "store/store.h"

/*
 * Reads the object up to its pixel data and calls `each` with its attributes. CAS_CORRUPT where the header cannot be
 * read; `batch` as for blob_read.
 */
typedef cas_status (*describe_fn)(void *arg, const struct cas_attributes *attributes);
CAS_MUST_USE cas_status describe_instance(struct cas_store *store, struct index_batch *batch,
                                          const struct manifest *manifest, describe_fn each, void *arg,
                                          struct cas_error *error);

#endif
