/*
 * What a node was at a moment of the log: in a snapshot, nodes that came later are not there, and folders that got more
 * since have the sums and times that they had.
 *
 * Threads: any.
 */
#ifndef STORE_MOMENT_H
#define STORE_MOMENT_H

#include "store/store.h"

/*
 * Turns a node as it is now into what it was at the store's moment. CAS_NOT_FOUND: it was not there. Cheap, but for a
 * folder that got something since, the first time: then the folders below that did, too, are listed, and the instances
 * in these.
 */
CAS_MUST_USE cas_status moment_apply(struct cas_store *store, struct index_node *node, struct cas_error *error);

/* Whether a study had its date at the store's moment; true for other nodes. */
bool moment_has_date(const struct cas_store *store, const struct index_node *study);

#endif
