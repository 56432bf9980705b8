/*
 * The attributes of an instance that is in the store, read from its header as at ingest: what rebuild and replay need.
 *
 * Threads: any.
 */
#ifndef STORE_DESCRIBE_H
#define STORE_DESCRIBE_H

#include "store/manifest.h"
#include "store/read_cache.h"
#include "store/store.h"

/* Where blobs are found: gives verified bytes, held in `cache`. */
struct describe_source {
  cas_status (*get)(void *arg, const struct blob_id *id, const struct cached_blob **blob, struct cas_error *error);
  void *arg;
  struct read_cache *cache;
};

/* Reads the object up to its pixel data; the caller destroys the attributes. CAS_CORRUPT where a blob is shorter than
 * the manifest says, else what the source says. */
CAS_MUST_USE cas_status describe_from(const struct describe_source *source, const struct manifest *manifest,
                                      struct cas_attributes **attributes, struct cas_error *error);

/* The same from the store. CAS_CORRUPT where the header cannot be read; `batch` as for blob_read. */
CAS_MUST_USE cas_status describe_instance(struct cas_store *store, struct index_batch *batch,
                                          const struct manifest *manifest, struct cas_attributes **attributes,
                                          struct cas_error *error);

#endif
