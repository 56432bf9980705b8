/*
 * What verifying a store and scrubbing it share.
 *
 * Threads: any.
 */
#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

#include "store/store.h"

/*
 * Checks the records of one segment as cas_store_verify() does. `options` is not NULL; progress->done counts the bytes
 * of this segment. CAS_OK with nothing counted: it lies behind the mark of the index.
 */
CAS_MUST_USE cas_status verify_segment(struct cas_store *store, uint32_t number,
                                       const struct cas_verify_options *options, struct cas_verify_result *result,
                                       struct cas_error *error);

#endif
