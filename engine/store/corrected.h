/*
 * What a corrected version corrects, where the manifest that said so is damaged: it follows from the record of what the
 * version replaced, and from the values of both.
 *
 * Threads: those of the batch.
 */
#ifndef STORE_CORRECTED_H
#define STORE_CORRECTED_H

#include "cassette/attributes.h"
#include "index/index.h"
#include "store/manifest.h"
#include "store/store.h"

/* Puts into a manifest that replaces a damaged one what the damaged one said of corrections; of attributes that are not
 * indexed nothing. It stays as it is where the version is no correction, where several versions of its UID became
 * durable together, or where the one that it replaced cannot be read. */
CAS_MUST_USE cas_status corrected_recall(struct cas_store *store, struct index_batch *batch,
                                         const struct cas_attributes *attributes, struct manifest *manifest,
                                         struct cas_error *error);

#endif
