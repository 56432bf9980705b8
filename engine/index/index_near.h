/*
 * Looking at many nodes in about the order of their paths, on one thread: a cursor of each level stays open, and goes
 * on to what lies a little ahead, which is ten times as quick as a look-up or a list of its own.
 *
 * Caveats: a cursor shows the index as it was when its level was first asked for, and keeps RocksDB from freeing what
 * it shows; so what is near does not live longer than a query.
 *
 * Threads: one at a time. Callbacks may use what called them.
 */
#ifndef INDEX_INDEX_NEAR_H
#define INDEX_INDEX_NEAR_H

#include "index/index.h"

struct index_near;

CAS_MUST_USE cas_status index_near_create(struct index *index, struct index_near **near);
void index_near_destroy(struct index_near *near); /* before the index is closed; NULL is allowed */

/* As index_get_node() and index_list(). What is newer than the cursor is found, too, but not listed. */
CAS_MUST_USE cas_status index_near_get_node(struct index_near *near, const char *path, struct index_node *node,
                                            struct cas_error *error);
CAS_MUST_USE cas_status index_near_list(struct index_near *near, const char *parent, index_node_fn each, void *arg,
                                        struct cas_error *error);

#endif
