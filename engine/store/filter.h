/*
 * What a view with a filter shows. A series is shown when it and the nodes above it meet all conditions; a folder above
 * when it meets those of its level and above and something is shown below it, which moment.h sums up; an instance when
 * its series is.
 *
 * Threads: any.
 */
#ifndef STORE_FILTER_H
#define STORE_FILTER_H

#include "cassette/filter.h"
#include "store/find_plan.h"
#include "store/store.h"

/* Whether the node meets the filter's conditions of its own level; true without a filter. */
CAS_MUST_USE cas_status filter_meets(struct cas_store *store, const struct index_node *node, bool *met,
                                     struct cas_error *error);

/* CAS_NOT_FOUND where one of the nodes above `path`, or itself where `with_itself`, does not meet those of its level.
 * Looks up only what has conditions. */
CAS_MUST_USE cas_status filter_admit(struct cas_store *store, const char *path, bool with_itself,
                                     struct cas_error *error);

/* Whether there are conditions on what lies below a node of this level: then its sums are not those of the index. */
bool filter_is_below(const struct cas_store *store, enum cas_level level);

/* Fills in the conditions for a plan, CAS_FILTER_CONDITIONS_MAX at most, and returns how many. They point into the
 * filter, which may be NULL. */
size_t filter_plan(const struct cas_filter *filter, struct plan_condition *conditions);

/* The same view without its filter, to be used while `store` is there. */
static inline void filter_lift(const struct cas_store *store, struct cas_store *lifted) {
  *lifted = *store;
  lifted->filter = NULL;
}

#endif
