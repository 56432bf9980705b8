/*
 * Owns the attributes of the nodes above the last one shown: matches come in path order, so neighbours share them.
 */
#include "find_response.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "find_header.h"

void find_response_fini(struct find_response *response) {
  for (size_t i = 0; i <= CAS_LEVEL_INSTANCE; i++) cas_attributes_destroy(response->above[i]);
  cas_buffer_fini(&response->value);
  find_text_fini(&response->text);
}

/* --- what is gathered below a node --- */

struct gathered {
  struct cas_counts counts;
  char modalities[256]; /* each once, with backslashes between */
  struct cas_buffer classes;
  bool of_instances;
  struct cas_header *header;
};

/* What one response gathers. */
struct gathering {
  struct find_response *response;
  struct gathered *gathered;
  struct cas_error *error;
};

/* Whether `one` is among the values of `list`. */
static bool is_listed(const char *list, size_t list_size, const char *one) {
  const size_t size = strlen(one);
  for (size_t at = 0; at + size <= list_size; at++) {
    const bool begins = at == 0 || list[at - 1] == '\\';
    const bool ends = at + size == list_size || list[at + size] == '\\';
    if (begins && ends && memcmp(list + at, one, size) == 0) return true;
  }
  return false;
}

static void add_modality(struct gathered *gathered, const char *modality) {
  const size_t size = strlen(gathered->modalities);
  if (modality[0] == '\0' || is_listed(gathered->modalities, size, modality)) return;
  if (size + strlen(modality) + 2 >= sizeof gathered->modalities) return;
  snprintf(gathered->modalities + size, sizeof gathered->modalities - size, "%s%s", size > 0 ? "\\" : "", modality);
}

static cas_status add_class(struct gathered *gathered, const char *uid) {
  struct cas_buffer *classes = &gathered->classes;
  if (uid[0] == '\0' || is_listed((const char *)classes->data, classes->size, uid)) return CAS_OK;
  cas_status status = CAS_OK;
  if (classes->size > 0) status = cas_buffer_append(classes, (struct cas_slice){(const uint8_t *)"\\", 1});
  if (status == CAS_OK) status = cas_buffer_append(classes, (struct cas_slice){(const uint8_t *)uid, strlen(uid)});
  return status;
}

static cas_status gather_child(void *arg, const struct cas_node *node) {
  struct gathering *gathering = arg;
  if (node->level == CAS_LEVEL_INSTANCE)
    return add_class(gathering->gathered, cas_attributes_text(node->attributes, CAS_TAG_SOP_CLASS_UID));
  add_modality(gathering->gathered, cas_attributes_text(node->attributes, CAS_TAG_MODALITY));
  if (!gathering->gathered->of_instances) return CAS_OK;
  return cas_node_list(gathering->response->store, node->path, NULL, gather_child, gathering, gathering->error);
}

static bool asks_for(const struct find_response *response, const uint32_t *tags, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (identifier_find(&response->query->identifier, tags[i]) != NULL) return true;
  return false;
}

static bool asks_for_header(const struct find_response *response) {
  const struct identifier *request = &response->query->identifier;
  for (size_t i = 0; i < request->count; i++)
    if (find_attributes_have(response->query->further, request->keys[i].tag)) return true;
  return false;
}

/* Only what is asked for. */
static cas_status gather(struct find_response *response, const struct cas_node *node, struct gathered *gathered,
                         struct cas_error *error) {
  static const uint32_t counts[] = {0x00201200, 0x00201202, 0x00201204, 0x00201206, 0x00201208, 0x00201209};
  static const uint32_t modalities[] = {CAS_TAG_MODALITIES_IN_STUDY}, classes[] = {CAS_TAG_SOP_CLASSES_IN_STUDY};
  struct gathering gathering = {.response = response, .gathered = gathered, .error = error};
  cas_status status = CAS_OK;
  gathered->of_instances = asks_for(response, classes, 1);
  const bool of_series =
      node->level == CAS_LEVEL_STUDY && (gathered->of_instances || asks_for(response, modalities, 1));
  if (node->level < CAS_LEVEL_INSTANCE && asks_for(response, counts, 6))
    status =
        cas_node_count(response->store, node, of_series ? gather_child : NULL, &gathering, &gathered->counts, error);
  else if (of_series)
    status = cas_node_list(response->store, node->path, NULL, gather_child, &gathering, error);
  if (status == CAS_OK && asks_for_header(response)) {
    status = cas_header_open(response->store, node, &gathered->header, error);
    if (status == CAS_NOT_FOUND || status == CAS_CORRUPT) status = CAS_OK;
  }
  return status;
}

/* --- the nodes above --- */

static cas_status copy_attributes(void *arg, const struct cas_node *node) {
  struct cas_attributes *copy = arg;
  struct cas_attribute attribute;
  size_t position = 0;
  while (cas_attributes_next(node->attributes, &position, &attribute)) {
    const struct cas_slice value = {.data = (const uint8_t *)attribute.value, .size = strlen(attribute.value)};
    const cas_status status = cas_attributes_set(copy, attribute.tag, value);
    if (status != CAS_OK) return status;
  }
  return CAS_OK;
}

/* Makes above[level] the attributes of the node at the first `size` bytes of `path`. */
static cas_status look_above(struct find_response *response, enum cas_level level, const char *path, size_t size,
                             struct cas_error *error) {
  char *known = response->parents[level];
  if (size >= sizeof response->parents[level]) return CAS_INVALID;
  if (response->above[level] != NULL && strlen(known) == size && memcmp(known, path, size) == 0) return CAS_OK;
  cas_attributes_destroy(response->above[level]);
  response->above[level] = NULL;
  memcpy(known, path, size);
  known[size] = '\0';
  const cas_status status = cas_attributes_create(&response->above[level]);
  if (status != CAS_OK) return status;
  return cas_node_get(response->store, known, copy_attributes, response->above[level], error);
}

static cas_status look_at_parents(struct find_response *response, const struct cas_node *node,
                                  struct cas_error *error) {
  const char *at = node->path;
  for (enum cas_level level = CAS_LEVEL_PATIENT; level < node->level; level++) {
    at += strcspn(at, "/");
    const cas_status status = look_above(response, level, node->path, (size_t)(at - node->path), error);
    if (status != CAS_OK) return status;
    at++;
  }
  return CAS_OK;
}

/* --- encoding --- */

/* The attributes that are no attribute of one node. */
struct computed {
  uint32_t tag;
  const char *vr;
};

static const struct computed computed[] = {
    {IDENTIFIER_TAG_LEVEL, "CS"},
    {FIND_TAG_RETRIEVE_AET, "AE"},
    {0x00080056, "CS"},
    {CAS_TAG_MODALITIES_IN_STUDY, "CS"},
    {CAS_TAG_SOP_CLASSES_IN_STUDY, "UI"},
    {0x00201200, "IS"},
    {0x00201202, "IS"},
    {0x00201204, "IS"},
    {0x00201206, "IS"},
    {0x00201208, "IS"},
    {0x00201209, "IS"},
};

static struct cas_slice slice_of_text(const char *text) {
  return (struct cas_slice){.data = (const uint8_t *)text, .size = strlen(text)};
}

static const char *level_text(enum cas_level level) {
  static const char *const names[] = {"", "PATIENT", "STUDY", "SERIES", "IMAGE"};
  return names[level];
}

/* The value of a computed attribute, empty where the level has none. */
static struct cas_slice compute(const struct find_response *response, const struct cas_node *node, uint32_t tag,
                                const struct gathered *gathered, char text[32]) {
  const struct cas_counts *counts = &gathered->counts;
  uint64_t number = 0;
  bool known = false;
  switch (tag) {
  case IDENTIFIER_TAG_LEVEL: return slice_of_text(level_text(node->level));
  case FIND_TAG_RETRIEVE_AET: return slice_of_text(response->aet);
  case 0x00080056: return slice_of_text("ONLINE");
  case CAS_TAG_MODALITIES_IN_STUDY: return slice_of_text(gathered->modalities);
  case CAS_TAG_SOP_CLASSES_IN_STUDY:
    return (struct cas_slice){.data = gathered->classes.data, .size = gathered->classes.size};
  case 0x00201200: known = node->level == CAS_LEVEL_PATIENT, number = counts->studies; break;
  case 0x00201202: known = node->level == CAS_LEVEL_PATIENT, number = counts->series; break;
  case 0x00201204: known = node->level == CAS_LEVEL_PATIENT, number = counts->instances; break;
  case 0x00201206: known = node->level == CAS_LEVEL_STUDY, number = counts->series; break;
  case 0x00201208: known = node->level == CAS_LEVEL_STUDY, number = counts->instances; break;
  default: known = node->level == CAS_LEVEL_SERIES, number = counts->instances; break;
  }
  text[0] = '\0';
  if (known) snprintf(text, 32, "%" PRIu64, number);
  return slice_of_text(text);
}

static const struct computed *computed_by_tag(uint32_t tag) {
  for (size_t i = 0; i < sizeof computed / sizeof computed[0]; i++)
    if (computed[i].tag == tag) return &computed[i];
  return NULL;
}

/* The indexed value, of the node or one above it; "" where nothing is known. */
static const char *indexed(const struct find_response *response, const struct cas_node *node,
                           const struct cas_attribute_definition *definition) {
  if (definition->level == node->level) return cas_attributes_text(node->attributes, definition->tag);
  if (definition->level > node->level) return "";
  return cas_attributes_text(response->above[definition->level], definition->tag);
}

static cas_status put_indexed(struct find_response *response, const struct cas_node *node,
                              const struct cas_attribute_definition *definition, struct cas_buffer *bytes) {
  const bool explicit_vr = response->query->identifier.explicit_vr;
  const char *text = indexed(response, node, definition);
  if (strcmp(definition->vr, "US") == 0)
    return identifier_put_integers(bytes, explicit_vr, definition->tag, definition->vr, text);
  const cas_status status = find_text_encode(&response->text, slice_of_text(text), definition->vr, &response->value);
  if (status != CAS_OK) return status;
  return identifier_put(bytes, explicit_vr, definition->tag, definition->vr,
                        (struct cas_slice){.data = response->value.data, .size = response->value.size});
}

static cas_status put_key(struct find_response *response, const struct cas_node *node, const struct identifier_key *key,
                          const struct gathered *gathered, struct cas_buffer *bytes) {
  const struct identifier *request = &response->query->identifier;
  const struct cas_attribute_definition *definition = cas_attribute_by_tag(key->tag);
  const struct computed *made = computed_by_tag(key->tag);
  char text[32];
  if (key->tag == CAS_TAG_SPECIFIC_CHARACTER_SET || (key->tag & 0xFFFF) == 0) return CAS_OK;
  if (made != NULL)
    return identifier_put(bytes, request->explicit_vr, key->tag, made->vr,
                          compute(response, node, key->tag, gathered, text));
  if (definition != NULL) return put_indexed(response, node, definition, bytes);
  const bool further = find_attributes_have(response->query->further, key->tag);
  return find_header_put(further ? gathered->header : NULL, &response->text, request, key, bytes);
}

static cas_status put_character_set(const struct find_response *response, struct cas_buffer *bytes) {
  const char *term = find_text_term(&response->text);
  if (term[0] == '\0') return CAS_OK;
  return identifier_put(bytes, response->query->identifier.explicit_vr, CAS_TAG_SPECIFIC_CHARACTER_SET, "CS",
                        slice_of_text(term));
}

static cas_status encode(struct find_response *response, const struct cas_node *node, const struct gathered *gathered,
                         bool utf8, struct cas_buffer *bytes) {
  const struct identifier *request = &response->query->identifier;
  cas_status status = CAS_OK;
  bool has_set = false;
  bytes->size = 0;
  find_text_begin(&response->text, utf8);
  for (size_t i = 0; i < request->count && status == CAS_OK; i++) {
    if (!has_set && request->keys[i].tag >= CAS_TAG_SPECIFIC_CHARACTER_SET) {
      status = put_character_set(response, bytes);
      has_set = true;
    }
    if (status == CAS_OK) status = put_key(response, node, &request->keys[i], gathered, bytes);
  }
  return status == CAS_OK && !has_set ? put_character_set(response, bytes) : status;
}

cas_status find_response_encode(struct find_response *response, const struct cas_node *node, struct cas_buffer *bytes,
                                struct cas_error *error) {
  struct gathered gathered = {0};
  cas_status status = look_at_parents(response, node, error);
  if (status == CAS_OK) status = gather(response, node, &gathered, error);
  if (status == CAS_OK) status = encode(response, node, &gathered, false, bytes);
  if (status == CAS_OK && response->text.failed) status = encode(response, node, &gathered, true, bytes);
  cas_buffer_fini(&gathered.classes);
  cas_header_close(gathered.header);
  return status;
}
