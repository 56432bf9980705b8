/*
 * Searching: begins with the nodes that the best entry of the index names (find_plan.h), or with the whole tree, and
 * enters only what the conditions of each level admit.
 *
 *  1. Every node that is shown was compared with every condition, however it was found.
 *  2. Matches come in the order of a walk.
 */
#include "cassette/node.h"
#include "store/filter.h"
#include "store/find_plan.h"
#include "store/header_match.h"
#include "store/node_condition.h"
#include "store/store.h"

/* More conditions than indexed attributes make no sense. */
#define CONDITIONS_MAX 64

struct search {
  struct cas_store *store;
  const struct cas_query *query;
  struct node_condition *conditions;
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

/* --- conditions --- */

static cas_status admits(struct search *search, const struct cas_node *node, bool *admitted) {
  *admitted = true;
  if (search->query->look != NULL) STATUS_TRY(search->query->look(search->query->look_arg));
  for (size_t i = 0; i < search->condition_count && *admitted; i++)
    STATUS_TRY(node_condition_test(&search->conditions[i], search->store, node, admitted, search->error));
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
  struct plan_condition conditions[CONDITIONS_MAX + CAS_FILTER_CONDITIONS_MAX];
  struct plan plan = {.deepest = search->query->level};
  for (size_t i = 0; i < search->condition_count; i++)
    conditions[i] = (struct plan_condition){.tag = search->conditions[i].tag, .key = &search->conditions[i].key};
  size_t count = search->condition_count + filter_plan(search->store->filter, conditions + search->condition_count);
  cas_status status = plan_make(search->store, conditions, count, &plan, search->error);
  if (status == CAS_NOT_FOUND) return cas_node_list(search->store, "", NULL, visit, search, search->error);
  for (size_t i = 0; i < plan.count && status == CAS_OK; i++) status = enter(search, plan.paths[i]);
  plan_fini(&plan);
  return status;
}

/* --- reading the query --- */

static cas_status read_condition(struct search *search, const struct cas_condition *condition) {
  if (condition->vr != NULL) return header_keys_add(&search->header, condition, search->error);
  struct node_condition *read = &search->conditions[search->condition_count];
  STATUS_TRY(node_condition_init(read, condition->tag, condition->pattern, search->query->level, search->error));
  if (read->key.is_universal)
    node_condition_fini(read);
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
    struct node_condition *date = NULL, *time = NULL;
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
  for (size_t i = 0; i < search.condition_count; i++) node_condition_fini(&search.conditions[i]);
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
