/*
 * How a search begins: with the nodes that an entry of the index names, where a condition has one, or with the whole
 * tree.
 *
 * Threads: one plan belongs to one thread.
 */
#ifndef STORE_FIND_PLAN_H
#define STORE_FIND_PLAN_H

#include "store/match.h"
#include "store/store.h"

/* A condition on an attribute that the index holds. */
struct plan_condition {
  uint32_t tag;
  const struct match_key *key;
};

/* Paths of candidates: every node that meets the conditions is among them, or lies below or above one. */
struct plan {
  char **paths; /* in path order, each once */
  size_t count, capacity;
  enum cas_level deepest; /* longer paths are cut to this level */
};
void plan_fini(struct plan *plan);

/*
 * Fills `plan`, whose `deepest` is set, from the entry that names the fewest nodes, FIND_CANDIDATES_MAX at most;
 * CAS_NOT_FOUND: no entry serves, and the tree must be walked. Asks of each entry no more than four times what the best
 * one has.
 */
CAS_MUST_USE cas_status plan_make(struct cas_store *store, const struct plan_condition *conditions, size_t count,
                                  struct plan *plan, struct cas_error *error);

/* The order of a walk: as texts, but that '/' comes before all other characters. */
int plan_compare_paths(const char *a, const char *b);

#endif
