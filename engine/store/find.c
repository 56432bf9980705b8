/*
 * Searching: a walk down the tree that enters only what the conditions of each level admit. UIDs go by their own
 * entries in the index.
 */
#include "cassette/node.h"
#include "store/match.h"
#include "store/store.h"

/* More conditions than indexed attributes make no sense. */
#define CONDITIONS_MAX 64

struct search {
  struct cas_store *store;
  const struct cas_query *query;
  const struct cas_attribute_definition *definitions[CONDITIONS_MAX];
  locale_t folding; /* 0 where the system has no C.UTF-8 */
  cas_node_fn each;
  void *arg;
  struct cas_error *error;
};

static bool admits(const struct search *search, const struct cas_node *node) {
  for (size_t i = 0; i < search->query->condition_count; i++) {
    const struct cas_attribute_definition *definition = search->definitions[i];
    if (definition->level != node->level) continue;
    const char *value = cas_attributes_text(node->attributes, definition->tag);
    if (!match_value(definition->vr, search->query->conditions[i].pattern, value, search->folding)) return false;
  }
  return true;
}

static cas_status visit(void *arg, const struct cas_node *node) {
  struct search *search = arg;
  if (!admits(search, node)) return CAS_OK;
  if (node->level == search->query->level) return search->each(search->arg, node);
  return cas_node_list(search->store, node->path, NULL, visit, search, search->error);
}

/* The pattern of a condition on this tag that names exactly one value, or NULL. */
static const char *exact(const struct cas_query *query, uint32_t tag) {
  for (size_t i = 0; i < query->condition_count; i++)
    if (query->conditions[i].tag == tag && query->conditions[i].pattern[0] != '\0' &&
        strpbrk(query->conditions[i].pattern, "*?\\") == NULL)
      return query->conditions[i].pattern;
  return NULL;
}

/* Whether a node's ancestors meet the conditions of their levels. */
struct ancestry {
  struct search *search;
  bool admitted;
};

static cas_status check_ancestor(void *arg, const struct cas_node *node) {
  struct ancestry *ancestry = arg;
  ancestry->admitted = admits(ancestry->search, node);
  return CAS_OK;
}

/* Enters the tree at a node found by UID. */
static cas_status visit_inside(void *arg, const struct cas_node *node) {
  struct search *search = arg;
  struct ancestry ancestry = {.search = search, .admitted = true};
  CLEANUP_FREE char *path = strdup(node->path);
  if (path == NULL) return CAS_NO_MEMORY;
  for (char *slash = strrchr(path, '/'); slash != NULL && ancestry.admitted; slash = strrchr(path, '/')) {
    *slash = '\0';
    STATUS_TRY(cas_node_get(search->store, path, check_ancestor, &ancestry, search->error));
  }
  return ancestry.admitted ? visit(search, node) : CAS_OK;
}

static cas_status check_query(struct search *search) {
  const struct cas_query *query = search->query;
  if (query->condition_count > CONDITIONS_MAX)
    return status_fail(search->error, CAS_INVALID, "more than %d conditions", CONDITIONS_MAX);
  for (size_t i = 0; i < query->condition_count; i++) {
    search->definitions[i] = cas_attribute_by_tag(query->conditions[i].tag);
    if (search->definitions[i] == NULL)
      return status_fail(search->error, CAS_INVALID, "attribute %08X is not in the index", query->conditions[i].tag);
    if (search->definitions[i]->level > query->level)
      return status_fail(search->error, CAS_INVALID, "%s belongs to a level below the one that is asked for",
                         search->definitions[i]->keyword);
  }
  return CAS_OK;
}

static cas_status search_tree(struct search *search) {
  static const struct {
    enum cas_level level;
    uint32_t tag;
  } entries[] = {{CAS_LEVEL_INSTANCE, CAS_TAG_SOP_INSTANCE_UID},
                 {CAS_LEVEL_SERIES, CAS_TAG_SERIES_INSTANCE_UID},
                 {CAS_LEVEL_STUDY, CAS_TAG_STUDY_INSTANCE_UID}};
  for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
    const char *value = exact(search->query, entries[i].tag);
    if (value == NULL) continue;
    cas_status status = cas_node_by_uid(search->store, entries[i].level, value, visit_inside, search, search->error);
    return status == CAS_NOT_FOUND ? CAS_OK : status;
  }
  return cas_node_list(search->store, "", NULL, visit, search, search->error);
}

cas_status cas_find(struct cas_store *store, const struct cas_query *query, cas_node_fn each, void *arg,
                    struct cas_error *error) {
  struct search search = {.store = store, .query = query, .each = each, .arg = arg, .error = error};
  STATUS_TRY(check_query(&search));
  search.folding = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  cas_status status = search_tree(&search);
  if (search.folding != (locale_t)0) freelocale(search.folding);
  return status;
}

cas_status cas_instances_below(struct cas_store *store, const char *path, cas_node_fn each, void *arg,
                               struct cas_error *error) {
  struct cas_query query = {.level = CAS_LEVEL_INSTANCE};
  struct search search = {.store = store, .query = &query, .each = each, .arg = arg, .error = error};
  if (path[0] == '\0') return cas_node_list(store, "", NULL, visit, &search, error);
  return cas_node_get(store, path, visit, &search, error);
}
