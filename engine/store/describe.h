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

/* The same from the store. Long values that cannot be read are passed over: no attribute follows from them.
 * CAS_CORRUPT where the header cannot be read; `batch` as for blob_read. */
CAS_MUST_USE cas_status describe_instance(struct cas_store *store, struct index_batch *batch,
                                          const struct manifest *manifest, struct cas_attributes **attributes,
                                          struct cas_error *error);

/* Which of its blobs that needs: `needed` has manifest->blob_count elements. The same whether the others are there or
 * not. CAS_CORRUPT as above. */
CAS_MUST_USE cas_status describe_needs(struct cas_store *store, struct index_batch *batch,
                                       const struct manifest *manifest, bool *needed, struct cas_error *error);

/* Whether the attributes are the same without the blobs that are not needed. */
CAS_MUST_USE cas_status describe_can_do_with(struct cas_store *store, const struct manifest *manifest,
                                             const bool *needed, bool *same, struct cas_error *error);

#endif
