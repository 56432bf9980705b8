/*
 * Owns the list of folders that are still to be looked into.
 *
 * Invariants
 *  1. A folder gets its new stamp only after what the kernel knows in it has been looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "fuse/sweep.h"

/* Numbers of inodes. */
struct numbers {
  uint64_t *items;
  size_t count, capacity;
};

struct walk {
  const struct sweep *sweep;
  struct numbers folders; /* that have changed: the last one is next */
  struct cas_error *error;
};

static cas_status push(struct numbers *numbers, uint64_t number) {
  if (numbers->count == numbers->capacity) {
    size_t capacity = numbers->capacity == 0 ? 64 : 2 * numbers->capacity;
    uint64_t *items = realloc(numbers->items, capacity * sizeof *items);
    if (items == NULL) return CAS_NO_MEMORY;
    numbers->items = items;
    numbers->capacity = capacity;
  }
  numbers->items[numbers->count++] = number;
  return CAS_OK;
}

/* Says `*stamp` of a folder: 0 where the folder cannot tell whether it changed. */
static uint64_t stamp_of(const struct tree_entry *entry) {
  return entry->instances == 0 || entry->fleeting ? 0 : tree_entry_stamp(entry);
}

static cas_status look_at_child(struct walk *walk, uint64_t folder, uint64_t child) {
  const struct sweep *sweep = walk->sweep;
  struct tree_entry entry;
  char path[TREE_PATH_MAX];
  if (inode_table_path(sweep->inodes, child, path) != CAS_OK) return CAS_OK; /* forgotten meanwhile */
  cas_status status = tree_get(sweep->tree, path, &entry, NULL, walk->error);
  if (status == CAS_NOT_FOUND) {
    sweep->gone(sweep->arg, folder, strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1);
    return CAS_OK;
  }
  if (status != CAS_OK || entry.kind == TREE_FILE || entry.fleeting) return status;
  uint64_t stamp = stamp_of(&entry);
  if (stamp != 0 && stamp == inode_table_swept(sweep->inodes, child, NULL)) return CAS_OK;
  sweep->changed(sweep->arg, child);
  return push(&walk->folders, child);
}

static cas_status look_into(struct walk *walk, uint64_t folder) {
  const struct sweep *sweep = walk->sweep;
  struct tree_entry entry;
  char path[TREE_PATH_MAX];
  uint64_t *children = NULL;
  size_t count = 0;
  if (inode_table_path(sweep->inodes, folder, path) != CAS_OK) return CAS_OK;
  cas_status status = tree_get(sweep->tree, path, &entry, NULL, walk->error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  if (status == CAS_OK) status = inode_table_children(sweep->inodes, folder, &children, &count);
  for (size_t i = 0; i < count && status == CAS_OK; i++) status = look_at_child(walk, folder, children[i]);
  free(children);
  uint64_t stamp = stamp_of(&entry);
  if (status == CAS_OK) inode_table_swept(sweep->inodes, folder, &stamp);
  return status;
}

cas_status sweep_look(const struct sweep *sweep, uint64_t *stamp, bool *changed, struct cas_error *error) {
  struct tree_entry entry;
  cas_status status = tree_get(sweep->tree, "", &entry, NULL, error);
  if (status != CAS_OK) return status;
  uint64_t now = tree_entry_stamp(&entry);
  *changed = now != *stamp;
  *stamp = now;
  return CAS_OK;
}

cas_status sweep_run(const struct sweep *sweep, struct cas_error *error) {
  struct walk walk = {.sweep = sweep, .error = error};
  sweep->changed(sweep->arg, INODE_TABLE_ROOT);
  cas_status status = push(&walk.folders, INODE_TABLE_ROOT);
  while (status == CAS_OK && walk.folders.count > 0)
    status = look_into(&walk, walk.folders.items[--walk.folders.count]);
  free(walk.folders.items);
  return status;
}
