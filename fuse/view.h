/*
 * Views: the contract between tree.c and the top-level folders, and what these share. Inside fuse/ only.
 *
 * `rest` is the view path behind the view's own name: "" for its top folder. Its parts are never "", "." or "..".
 */
#ifndef FUSE_VIEW_H
#define FUSE_VIEW_H

#include <string.h>

#include "fuse/tree.h"

struct view {
  enum tree_view bit;
  const char *name;
  cas_status (*get)(const struct tree *tree, const char *rest, struct tree_entry *entry, char *node_path,
                    struct cas_error *error);
  cas_status (*list)(const struct tree *tree, const char *rest, const char *after, tree_each_fn each, void *arg,
                     struct cas_error *error);
};

extern const struct view view_patients, view_dates, view_uids, view_snapshots;

/* The tree of the snapshot whose name `rest` begins with, as struct tree_scope has it. */
CAS_MUST_USE cas_status snapshot_tree_open(const struct tree *tree, const char *rest, struct tree *inner,
                                           const char **inner_path, struct cas_error *error);

/* The entry of a store's node. */
struct tree_entry view_entry(const struct cas_node *node);

/* The entry of a folder that gathers the whole store: its time is that of the newest arrival. */
cas_status view_top_entry(const struct tree *tree, struct tree_entry *entry, struct cas_error *error);

/* Looks up the node at a node path. */
cas_status view_get_node(const struct tree *tree, const char *node_path, struct tree_entry *entry,
                         struct cas_error *error);

/* Lists the children of a node; "" are the patients. */
cas_status view_list_nodes(const struct tree *tree, const char *node_path, const char *after, tree_each_fn each,
                           void *arg, struct cas_error *error);

/* Patients/ by the months of their studies, as a view's functions. */
CAS_MUST_USE cas_status view_month_get(const struct tree *tree, const char *rest, struct tree_entry *entry,
                                       char *node_path, struct cas_error *error);
CAS_MUST_USE cas_status view_month_list(const struct tree *tree, const char *rest, const char *after, tree_each_fn each,
                                        void *arg, struct cas_error *error);

/* How many parts a path has. */
static inline unsigned view_depth(const char *path) {
  if (path[0] == '\0') return 0;
  unsigned depth = 1;
  for (; *path != '\0'; path++) depth += *path == '/';
  return depth;
}

/* Copies a path; false, and `to` is "", where it is too long. */
static inline bool view_copy(char to[TREE_PATH_MAX], const char *from) {
  size_t size = strnlen(from, TREE_PATH_MAX);
  bool fits = size < TREE_PATH_MAX;
  memcpy(to, from, fits ? size : 0);
  to[fits ? size : 0] = '\0';
  return fits;
}

/* A function of cas_node_fn that stops at the first node; for "is there any?". Counts into the unsigned at `arg`. */
static inline cas_status view_count_one(void *arg, const struct cas_node *node) {
  (void)node;
  ++*(unsigned *)arg;
  return CAS_END;
}

#endif
