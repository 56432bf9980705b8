/*
 * What a node is in a view: at a moment of the log, with what is in the states that the view shows, as far as its
 * filter shows it (filter.h). In a snapshot, nodes that came later are not there, and folders that changed since have
 * the sums and times that they had.
 *
 * Threads: any.
 */
#ifndef STORE_MOMENT_H
#define STORE_MOMENT_H

#include "store/store.h"

/*
 * Turns a node as it is now into what it is in the store's view. CAS_NOT_FOUND: it is not there, or nothing is below
 * it. Cheap, but for a folder that changed since the moment, the first time, and for one with hidden instances in a
 * view that shows such: then the folders below of which the same is true are listed, and the instances in these. So are
 * folders above those that a filter has conditions on.
 */
CAS_MUST_USE cas_status moment_apply(struct cas_store *store, struct index_node *node, struct cas_error *error);

/* The same of a node whose parent is in the view. */
CAS_MUST_USE cas_status moment_apply_listed(struct cas_store *store, struct index_node *node, struct cas_error *error);

/* The sums and the time of the root, where the totals do not tell. */
CAS_MUST_USE cas_status moment_sum_root(struct cas_store *store, struct index_node *root, struct cas_error *error);

/* Whether a study had its date at the store's moment; true for other nodes. */
bool moment_has_date(const struct cas_store *store, const struct index_node *study);

#endif
