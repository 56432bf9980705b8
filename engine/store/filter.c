/*
 * Owns the conditions of filters. Invariant: a filter is not changed once it is made, so that threads share it; a test
 * works on a copy of the condition, whose scratch is its own.
 */
#include "store/filter.h"

#include "cassette/state.h"
#include "dicom/attribute_codec.h"
#include "store/node_condition.h"

struct cas_filter {
  struct node_condition conditions[CAS_FILTER_CONDITIONS_MAX];
  size_t count;
  bool has_level[CAS_LEVEL_INSTANCE + 1];
};

void cas_filter_destroy(struct cas_filter *filter) {
  if (filter == NULL) return;
  for (size_t i = 0; i < filter->count; i++) node_condition_fini(&filter->conditions[i]);
  free(filter);
}

static cas_status add(struct cas_filter *filter, const struct cas_condition *condition, struct cas_error *error) {
  const struct cas_attribute_definition *definition = cas_search_attribute_by_tag(condition->tag);
  if (filter->count == CAS_FILTER_CONDITIONS_MAX)
    return status_fail(error, CAS_INVALID, "more than %d conditions", CAS_FILTER_CONDITIONS_MAX);
  if (condition->vr != NULL) return status_fail(error, CAS_INVALID, "a filter has no conditions on headers");
  if (definition != NULL && definition->level > CAS_LEVEL_SERIES)
    return status_fail(error, CAS_INVALID, "%s differs within a series, of which all or nothing is shown",
                       definition->keyword);
  struct node_condition *made = &filter->conditions[filter->count];
  STATUS_TRY(node_condition_init(made, condition->tag, condition->pattern, CAS_LEVEL_SERIES, error));
  filter->count++;
  filter->has_level[made->level] = true;
  return CAS_OK;
}

cas_status cas_filter_create(const struct cas_condition *conditions, size_t count, struct cas_filter **filter,
                             struct cas_error *error) {
  struct cas_filter *made = calloc(1, sizeof *made);
  cas_status status = made != NULL ? CAS_OK : CAS_NO_MEMORY;
  for (size_t i = 0; i < count && status == CAS_OK; i++) status = add(made, &conditions[i], error);
  if (status == CAS_OK)
    *filter = made;
  else
    cas_filter_destroy(made);
  return status;
}

cas_status cas_filter_open(struct cas_store *store, const struct cas_filter *filter, struct cas_store **view) {
  if (store->filter != NULL) return CAS_INVALID;
  STATUS_TRY(cas_view_open(store, store->states, view));
  (*view)->filter = filter;
  return CAS_OK;
}

/* --- what is shown --- */

static cas_status test_all(const struct cas_filter *filter, struct cas_store *whole, const struct cas_node *node,
                           bool *met, struct cas_error *error) {
  *met = true;
  for (size_t i = 0; i < filter->count && *met; i++) {
    struct node_condition condition = filter->conditions[i];
    condition.key.folded = (struct cas_buffer){0};
    cas_status status = node_condition_test(&condition, whole, node, met, error);
    cas_buffer_fini(&condition.key.folded);
    STATUS_TRY(status);
  }
  return CAS_OK;
}

cas_status filter_meets(struct cas_store *store, const struct index_node *node, bool *met, struct cas_error *error) {
  *met = true;
  if (store->filter == NULL || !store->filter->has_level[node->level]) return CAS_OK;
  struct cas_store whole;
  struct cas_attributes *attributes;
  filter_lift(store, &whole);
  STATUS_TRY(cas_attributes_create(&attributes));
  cas_status status = attributes_decode(slice_of_buffer(&node->attributes), attributes);
  const struct cas_node tested = {.level = node->level, .path = node->path, .attributes = attributes};
  if (status == CAS_OK)
    status = test_all(store->filter, &whole, &tested, met, error);
  else
    status = status_fail(error, status, "the index entry of %s is damaged: rebuild the index", node->path);
  cas_attributes_destroy(attributes);
  return status;
}

static cas_status admit(struct cas_store *store, const char *path, struct cas_error *error) {
  struct index_node node = {0};
  bool met;
  STATUS_TRY(index_get_node(store->index, path, &node, error));
  cas_status status = filter_meets(store, &node, &met, error);
  index_node_fini(&node);
  return status == CAS_OK && !met ? CAS_NOT_FOUND : status;
}

cas_status filter_admit(struct cas_store *store, const char *path, bool with_itself, struct cas_error *error) {
  if (store->filter == NULL || path[0] == '\0') return CAS_OK;
  CLEANUP_FREE char *above = strdup(path);
  if (above == NULL) return CAS_NO_MEMORY;
  unsigned level = CAS_LEVEL_PATIENT;
  for (char *slash = strchr(above, '/'); slash != NULL; slash = strchr(slash + 1, '/'), level++) {
    *slash = '\0';
    if (level < CAS_LEVEL_INSTANCE && store->filter->has_level[level]) STATUS_TRY(admit(store, above, error));
    *slash = '/';
  }
  bool asks = with_itself && level < CAS_LEVEL_INSTANCE && store->filter->has_level[level];
  return asks ? admit(store, above, error) : CAS_OK;
}

bool filter_is_below(const struct cas_store *store, enum cas_level level) {
  for (unsigned below = level + 1u; store->filter != NULL && below < CAS_LEVEL_INSTANCE; below++)
    if (store->filter->has_level[below]) return true;
  return false;
}

size_t filter_plan(const struct cas_filter *filter, struct plan_condition *conditions) {
  const size_t count = filter != NULL ? filter->count : 0;
  for (size_t i = 0; i < count; i++)
    conditions[i] = (struct plan_condition){.tag = filter->conditions[i].tag, .key = &filter->conditions[i].key};
  return count;
}
