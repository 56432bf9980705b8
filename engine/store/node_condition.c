/* Owns the list of what can be searched besides the index's attributes. */
#include "store/node_condition.h"

#include "store/store.h"

static const struct cas_attribute_definition gathered[] = {
    {CAS_TAG_MODALITIES_IN_STUDY, CAS_LEVEL_STUDY, "CS", "ModalitiesInStudy"},
    {CAS_TAG_SOP_CLASSES_IN_STUDY, CAS_LEVEL_STUDY, "UI", "SOPClassesInStudy"},
};

const struct cas_attribute_definition *cas_search_attribute_by_tag(uint32_t tag) {
  for (size_t i = 0; i < sizeof gathered / sizeof gathered[0]; i++)
    if (gathered[i].tag == tag) return &gathered[i];
  return cas_attribute_by_tag(tag);
}

const struct cas_attribute_definition *cas_search_attribute_by_name(const char *name) {
  static const char *const tags[] = {"0008,0061", "0008,0062"};
  for (size_t i = 0; i < sizeof gathered / sizeof gathered[0]; i++)
    if (strcmp(gathered[i].keyword, name) == 0 || strcmp(tags[i], name) == 0) return &gathered[i];
  return cas_attribute_by_name(name);
}

cas_status node_condition_init(struct node_condition *condition, uint32_t tag, const char *pattern,
                               enum cas_level deepest, struct cas_error *error) {
  const struct cas_attribute_definition *definition = cas_search_attribute_by_tag(tag);
  if (definition == NULL) return status_fail(error, CAS_INVALID, "attribute %08X is not in the index", tag);
  if (definition->level > deepest)
    return status_fail(error, CAS_INVALID, "%s belongs to a level below the one that is asked for",
                       definition->keyword);
  *condition = (struct node_condition){
      .tag = tag,
      .level = definition->level,
      .is_gathered = definition >= gathered && definition < gathered + sizeof gathered / sizeof gathered[0],
  };
  return match_key_init(&condition->key, definition->vr, pattern, error);
}

void node_condition_fini(struct node_condition *condition) { match_key_fini(&condition->key); }

/* --- testing --- */

struct below {
  struct cas_store *store;
  struct node_condition *condition;
  bool met;
  struct cas_error *error;
};

static cas_status look_below(void *arg, const struct cas_node *node) {
  struct below *below = arg;
  bool of_series = below->condition->tag == CAS_TAG_MODALITIES_IN_STUDY;
  if (node->level == CAS_LEVEL_SERIES && !of_series)
    return cas_node_list(below->store, node->path, NULL, look_below, below, below->error);
  const uint32_t tag = of_series ? CAS_TAG_MODALITY : CAS_TAG_SOP_CLASS_UID;
  STATUS_TRY(match_test(&below->condition->key, cas_attributes_text(node->attributes, tag), &below->met));
  return below->met ? CAS_END : CAS_OK;
}

static cas_status test_below(struct node_condition *condition, struct cas_store *store, const struct cas_node *study,
                             bool *met, struct cas_error *error) {
  struct below below = {.store = store, .condition = condition, .error = error};
  cas_status status = cas_node_list(store, study->path, NULL, look_below, &below, error);
  *met = below.met;
  return status == CAS_END ? CAS_OK : status;
}

cas_status node_condition_test(struct node_condition *condition, struct cas_store *store, const struct cas_node *node,
                               bool *met, struct cas_error *error) {
  *met = true;
  if (condition->level != node->level || condition->is_paired) return CAS_OK;
  if (condition->is_gathered) return test_below(condition, store, node, met, error);
  const char *value = cas_attributes_text(node->attributes, condition->tag);
  if (condition->time == NULL) return match_test(&condition->key, value, met);
  *met = match_together(&condition->key, &condition->time->key, value,
                        cas_attributes_text(node->attributes, condition->time->tag));
  return CAS_OK;
}
