/*
 * Reading a manifest by its place.
 *
 * Threads: any.
 */
#ifndef STORE_MANIFEST_READ_H
#define STORE_MANIFEST_READ_H

#include "store/manifest.h"
#include "store/store.h"

/* CAS_CORRUPT: damaged, or another record lies there. The caller frees with manifest_fini. */
CAS_MUST_USE cas_status manifest_read(struct cas_store *store, struct record_cookie cookie, struct manifest *manifest,
                                      struct cas_error *error);

/* The same for a place that may have been left since it was looked up: CAS_NOT_FOUND where its segment is not there. */
CAS_MUST_USE cas_status manifest_read_at(struct cas_store *store, struct record_cookie cookie,
                                         struct manifest *manifest, struct cas_error *error);

/* Decodes the stored payload of a RECORD_MANIFEST: undoes the compression, checks the hash. */
CAS_MUST_USE cas_status manifest_decode_record(struct cas_store *store, const struct record *record,
                                               struct cas_slice payload, struct manifest *manifest);

/* Makes the record and payload of a manifest: compressed where that is smaller. */
CAS_MUST_USE cas_status manifest_encode_record(struct cas_store *store, const struct manifest *manifest,
                                               struct record *record, struct cas_buffer *payload);

#endif
