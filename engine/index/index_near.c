/*
 * Owns the cursors. Invariants:
 *  1. A cursor that is busy is in a list, whose callback may not move it: then what is asked is looked up on its own.
 *  2. No key lies between `passed` and the place of its cursor, unless that is before it.
 */
#include "index/index_near.h"

#include "base/status.h"
#include "index/index_lookup.h"
#include "index/index_node.h"

struct near_cursor {
  struct index_cursor cursor; /* of no use before is_open */
  bool is_open, is_busy;
  struct index_key passed;
};

struct index_near {
  struct index *index;
  struct near_cursor levels[CAS_LEVEL_INSTANCE + 1];
};

cas_status index_near_create(struct index *index, struct index_near **near) {
  struct index_near *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  created->index = index;
  *near = created;
  return CAS_OK;
}

void index_near_destroy(struct index_near *near) {
  if (near == NULL) return;
  for (unsigned level = CAS_LEVEL_PATIENT; level <= CAS_LEVEL_INSTANCE; level++)
    if (near->levels[level].is_open) index_cursor_close(&near->levels[level].cursor);
  free(near);
}

/* Moves the cursor of a level to the first key that is not before `key`. */
static cas_status approach(struct index_near *near, struct near_cursor *at, const struct index_key *key,
                           struct cas_error *error) {
  if (!at->is_open) {
    STATUS_TRY(index_cursor_open(near->index, (struct cas_slice){0}, &at->cursor, error));
    at->is_open = true;
    index_cursor_seek(&at->cursor, key);
  } else {
    const bool is_past = slice_compare(index_key_slice(&at->passed), index_key_slice(key)) <= 0;
    index_cursor_approach(&at->cursor, key, is_past);
  }
  at->passed.size = key->size;
  memcpy(at->passed.bytes, key->bytes, key->size);
  at->cursor.prefix = index_key_slice(&at->passed);
  return CAS_OK;
}

static cas_status decode(const struct index_near *near, const char *path, struct cas_slice bytes,
                         struct index_node *node, struct cas_error *error) {
  const enum cas_level level = (enum cas_level)index_path_level(path);
  struct index_node_value value;
  struct index_node_room room = {0};
  struct cas_slice parent, name;
  if (!index_decode_node(bytes, level, &value))
    return status_fail(error, CAS_CORRUPT, "index %s: the node %s is damaged", near->index->folder, path);
  index_path_split(path, &parent, &name);
  const cas_status status = index_node_fill(&room, level, parent, name, &value, node);
  if (status == CAS_OK) return CAS_OK;
  index_node_room_fini(&room);
  return status_fail(error, status, "index: out of memory");
}

cas_status index_near_get_node(struct index_near *near, const char *path, struct index_node *node,
                               struct cas_error *error) {
  struct index_key key;
  struct cas_slice rest, value;
  if (!index_key_node(&key, path)) return CAS_NOT_FOUND;
  struct near_cursor *at = &near->levels[index_path_level(path)];
  if (at->is_busy) return index_get_node(near->index, path, node, error);
  STATUS_TRY(approach(near, at, &key, error));
  const cas_status status = index_cursor_get(&at->cursor, &rest, &value, error);
  if (status != CAS_OK && status != CAS_END) return status;
  if (status == CAS_END || rest.size > 0) return index_get_node(near->index, path, node, error);
  return decode(near, path, value, node, error);
}

cas_status index_near_list(struct index_near *near, const char *parent, index_node_fn each, void *arg,
                           struct cas_error *error) {
  struct index_key prefix;
  if (!index_key_children(&prefix, parent)) return CAS_OK;
  const enum cas_level level = (enum cas_level)(index_path_level(parent) + 1);
  struct near_cursor *at = &near->levels[level];
  if (at->is_busy) return index_list(near->index, parent, NULL, each, arg, error);
  STATUS_TRY(approach(near, at, &prefix, error));
  at->is_busy = true;
  const cas_status status = index_list_children(&at->cursor, level, parent, each, arg, error);
  at->is_busy = false;
  /* Among the children, or behind the last that there could be. */
  at->passed.bytes[at->passed.size - 1]++;
  return status;
}
