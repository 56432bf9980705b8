/* Owns the texts and items of the conditions. */
#include "find_query.h"

#include <stdlib.h>
#include <string.h>

#include "dicom_shim.h"

static const char out_of_memory[] = "out of memory";

void find_query_fini(struct find_query *query) {
  for (size_t i = 0; i < query->owned_count; i++) free(query->owned[i]);
  free(query->owned);
  query->owned = NULL;
  query->owned_count = 0;
}

/* Memory that the query frees; NULL: none left. */
static void *own(struct find_query *query, size_t size) {
  void **grown = reallocarray(query->owned, query->owned_count + 1, sizeof *grown);
  if (grown == NULL) return NULL;
  query->owned = grown;
  void *memory = calloc(1, size);
  if (memory != NULL) query->owned[query->owned_count++] = memory;
  return memory;
}

static bool read_level(struct find_query *query, bool patient_root) {
  static const struct {
    const char *name;
    enum cas_level level;
  } levels[] = {{"PATIENT", CAS_LEVEL_PATIENT},
                {"STUDY", CAS_LEVEL_STUDY},
                {"SERIES", CAS_LEVEL_SERIES},
                {"IMAGE", CAS_LEVEL_INSTANCE}};
  const struct identifier_key *key = identifier_find(&query->identifier, IDENTIFIER_TAG_LEVEL);
  for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
    if (identifier_key_is(key, levels[i].name)) query->level = levels[i].level;
  return query->level != 0 && (patient_root || query->level != CAS_LEVEL_PATIENT);
}

static const char *read_text(struct find_query *query, struct cas_slice value, const char *vr, const char **text) {
  const size_t capacity = 4 * value.size + 64; /* the longest UTF-8 of a byte, and digits of short numbers */
  char *pattern = own(query, capacity);
  if (pattern == NULL) return out_of_memory;
  if (!identifier_text_of(&query->identifier, value, vr, pattern, capacity)) return "a value cannot be read";
  *text = pattern;
  return NULL;
}

static bool is_binary(const char *vr) { return strstr("US SS UL SL UV SV", vr) != NULL; }

static const char *read_items(struct find_query *query, const struct cas_element *element, unsigned depth,
                              struct cas_condition *condition);

/* Reads one key inside of an item; those without a value are no condition. */
static const char *read_inner(struct find_query *query, const struct cas_element *element, unsigned depth,
                              struct cas_condition *condition) {
  char *vr = own(query, 3);
  if (vr == NULL) return out_of_memory;
  *condition = (struct cas_condition){.tag = element->tag, .vr = vr};
  if (!dicom_dictionary_vr(element->tag, vr)) memcpy(vr, element->has_items ? "SQ" : "LO", 3);
  if (strcmp(vr, "SQ") == 0) return read_items(query, element, depth + 1, condition);
  return read_text(query, element->value, vr, &condition->pattern);
}

/* Reads the keys of a sequence's only item (PS3.4 C.2.2.2.6). */
static const char *read_items(struct find_query *query, const struct cas_element *element, unsigned depth,
                              struct cas_condition *condition) {
  const struct cas_data_set around = {.explicit_vr = query->identifier.explicit_vr};
  struct cas_data_set items = cas_data_set_items(&around, element), item;
  struct cas_element key;
  struct cas_condition *inner = own(query, FIND_CONDITIONS_MAX * sizeof *inner);
  if (inner == NULL) return out_of_memory;
  if (depth > CAS_DATA_SET_DEPTH_MAX) return "sequences are nested too deep";
  condition->pattern = "";
  condition->items = inner;
  condition->item_count = 0;
  cas_status status = cas_data_set_next_item(&items, &item);
  if (status == CAS_END) return NULL;
  while (status == CAS_OK && (status = cas_data_set_next(&item, &key)) == CAS_OK) {
    if (condition->item_count == FIND_CONDITIONS_MAX) return "too many keys in an item";
    const char *wrong = read_inner(query, &key, depth, &inner[condition->item_count++]);
    if (wrong != NULL) return wrong;
  }
  return status == CAS_END ? NULL : "a sequence is malformed";
}

/* NULL too where the key is no condition. */
static const char *read_key(struct find_query *query, const struct identifier_key *key) {
  const struct cas_attribute_definition *definition = cas_search_attribute_by_tag(key->tag);
  if (key->raw.size == 0 || key->tag == CAS_TAG_SPECIFIC_CHARACTER_SET || (key->tag & 0xFFFF) == 0) return NULL;
  const bool further = definition == NULL && find_attributes_have(query->further, key->tag);
  if (!further && (definition == NULL || definition->level > query->level)) return NULL;
  if (query->condition_count == FIND_CONDITIONS_MAX) return "too many matching keys";
  struct cas_condition *condition = &query->conditions[query->condition_count++];
  if (further) {
    const struct cas_element element = {.tag = key->tag, .has_items = key->is_sequence, .value = key->raw};
    return read_inner(query, &element, 1, condition);
  }
  *condition = (struct cas_condition){.tag = key->tag};
  return read_text(query, is_binary(definition->vr) ? key->raw : key->value, definition->vr, &condition->pattern);
}

const char *find_query_read(struct find_query *query, bool patient_root) {
  if (!read_level(query, patient_root)) return "no Query/Retrieve Level, or one that the SOP class has not";
  for (size_t i = 0; i < query->identifier.count; i++) {
    const char *wrong = read_key(query, &query->identifier.keys[i]);
    if (wrong != NULL) return wrong;
  }
  return NULL;
}
