/*
 * What people mean by WHAT: the first reading of the text that finds anything.
 */
#include "cassette/node.h"
#include "store/store.h"

struct selection {
  struct cas_store *store;
  cas_node_fn each;
  void *arg;
  uint64_t found;
  struct cas_error *error;
};

static cas_status take(void *arg, const struct cas_node *node) {
  struct selection *selection = arg;
  selection->found++;
  return selection->each(selection->arg, node);
}

static cas_status take_below(void *arg, const struct cas_node *node) {
  struct selection *selection = arg;
  if (node->level == CAS_LEVEL_INSTANCE) return take(selection, node);
  return cas_instances_below(selection->store, node->path, take, selection, selection->error);
}

/* Trailing and leading slashes are how shells complete folders. */
static cas_status by_path(struct selection *selection, const char *what) {
  while (*what == '/') what++;
  CLEANUP_FREE char *path = strdup(what);
  if (path == NULL) return CAS_NO_MEMORY;
  size_t length = strlen(path);
  while (length > 0 && path[length - 1] == '/') path[--length] = '\0';
  if (length == 0) return CAS_NOT_FOUND;
  return cas_node_get(selection->store, path, take_below, selection, selection->error);
}

static cas_status by_uid(struct selection *selection, const char *what) {
  static const enum cas_level levels[] = {CAS_LEVEL_STUDY, CAS_LEVEL_SERIES, CAS_LEVEL_INSTANCE, CAS_LEVEL_PATIENT};
  cas_status status = CAS_NOT_FOUND;
  for (size_t i = 0; i < sizeof levels / sizeof *levels && selection->found == 0; i++) {
    status = cas_node_by_uid(selection->store, levels[i], what, take_below, selection, selection->error);
    if (status != CAS_OK && status != CAS_NOT_FOUND) return status;
  }
  return status;
}

#define CONDITIONS_MAX 16

/* Splits "Keyword=pattern,Keyword=pattern" in place. */
static cas_status parse_query(char *text, struct cas_condition *conditions, size_t *count, struct cas_error *error) {
  *count = 0;
  char *rest = text, *part;
  while ((part = strsep(&rest, ",")) != NULL) {
    char *equals = strchr(part, '=');
    if (equals == NULL) return status_fail(error, CAS_NOT_FOUND, "nothing in the store is called that");
    *equals = '\0';
    const struct cas_attribute_definition *definition = cas_search_attribute_by_name(part);
    if (definition == NULL) return status_fail(error, CAS_INVALID, "%s is no attribute that can be searched", part);
    if (*count == CONDITIONS_MAX) return status_fail(error, CAS_INVALID, "more than %d conditions", CONDITIONS_MAX);
    conditions[(*count)++] = (struct cas_condition){.tag = definition->tag, .pattern = equals + 1};
  }
  return CAS_OK;
}

static cas_status by_query(struct selection *selection, const char *what) {
  struct cas_condition conditions[CONDITIONS_MAX];
  struct cas_query query = {.level = CAS_LEVEL_INSTANCE, .conditions = conditions};
  CLEANUP_FREE char *text = strdup(what);
  if (text == NULL) return CAS_NO_MEMORY;
  STATUS_TRY(parse_query(text, conditions, &query.condition_count, selection->error));
  return cas_find(selection->store, &query, take, selection, selection->error);
}

cas_status cas_select(struct cas_store *store, const char *what, cas_node_fn each, void *arg, struct cas_error *error) {
  struct selection selection = {.store = store, .each = each, .arg = arg, .error = error};
  cas_status (*const readings[])(struct selection *, const char *) = {by_path, by_uid, by_query};
  for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
    cas_status status = readings[i](&selection, what);
    if (status != CAS_OK && status != CAS_NOT_FOUND) return status;
    if (selection.found > 0) return CAS_OK;
  }
  return status_fail(error, CAS_NOT_FOUND, "nothing in the store is called %s", what);
}
