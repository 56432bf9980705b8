/*
 * Which instances damage hits: those whose manifest, or one of whose blobs, lies at a damaged place, or whose header
 * cannot be decoded because its dictionary does.
 *
 * Threads: any.
 */
#ifndef STORE_AFFECTED_H
#define STORE_AFFECTED_H

#include "cassette/node.h"
#include "store/scrub_place.h"

/* Calls `each` for every instance that is hit, in path order, and stops with its status. `look` is called before each
 * instance is looked at, with `arg`, and stops the search likewise. */
CAS_MUST_USE cas_status affected_instances(struct cas_store *store, const struct scrub_damage *damages, size_t count,
                                           cas_status (*look)(void *arg), cas_node_fn each, void *arg,
                                           struct cas_error *error);

#endif
