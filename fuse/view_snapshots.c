/*
 * Snapshots/: a folder for each snapshot, with the other views in it as they were then.
 *
 * Invariants
 *  1. What lies below Snapshots/<name> depends on the snapshot alone. Only its name can go, and come back for another
 *     snapshot.
 */
#include "cassette/snapshot.h"
#include "fuse/view.h"

static cas_status keep_snapshot_entry(void *arg, const struct cas_snapshot *snapshot) {
  struct tree_entry *entry = arg;
  *entry = (struct tree_entry){.kind = TREE_FOLDER, .fleeting = true, .time_ns = snapshot->created_ns};
  return CAS_OK;
}

/* The name that `rest` begins with; false where it is too long for one. */
static bool cut_name(const char *rest, char name[CAS_SNAPSHOT_NAME_MAX + 1]) {
  size_t size = strcspn(rest, "/");
  if (size > CAS_SNAPSHOT_NAME_MAX) return false;
  memcpy(name, rest, size);
  name[size] = '\0';
  return true;
}

cas_status snapshot_tree_open(const struct tree *tree, const char *rest, struct tree *inner, const char **inner_path,
                              struct cas_error *error) {
  char name[CAS_SNAPSHOT_NAME_MAX + 1];
  struct tree_entry entry;
  if (!cut_name(rest, name)) return CAS_NOT_FOUND;
  *inner = *tree;
  inner->views &= ~(unsigned)TREE_SNAPSHOTS;
  cas_status status = cas_snapshot_get(tree->store, name, keep_snapshot_entry, &entry, error);
  if (status == CAS_OK) status = cas_snapshot_open(tree->store, name, &inner->store, error);
  if (status != CAS_OK) return status;
  inner->created_ns = entry.time_ns;
  rest += strlen(name);
  *inner_path = *rest == '/' ? rest + 1 : rest;
  return CAS_OK;
}

static cas_status get(const struct tree *tree, const char *rest, struct tree_entry *entry, char *node_path,
                      struct cas_error *error) {
  struct tree inner;
  const char *path;
  if (strchr(rest, '/') == NULL) {
    char name[CAS_SNAPSHOT_NAME_MAX + 1];
    if (!cut_name(rest, name)) return CAS_NOT_FOUND;
    return cas_snapshot_get(tree->store, name, keep_snapshot_entry, entry, error);
  }
  cas_status status = snapshot_tree_open(tree, rest, &inner, &path, error);
  if (status != CAS_OK) return status;
  status = tree_get(&inner, path, entry, node_path, error);
  entry->fleeting = true;
  cas_snapshot_close(inner.store);
  return status;
}

struct snapshot_list {
  tree_each_fn each;
  void *arg;
};

static cas_status list_one(void *arg, const struct cas_snapshot *snapshot) {
  const struct snapshot_list *list = arg;
  struct tree_entry entry;
  cas_status status = keep_snapshot_entry(&entry, snapshot);
  return status == CAS_OK ? list->each(list->arg, snapshot->name, &entry) : status;
}

static cas_status list_inside(void *arg, const char *name, const struct tree_entry *entry) {
  const struct snapshot_list *list = arg;
  struct tree_entry fleeting = *entry;
  fleeting.fleeting = true;
  return list->each(list->arg, name, &fleeting);
}

static cas_status list(const struct tree *tree, const char *rest, const char *after, tree_each_fn each, void *arg,
                       struct cas_error *error) {
  struct tree inner;
  const char *path;
  struct snapshot_list names = {.each = each, .arg = arg};
  if (rest[0] == '\0') {
    return cas_snapshot_list(tree->store, after, list_one, &names, error);
  }
  cas_status status = snapshot_tree_open(tree, rest, &inner, &path, error);
  if (status != CAS_OK) return status == CAS_NOT_FOUND ? CAS_OK : status;
  status = tree_list(&inner, path, after, list_inside, &names, error);
  cas_snapshot_close(inner.store);
  return status;
}

const struct view view_snapshots = {.bit = TREE_SNAPSHOTS, .name = "Snapshots", .get = get, .list = list};
