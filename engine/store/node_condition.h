/*
 * A condition on the attributes that the index holds of a node, or that are gathered below a study: read once, tested
 * with many nodes.
 *
 * Threads: one at a time. Source: PS3.4 C.2.2.2.
 */
#ifndef STORE_NODE_CONDITION_H
#define STORE_NODE_CONDITION_H

#include "cassette/node.h"
#include "store/match.h"

struct node_condition {
  uint32_t tag;
  enum cas_level level;
  struct match_key key;
  bool is_gathered;                  /* of what lies below a study */
  bool is_paired;                    /* a time that its date looks after */
  const struct node_condition *time; /* of a date that is compared together with it, else NULL */
};

/* Reads a condition on an attribute that can be searched, at `deepest` or above. CAS_INVALID: it is none, or the
 * pattern is no value of its VR; CAS_NO_MEMORY; then nothing is left to free. */
CAS_MUST_USE cas_status node_condition_init(struct node_condition *condition, uint32_t tag, const char *pattern,
                                            enum cas_level deepest, struct cas_error *error);
void node_condition_fini(struct node_condition *condition);

/* Whether the node meets the condition; those of other levels do. Below a study it looks with `store`. */
CAS_MUST_USE cas_status node_condition_test(struct node_condition *condition, struct cas_store *store,
                                            const struct cas_node *node, bool *met, struct cas_error *error);

#endif
