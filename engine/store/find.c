/*
 * Searching: begins with the nodes that the best entry of the index names (find_plan.h), or with the whole tree, and
 * enters only what the conditions of each level admit.
 *
 *  1. Every node that is shown was compared with every condition, however it was found.
 *  2. Matches come in the order of a walk.
 */
#include "cassette/node.h"
#include "store/find_plan.h"
#include "store/header_match.h"
#include "store/store.h"

/* More conditions than indexed attributes make no sense. */
#define CONDITIONS_MAX 64

struct condition_key {
  uint32_t tag;
  enum cas_level level;
  struct match_key key;
  bool is_gathered;                 /* of what lies below a study */
  bool is_paired;                   /* a time that its date looks after */
  const struct condition_key *time; /* of a date that is compared together with it, else NULL */
};

struct search {
  struct cas_store *store;
  const struct cas_query *query;
  struct condition_key *conditions;
  size_t condition_count;
  struct header_keys header; /* conditions that need the header */
  cas_node_fn each;
  void *arg;
  struct cas_error *error;
  /* The ancestors that were looked at last, and whether they were admitted. */
  struct {
    char *path;
    bool admitted;
  } above[CAS_LEVEL_INSTANCE];
};

/* --- what can be searched besides the index's attributes --- */

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

/* --- conditions --- */

struct below {
  struct search *search;
  struct condition_key *condition;
  bool met;
};

static cas_status look_below(void *arg, const struct cas_node *node) {
  struct below *below = arg;
  bool of_series = below->condition->tag == CAS_TAG_MODALITIES_IN_STUDY;
  if (node->level == CAS_LEVEL_SERIES && !of_series)
    return cas_node_list(below->search->store, node->path, NULL, look_below, below, below->search->error);
  const uint32_t tag = of_series ? CAS_TAG_MODALITY : CAS_TAG_SOP_CLASS_UID;
  STATUS_TRY(match_test(&below->condition->key, cas_attributes_text(node->attributes, tag), &below->met));
  return below->met ? CAS_END : CAS_OK;
}

static cas_status meets_below(struct search *search, struct condition_key *condition, const struct cas_node *study,
                              bool *met) {
  struct below below = {.search = search, .condition = condition};
  cas_status status = cas_node_list(search->store, study->path, NULL, look_below, &below, search->error);
  *met = below.met;
  return status == CAS_END ? CAS_OK : status;
}

static cas_status meets(struct search *search, struct condition_key *condition, const struct cas_node *node,
                        bool *met) {
  *met = true;
  if (condition->level != node->level || condition->is_paired) return CAS_OK;
  if (condition->is_gathered) return meets_below(search, condition, node, met);
  const char *value = cas_attributes_text(node->attributes, condition->tag);
  if (condition->time == NULL) return match_test(&condition->key, value, met);
  *met = match_together(&condition->key, &condition->time->key, value,
                        cas_attributes_text(node->attributes, condition->time->tag));
  return CAS_OK;
}

static cas_status admits(struct search *search, const struct cas_node *node, bool *admitted) {
  *admitted = true;
  if (search->query->look != NULL) STATUS_TRY(search->query->look(search->query->look_arg));
  for (size_t i = 0; i < search->condition_count && *admitted; i++)
    STATUS_TRY(meets(search, &search->conditions[i], node, admitted));
  return CAS_OK;
}

/* --- the way down --- */

/* What is damaged or has no header meets no condition on it. */
static cas_status show(struct search *search, const struct cas_node *node) {
  bool met = true;
  if (search->header.count > 0) {
    struct cas_header *header;
    cas_status status = cas_header_open(search->store, node, &header, search->error);
    if (status == CAS_NOT_FOUND || status == CAS_CORRUPT) return CAS_OK;
    STATUS_TRY(status);
    status = header_keys_meet(&search->header, header, &met);
    cas_header_close(header);
    STATUS_TRY(status);
  }
  return met ? search->each(search->arg, node) : CAS_OK;
}

static cas_status visit(void *arg, const struct cas_node *node) {
  struct search *search = arg;
  bool admitted;
  STATUS_TRY(admits(search, node, &admitted));
  if (!admitted) return CAS_OK;
  if (node->level == search->query->level) return show(search, node);
  return cas_node_list(search->store, node->path, NULL, visit, search, search->error);
}

struct ancestor {
  struct search *search;
  bool admitted;
};

static cas_status check_ancestor(void *arg, const struct cas_node *node) {
  struct ancestor *ancestor = arg;
  return admits(ancestor->search, node, &ancestor->admitted);
}

static bool has_conditions(const struct search *search, enum cas_level level) {
  for (size_t i = 0; i < search->condition_count; i++)
    if (search->conditions[i].level == level) return true;
  return false;
}

/* Whether the node at `path`, of this level, meets its conditions; without any it need not be looked up, for it is in
 * the view if what lies below it is. Candidates come in path order, so neighbours mostly share it. */
static cas_status admits_above(struct search *search, unsigned level, const char *path, bool *admitted) {
  struct ancestor ancestor = {.search = search};
  *admitted = true;
  if (!has_conditions(search, (enum cas_level)level)) return CAS_OK;
  if (search->above[level].path == NULL || strcmp(search->above[level].path, path) != 0) {
    char *copy = strdup(path);
    if (copy == NULL) return CAS_NO_MEMORY;
    free(search->above[level].path);
    search->above[level].path = copy;
    search->above[level].admitted = false;
    cas_status status = cas_node_get(search->store, path, check_ancestor, &ancestor, search->error);
    if (status != CAS_OK && status != CAS_NOT_FOUND) return status;
    search->above[level].admitted = ancestor.admitted;
  }
  *admitted = search->above[level].admitted;
  return CAS_OK;
}

/* Enters the tree at a candidate. */
static cas_status enter(struct search *search, const char *path) {
  CLEANUP_FREE char *above = strdup(path);
  bool admitted = true;
  if (above == NULL) return CAS_NO_MEMORY;
  unsigned level = 1;
  for (char *slash = strchr(above, '/'); slash != NULL && admitted; slash = strchr(slash + 1, '/'), level++) {
    *slash = '\0';
    STATUS_TRY(admits_above(search, level, above, &admitted));
    *slash = '/';
  }
  if (!admitted) return CAS_OK;
  cas_status status = cas_node_get(search->store, path, visit, search, search->error);
  return status == CAS_NOT_FOUND ? CAS_OK : status;
}

static cas_status search_tree(struct search *search) {
  struct plan_condition conditions[CONDITIONS_MAX];
  struct plan plan = {.deepest = search->query->level};
  for (size_t i = 0; i < search->condition_count; i++)
    conditions[i] = (struct plan_condition){.tag = search->conditions[i].tag, .key = &search->conditions[i].key};
  cas_status status = plan_make(search->store, conditions, search->condition_count, &plan, search->error);
  if (status == CAS_NOT_FOUND) return cas_node_list(search->store, "", NULL, visit, search, search->error);
  for (size_t i = 0; i < plan.count && status == CAS_OK; i++) status = enter(search, plan.paths[i]);
  plan_fini(&plan);
  return status;
}

/* --- reading the query --- */

static cas_status read_condition(struct search *search, const struct cas_condition *condition) {
  const struct cas_attribute_definition *definition = cas_search_attribute_by_tag(condition->tag);
  if (condition->vr != NULL) return header_keys_add(&search->header, condition, search->error);
  if (definition == NULL)
    return status_fail(search->error, CAS_INVALID, "attribute %08X is not in the index", condition->tag);
  if (definition->level > search->query->level)
    return status_fail(search->error, CAS_INVALID, "%s belongs to a level below the one that is asked for",
                       definition->keyword);
  struct condition_key *read = &search->conditions[search->condition_count];
  read->tag = condition->tag;
  read->level = definition->level;
  read->is_gathered = definition >= gathered && definition < gathered + sizeof gathered / sizeof gathered[0];
  STATUS_TRY(match_key_init(&read->key, definition->vr, condition->pattern, search->error));
  if (read->key.is_universal)
    match_key_fini(&read->key);
  else
    search->condition_count++;
  return CAS_OK;
}

/* PS3.3: dates and the times that belong to them. */
static void pair_dates_with_times(struct search *search) {
  static const uint32_t pairs[][2] = {{0x00080012, 0x00080013}, {0x00080020, 0x00080030}, {0x00080021, 0x00080031},
                                      {0x00080022, 0x00080032}, {0x00080023, 0x00080033}, {0x00100030, 0x00100032},
                                      {0x00400244, 0x00400245}};
  for (size_t p = 0; p < sizeof pairs / sizeof pairs[0]; p++) {
    struct condition_key *date = NULL, *time = NULL;
    for (size_t i = 0; i < search->condition_count; i++) {
      if (search->conditions[i].tag == pairs[p][0]) date = &search->conditions[i];
      if (search->conditions[i].tag == pairs[p][1]) time = &search->conditions[i];
    }
    if (date == NULL || time == NULL || !match_key_is_span(&date->key) || !match_key_is_span(&time->key)) continue;
    if (!date->key.values[0].is_range) continue; /* on one day, both ways say the same */
    date->time = time;
    time->is_paired = true;
  }
}

static cas_status read_query(struct search *search) {
  const struct cas_query *query = search->query;
  if (query->condition_count > CONDITIONS_MAX)
    return status_fail(search->error, CAS_INVALID, "more than %d conditions", CONDITIONS_MAX);
  search->conditions = calloc(query->condition_count + 1, sizeof *search->conditions);
  if (search->conditions == NULL) return CAS_NO_MEMORY;
  for (size_t i = 0; i < query->condition_count; i++) STATUS_TRY(read_condition(search, &query->conditions[i]));
  if (query->combined_date_time) pair_dates_with_times(search);
  return CAS_OK;
}

cas_status cas_find(struct cas_store *store, const struct cas_query *query, cas_node_fn each, void *arg,
                    struct cas_error *error) {
  struct search search = {.store = store, .query = query, .each = each, .arg = arg, .error = error};
  cas_status status = read_query(&search);
  if (status == CAS_OK) status = search_tree(&search);
  for (size_t i = 0; i < search.condition_count; i++) match_key_fini(&search.conditions[i].key);
  for (size_t i = 0; i < CAS_LEVEL_INSTANCE; i++) free(search.above[i].path);
  header_keys_fini(&search.header);
  free(search.conditions);
  return status;
}

cas_status cas_instances_below(struct cas_store *store, const char *path, cas_node_fn each, void *arg,
                               struct cas_error *error) {
  struct cas_query query = {.level = CAS_LEVEL_INSTANCE};
  struct search search = {.store = store, .query = &query, .each = each, .arg = arg, .error = error};
  if (path[0] == '\0') return cas_node_list(store, "", NULL, visit, &search, error);
  return cas_node_get(store, path, visit, &search, error);
}
