/*
 * Owns the attributes of the nodes above the last one shown: matches come in path order, so neighbours share them.
 */
#include "find_response.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void find_response_fini(struct find_response *response) {
  for (size_t i = 0; i <= CAS_LEVEL_INSTANCE; i++) cas_attributes_destroy(response->above[i]);
}

/* --- what is gathered below a node --- */

struct gathering {
  struct find_response *response;
  uint64_t series, studies;
  char modalities[256]; /* each once, with backslashes between */
  bool wanted;
  struct cas_error *error;
};

/* Whether `modality` is among the values of `list`, which may have wildcards. */
static bool is_listed(const char *list, const char *modality) {
  char one[64];
  for (const char *at = list; at != NULL; at = strchr(at, '\\') != NULL ? strchr(at, '\\') + 1 : NULL) {
    const size_t size = strcspn(at, "\\");
    if (size >= sizeof one) continue;
    memcpy(one, at, size);
    one[size] = '\0';
    if (fnmatch(one, modality, FNM_NOESCAPE) == 0) return true;
  }
  return false;
}

static cas_status gather_series(void *arg, const struct cas_node *node) {
  struct gathering *gathering = arg;
  const char *modality = cas_attributes_text(node->attributes, CAS_TAG_MODALITY);
  const size_t size = strlen(gathering->modalities);
  gathering->series++;
  gathering->wanted |= is_listed(gathering->response->modalities, modality);
  if (modality[0] != '\0' && !is_listed(gathering->modalities, modality) &&
      size + strlen(modality) + 2 < sizeof gathering->modalities)
    snprintf(gathering->modalities + size, sizeof gathering->modalities - size, "%s%s", size > 0 ? "\\" : "", modality);
  return CAS_OK;
}

static cas_status gather_study(void *arg, const struct cas_node *node) {
  struct gathering *gathering = arg;
  gathering->studies++;
  return cas_node_list(gathering->response->store, node->path, NULL, gather_series, gathering, gathering->error);
}

static cas_status gather(struct find_response *response, const struct cas_node *node, struct gathering *gathering,
                         struct cas_error *error) {
  *gathering = (struct gathering){.response = response, .error = error};
  cas_node_fn each = node->level == CAS_LEVEL_PATIENT ? gather_study : gather_series;
  return cas_node_list(response->store, node->path, NULL, each, gathering, error);
}

static cas_status note_newest(void *arg, const struct cas_node *node) {
  uint32_t *newest = arg;
  if (node->version > *newest) *newest = node->version;
  return CAS_OK;
}

cas_status find_response_matches(struct find_response *response, const struct cas_node *node, bool *matches,
                                 struct cas_error *error) {
  *matches = true;
  if (node->level == CAS_LEVEL_INSTANCE) {
    uint32_t newest = node->version;
    const char *uid = cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID);
    const cas_status status = cas_node_by_uid(response->store, CAS_LEVEL_INSTANCE, uid, note_newest, &newest, error);
    *matches = newest == node->version;
    return status == CAS_NOT_FOUND ? CAS_OK : status;
  }
  if (node->level != CAS_LEVEL_STUDY || response->modalities[0] == '\0') return CAS_OK;
  struct gathering gathering;
  const cas_status status = gather(response, node, &gathering, error);
  *matches = gathering.wanted;
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
    {IDENTIFIER_TAG_LEVEL, "CS"}, {FIND_TAG_RETRIEVE_AET, "AE"},
    {0x00080056, "CS"},           {FIND_TAG_MODALITIES, "CS"},
    {0x00201200, "IS"},           {0x00201202, "IS"},
    {0x00201204, "IS"},           {0x00201206, "IS"},
    {0x00201208, "IS"},           {0x00201209, "IS"},
};

static const char *level_text(enum cas_level level) {
  static const char *const names[] = {"", "PATIENT", "STUDY", "SERIES", "IMAGE"};
  return names[level];
}

/* The value of a computed attribute, "" where the level has none. */
static void compute(const struct find_response *response, const struct cas_node *node, uint32_t tag,
                    const struct gathering *gathering, char text[256]) {
  uint64_t number = 0;
  bool known = false;
  text[0] = '\0';
  switch (tag) {
  case IDENTIFIER_TAG_LEVEL: snprintf(text, 256, "%s", level_text(node->level)); return;
  case FIND_TAG_RETRIEVE_AET: snprintf(text, 256, "%s", response->aet); return;
  case 0x00080056: snprintf(text, 256, "ONLINE"); return;
  case FIND_TAG_MODALITIES:
    if (node->level == CAS_LEVEL_STUDY) snprintf(text, 256, "%s", gathering->modalities);
    return;
  case 0x00201200: known = node->level == CAS_LEVEL_PATIENT, number = gathering->studies; break;
  case 0x00201202: known = node->level == CAS_LEVEL_PATIENT, number = gathering->series; break;
  case 0x00201204: known = node->level == CAS_LEVEL_PATIENT, number = node->instances; break;
  case 0x00201206: known = node->level == CAS_LEVEL_STUDY, number = gathering->series; break;
  case 0x00201208: known = node->level == CAS_LEVEL_STUDY, number = node->instances; break;
  case 0x00201209: known = node->level == CAS_LEVEL_SERIES, number = node->instances; break;
  default: return;
  }
  if (known) snprintf(text, 256, "%" PRIu64, number);
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
  const char *text = indexed(response, node, definition);
  struct cas_slice value = {.data = (const uint8_t *)text, .size = strlen(text)};
  uint8_t number[2];
  if (strcmp(definition->vr, "US") == 0 && value.size > 0) {
    const unsigned long parsed = strtoul(text, NULL, 10);
    number[0] = (uint8_t)parsed;
    number[1] = (uint8_t)(parsed >> 8);
    value = (struct cas_slice){.data = number, .size = 2};
  }
  return identifier_put(bytes, response->explicit_vr, definition->tag, definition->vr, value);
}

static cas_status put_key(struct find_response *response, const struct cas_node *node, const struct identifier_key *key,
                          const struct gathering *gathering, struct cas_buffer *bytes) {
  const struct cas_attribute_definition *definition = cas_attribute_by_tag(key->tag);
  const struct computed *made = computed_by_tag(key->tag);
  if (key->tag == CAS_TAG_SPECIFIC_CHARACTER_SET || (key->tag & 0xFFFF) == 0) return CAS_OK;
  if (made != NULL) {
    char text[256];
    compute(response, node, key->tag, gathering, text);
    const struct cas_slice value = {.data = (const uint8_t *)text, .size = strlen(text)};
    return identifier_put(bytes, response->explicit_vr, key->tag, made->vr, value);
  }
  if (definition != NULL) return put_indexed(response, node, definition, bytes);
  return identifier_put(bytes, response->explicit_vr, key->tag, key->is_sequence ? "SQ" : "LO", (struct cas_slice){0});
}

/* Whether a response needs what lies below the node. */
static bool needs_gathering(const struct identifier *request, enum cas_level level) {
  if (level > CAS_LEVEL_STUDY) return false;
  static const uint32_t tags[] = {FIND_TAG_MODALITIES, 0x00201200, 0x00201202, 0x00201206};
  for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
    if (identifier_find(request, tags[i]) != NULL) return true;
  return false;
}

static cas_status put_character_set(const struct find_response *response, struct cas_buffer *bytes) {
  static const char utf8[] = "ISO_IR 192";
  return identifier_put(bytes, response->explicit_vr, CAS_TAG_SPECIFIC_CHARACTER_SET, "CS",
                        (struct cas_slice){.data = (const uint8_t *)utf8, .size = strlen(utf8)});
}

cas_status find_response_encode(struct find_response *response, const struct identifier *request,
                                const struct cas_node *node, struct cas_buffer *bytes, struct cas_error *error) {
  bool has_set = false;
  struct gathering gathering = {.response = response};
  cas_status status = look_at_parents(response, node, error);
  if (status == CAS_OK && needs_gathering(request, node->level)) status = gather(response, node, &gathering, error);
  for (size_t i = 0; i < request->count && status == CAS_OK; i++) {
    if (!has_set && request->keys[i].tag >= CAS_TAG_SPECIFIC_CHARACTER_SET) {
      status = put_character_set(response, bytes);
      has_set = true;
    }
    if (status == CAS_OK) status = put_key(response, node, &request->keys[i], &gathering, bytes);
  }
  return status == CAS_OK && !has_set ? put_character_set(response, bytes) : status;
}
