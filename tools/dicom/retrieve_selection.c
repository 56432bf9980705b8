/*
 * Owns the list of one retrieve. Invariants:
 *  1. Items are in ascending order of paths, each path once.
 *  2. text holds for each item its path and its SOP Instance UID, each with a NUL.
 */
#include "retrieve_selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t unique_keys[] = {0, CAS_TAG_PATIENT_ID, CAS_TAG_STUDY_INSTANCE_UID, CAS_TAG_SERIES_INSTANCE_UID,
                                       CAS_TAG_SOP_INSTANCE_UID};

struct selecting {
  struct retrieve_selection *selection;
  struct cas_store *store;
  enum cas_level level;
  char above[CAS_LEVEL_INSTANCE + 1][RETRIEVE_NAME_MAX]; /* values of the unique keys above; "" for any */
  struct cas_error *error;
};

static cas_status fail(struct cas_error *error, cas_status status, const char *why) {
  if (error != NULL) {
    error->status = status;
    error->system_errno = 0;
    snprintf(error->message, sizeof error->message, "%s", why);
  }
  return status;
}

void retrieve_selection_fini(struct retrieve_selection *selection) {
  free(selection->items);
  free(selection->kinds);
  cas_buffer_fini(&selection->text);
  *selection = (struct retrieve_selection){0};
}

static const char *text_at(const struct retrieve_selection *selection, uint32_t at) {
  return (const char *)selection->text.data + at;
}

const char *retrieve_path(const struct retrieve_selection *selection, const struct retrieve_item *item) {
  return text_at(selection, item->path);
}

const char *retrieve_uid(const struct retrieve_selection *selection, const struct retrieve_item *item) {
  return text_at(selection, item->uid);
}

/* --- adding --- */

static cas_status find_kind(struct retrieve_selection *selection, const struct cas_node *node, uint16_t *kind,
                            struct cas_error *error) {
  const char *sop_class = cas_attributes_text(node->attributes, CAS_TAG_SOP_CLASS_UID);
  const char *syntax = cas_attributes_text(node->attributes, CAS_TAG_TRANSFER_SYNTAX_UID);
  for (size_t i = selection->kind_count; i-- > 0;) {
    const struct store_kind *known = &selection->kinds[i];
    *kind = (uint16_t)i;
    if (strcmp(known->sop_class_uid, sop_class) == 0 && strcmp(known->transfer_syntax_uid, syntax) == 0) return CAS_OK;
  }
  if (selection->kind_count == RETRIEVE_KINDS_MAX)
    return fail(error, CAS_BUSY, "too many SOP classes and transfer syntaxes");
  if (selection->kind_count % 16 == 0) {
    void *grown = realloc(selection->kinds, (selection->kind_count + 16) * sizeof *selection->kinds);
    if (grown == NULL) return CAS_NO_MEMORY;
    selection->kinds = grown;
  }
  *kind = (uint16_t)selection->kind_count;
  struct store_kind *made = &selection->kinds[selection->kind_count++];
  snprintf(made->sop_class_uid, sizeof made->sop_class_uid, "%s", sop_class);
  snprintf(made->transfer_syntax_uid, sizeof made->transfer_syntax_uid, "%s", syntax);
  return CAS_OK;
}

static cas_status put_text(struct retrieve_selection *selection, const char *text, uint32_t *at) {
  const size_t size = strlen(text) + 1;
  struct cas_buffer *buffer = &selection->text;
  if (size > RETRIEVE_TEXT_BYTES_MAX - buffer->size) return CAS_BUSY;
  *at = (uint32_t)buffer->size;
  if (buffer->capacity - buffer->size < size) {
    const cas_status reserved = cas_buffer_reserve(buffer, 2 * buffer->capacity + size);
    if (reserved != CAS_OK) return reserved;
  }
  return cas_buffer_append(buffer, (struct cas_slice){.data = (const uint8_t *)text, .size = size});
}

static cas_status add(struct selecting *selecting, const struct cas_node *node, const char *uid) {
  struct retrieve_selection *selection = selecting->selection;
  if (selection->count == RETRIEVE_INSTANCES_MAX) return fail(selecting->error, CAS_BUSY, "too many instances");
  if (selection->count == selection->capacity) {
    const size_t capacity = selection->capacity == 0 ? 256 : 2 * selection->capacity;
    void *grown = realloc(selection->items, capacity * sizeof *selection->items);
    if (grown == NULL) return CAS_NO_MEMORY;
    selection->items = grown;
    selection->capacity = capacity;
  }
  struct retrieve_item item;
  cas_status status = find_kind(selection, node, &item.kind, selecting->error);
  if (status == CAS_OK) status = put_text(selection, node->path, &item.path);
  if (status == CAS_OK) status = put_text(selection, uid, &item.uid);
  if (status == CAS_BUSY) return fail(selecting->error, CAS_BUSY, "too many instances, or names that are too long");
  if (status == CAS_OK) selection->items[selection->count++] = item;
  return status;
}

/* Adds an instance that is the newest version. */
static cas_status add_newest(void *arg, const struct cas_node *node) {
  struct selecting *selecting = arg;
  const char *uid = cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID);
  bool newest;
  const cas_status status = cas_node_is_current(selecting->store, node, &newest, selecting->error);
  return status == CAS_OK && newest ? add(selecting, node, uid) : status;
}

/* --- looking up --- */

struct ancestor {
  const struct selecting *selecting;
  bool differs;
};

static cas_status compare_ancestor(void *arg, const struct cas_node *node) {
  struct ancestor *ancestor = arg;
  const char *wanted = ancestor->selecting->above[node->level];
  ancestor->differs = strcmp(cas_attributes_text(node->attributes, unique_keys[node->level]), wanted) != 0;
  return CAS_OK;
}

/* Whether the nodes above have the unique keys that the identifier gives. */
static cas_status check_above(const struct selecting *selecting, const struct cas_node *node, bool *fits) {
  char path[4 * 256];
  snprintf(path, sizeof path, "%s", node->path);
  *fits = true;
  for (enum cas_level level = node->level - 1; level >= CAS_LEVEL_PATIENT && *fits; level--) {
    char *cut = strrchr(path, '/');
    if (cut == NULL) return CAS_OK;
    *cut = '\0';
    if (selecting->above[level][0] == '\0') continue;
    struct ancestor ancestor = {.selecting = selecting};
    const cas_status status = cas_node_get(selecting->store, path, compare_ancestor, &ancestor, selecting->error);
    if (status != CAS_OK) return status;
    *fits = !ancestor.differs;
  }
  return CAS_OK;
}

static cas_status add_below(void *arg, const struct cas_node *node) {
  struct selecting *selecting = arg;
  bool fits;
  const cas_status status = check_above(selecting, node, &fits);
  if (status != CAS_OK || !fits) return status;
  if (node->level == CAS_LEVEL_INSTANCE) return add_newest(selecting, node);
  return cas_instances_below(selecting->store, node->path, add_newest, selecting, selecting->error);
}

/* --- the identifier --- */

static cas_status read_level(struct selecting *selecting, const struct identifier *identifier, bool patient_root) {
  static const char *const names[] = {"", "PATIENT", "STUDY", "SERIES", "IMAGE"};
  const struct identifier_key *key = identifier_find(identifier, IDENTIFIER_TAG_LEVEL);
  for (enum cas_level level = CAS_LEVEL_PATIENT; level <= CAS_LEVEL_INSTANCE; level++)
    if (identifier_key_is(key, names[level])) selecting->level = level;
  if (selecting->level == 0 || (selecting->level == CAS_LEVEL_PATIENT && !patient_root))
    return fail(selecting->error, CAS_INVALID, "no Query/Retrieve Level, or one that the SOP class has not");
  return CAS_OK;
}

static cas_status read_above(struct selecting *selecting, const struct identifier *identifier, bool patient_root) {
  for (enum cas_level level = patient_root ? CAS_LEVEL_PATIENT : CAS_LEVEL_STUDY; level < selecting->level; level++) {
    const struct identifier_key *key = identifier_find(identifier, unique_keys[level]);
    if (key != NULL && !identifier_text(identifier, key->value, selecting->above[level], RETRIEVE_NAME_MAX))
      return fail(selecting->error, CAS_INVALID, "a unique key is too long, or in a character set that is not taken");
  }
  return CAS_OK;
}

/* One value of the unique key at the level asked for. */
static cas_status select_one(struct selecting *selecting, const struct identifier *identifier, struct cas_slice value) {
  char name[RETRIEVE_NAME_MAX];
  while (value.size > 0 && (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\0')) value.size--;
  if (value.size == 0) return CAS_OK;
  if (!identifier_text(identifier, value, name, sizeof name))
    return fail(selecting->error, CAS_INVALID, "a unique key is too long, or in a character set that is not taken");
  const cas_status status =
      cas_node_by_uid(selecting->store, selecting->level, name, add_below, selecting, selecting->error);
  return status == CAS_NOT_FOUND ? CAS_OK : status;
}

static cas_status select_all(struct selecting *selecting, const struct identifier *identifier) {
  const struct identifier_key *key = identifier_find(identifier, unique_keys[selecting->level]);
  if (key == NULL || key->value.size == 0)
    return fail(selecting->error, CAS_INVALID, "no unique key of the level asked for");
  struct cas_slice rest = key->value;
  while (rest.size > 0) {
    const uint8_t *end = memchr(rest.data, '\\', rest.size);
    const size_t size = end != NULL ? (size_t)(end - rest.data) : rest.size;
    const cas_status status = select_one(selecting, identifier, (struct cas_slice){.data = rest.data, .size = size});
    if (status != CAS_OK) return status;
    const size_t taken = end != NULL ? size + 1 : size;
    rest = (struct cas_slice){.data = rest.data + taken, .size = rest.size - taken};
  }
  return CAS_OK;
}

static int by_path(const void *a, const void *b, void *arg) {
  const struct retrieve_item *left = a, *right = b;
  return strcmp(text_at(arg, left->path), text_at(arg, right->path));
}

/* A list may name an instance twice. */
static void sort_and_drop_doubles(struct retrieve_selection *selection) {
  if (selection->count < 2) return;
  qsort_r(selection->items, selection->count, sizeof *selection->items, by_path, selection);
  size_t kept = 1;
  for (size_t i = 1; i < selection->count; i++)
    if (by_path(&selection->items[kept - 1], &selection->items[i], selection) != 0)
      selection->items[kept++] = selection->items[i];
  selection->count = kept;
}

cas_status retrieve_selection_fill(struct retrieve_selection *selection, struct cas_store *store,
                                   const struct identifier *identifier, bool patient_root, struct cas_error *error) {
  struct selecting selecting = {.selection = selection, .store = store, .error = error};
  cas_status status = read_level(&selecting, identifier, patient_root);
  if (status == CAS_OK) status = read_above(&selecting, identifier, patient_root);
  if (status == CAS_OK) status = select_all(&selecting, identifier);
  if (status == CAS_OK) sort_and_drop_doubles(selection);
  return status;
}
