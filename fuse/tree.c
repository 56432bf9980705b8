/*
 * Owns nothing: sends each view path to the view that its first part names.
 *
 * Invariants
 *  1. A view sees only paths that tree_join() could have made: no empty part, no "." or "..", no more than
 *     TREE_DEPTH_MAX parts, each at most NAME_MAX bytes. So no path can lead out of the tree.
 *  2. The root lists its views, but for those that are unlisted, in byte order of their names.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "fuse/view.h"

static const struct view *const all_views[] = {&view_dates, &view_patients, &view_snapshots, &view_uids};
#define VIEW_COUNT (sizeof all_views / sizeof all_views[0])

/* Inode numbers below this have a meaning of their own to FUSE or to programs (0, 1), or are kept free. */
#define INODE_MIN 16
#define INODE_ROOT 1

static bool name_is_valid(const char *name, size_t size) {
  if (size == 0 || size > NAME_MAX) return false;
  return !(name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.')));
}

static bool path_is_valid(const char *path) {
  if (path[0] == '\0') return true;
  if (strnlen(path, TREE_PATH_MAX) == TREE_PATH_MAX || view_depth(path) > TREE_DEPTH_MAX) return false;
  for (;;) {
    size_t size = strcspn(path, "/");
    if (!name_is_valid(path, size)) return false;
    if (path[size] == '\0') return true;
    path += size + 1;
  }
}

/* The view that a path names and the path inside it; NULL where there is none or it is switched off. */
static const struct view *find_view(const struct tree *tree, const char *path, const char **rest) {
  size_t size = strcspn(path, "/");
  for (size_t i = 0; i < VIEW_COUNT; i++) {
    const struct view *view = all_views[i];
    if ((tree->views & view->bit) == 0 || strlen(view->name) != size || memcmp(view->name, path, size) != 0) continue;
    *rest = path[size] == '/' ? path + size + 1 : "";
    return view;
  }
  return NULL;
}

static cas_status list_views(const struct tree *tree, const char *after, tree_each_fn each, void *arg,
                             struct cas_error *error) {
  for (size_t i = 0; i < VIEW_COUNT; i++) {
    const struct view *view = all_views[i];
    if ((tree->views & ~tree->unlisted & view->bit) == 0 || (after != NULL && strcmp(view->name, after) <= 0)) continue;
    struct tree_entry entry;
    cas_status status = view_top_entry(tree, &entry, error);
    if (status == CAS_OK) status = each(arg, view->name, &entry);
    if (status != CAS_OK) return status;
  }
  return CAS_OK;
}

cas_status tree_get(const struct tree *tree, const char *path, struct tree_entry *entry, char node_path[TREE_PATH_MAX],
                    struct cas_error *error) {
  char unwanted[TREE_PATH_MAX];
  if (node_path == NULL) node_path = unwanted;
  node_path[0] = '\0';
  if (!path_is_valid(path)) return CAS_NOT_FOUND;
  if (path[0] == '\0') return view_top_entry(tree, entry, error);
  const char *rest;
  const struct view *view = find_view(tree, path, &rest);
  if (view == NULL) return CAS_NOT_FOUND;
  if (rest[0] == '\0') {
    cas_status status = view_top_entry(tree, entry, error);
    /* Snapshots come and go without instances. */
    entry->fleeting = view == &view_snapshots;
    if (entry->fleeting) entry->instances = 0;
    return status;
  }
  return view->get(tree, rest, entry, node_path, error);
}

uint64_t tree_entry_stamp(const struct tree_entry *entry) {
  uint64_t stamp = (uint64_t)entry->time_ns * UINT64_C(0x9E3779B97F4A7C15) ^ entry->instances;
  return stamp == 0 ? 1 : stamp;
}

cas_status tree_list(const struct tree *tree, const char *path, const char *after, tree_each_fn each, void *arg,
                     struct cas_error *error) {
  if (!path_is_valid(path)) return CAS_OK;
  if (path[0] == '\0') return list_views(tree, after, each, arg, error);
  const char *rest;
  const struct view *view = find_view(tree, path, &rest);
  return view == NULL ? CAS_OK : view->list(tree, rest, after, each, arg, error);
}

cas_status tree_enter(const struct tree *tree, const char *path, struct tree_scope *scope, struct cas_error *error) {
  const char *rest;
  *scope = (struct tree_scope){.tree = *tree, .path = path};
  if (find_view(tree, path, &rest) != &view_snapshots || strchr(rest, '/') == NULL) return CAS_OK;
  cas_status status = snapshot_tree_open(tree, rest, &scope->tree, &scope->path, error);
  if (status == CAS_OK) scope->view = scope->tree.store;
  return status;
}

void tree_leave(struct tree_scope *scope) { cas_snapshot_close(scope->view); }

uint64_t tree_inode(const char *path) {
  if (path[0] == '\0') return INODE_ROOT;
  uint64_t hash = XXH3_64bits(path, strlen(path)) & INT64_MAX;
  return hash < INODE_MIN ? hash + INODE_MIN : hash;
}

cas_status tree_join(const char *folder, const char *name, char path[TREE_PATH_MAX]) {
  size_t name_size = strnlen(name, NAME_MAX + 1);
  if (!name_is_valid(name, name_size) || memchr(name, '/', name_size) != NULL) return CAS_NOT_FOUND;
  if (view_depth(folder) >= TREE_DEPTH_MAX) return CAS_NOT_FOUND;
  size_t folder_size = strnlen(folder, TREE_PATH_MAX);
  if (folder_size + 1 + name_size + 1 > TREE_PATH_MAX) return CAS_NOT_FOUND;
  memmove(path, folder, folder_size);
  if (folder_size > 0) path[folder_size++] = '/';
  memcpy(path + folder_size, name, name_size);
  path[folder_size + name_size] = '\0';
  return CAS_OK;
}

/* --- shared by the views --- */

struct tree_entry view_entry(const struct cas_node *node) {
  if (node->level == CAS_LEVEL_INSTANCE)
    return (struct tree_entry){.kind = TREE_FILE, .bytes = node->bytes, .time_ns = node->first_arrival_ns};
  return (struct tree_entry){.kind = TREE_FOLDER, .instances = node->instances, .time_ns = node->last_arrival_ns};
}

static cas_status keep_entry(void *arg, const struct cas_node *node) {
  struct tree_entry *entry = arg;
  *entry = view_entry(node);
  return CAS_OK;
}

cas_status view_top_entry(const struct tree *tree, struct tree_entry *entry, struct cas_error *error) {
  struct tree_entry found = {.kind = TREE_FOLDER, .time_ns = tree->created_ns};
  cas_status status = cas_node_get(tree->store, "", keep_entry, &found, error);
  if (status != CAS_OK && status != CAS_NOT_FOUND && status != CAS_END) return status;
  found.kind = TREE_FOLDER;
  found.bytes = 0;
  if (found.time_ns == 0) found.time_ns = tree->created_ns;
  *entry = found;
  return CAS_OK;
}

cas_status view_get_node(const struct tree *tree, const char *node_path, struct tree_entry *entry,
                         struct cas_error *error) {
  if (view_depth(node_path) > CAS_LEVEL_INSTANCE) return CAS_NOT_FOUND;
  return cas_node_get(tree->store, node_path, keep_entry, entry, error);
}

struct node_list {
  tree_each_fn each;
  void *arg;
};

static cas_status hand_on_node(void *arg, const struct cas_node *node) {
  const struct node_list *list = arg;
  struct tree_entry entry = view_entry(node);
  return list->each(list->arg, node->name, &entry);
}

cas_status view_list_nodes(const struct tree *tree, const char *node_path, const char *after, tree_each_fn each,
                           void *arg, struct cas_error *error) {
  if (view_depth(node_path) >= CAS_LEVEL_INSTANCE) return CAS_OK;
  struct node_list list = {.each = each, .arg = arg};
  cas_status status = cas_node_list(tree->store, node_path, after, hand_on_node, &list, error);
  return status == CAS_NOT_FOUND ? CAS_OK : status;
}
