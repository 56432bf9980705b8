/*
 * The tree as its readers see it: index nodes with decoded attributes.
 */
#include "cassette/node.h"

#include "cassette/snapshot.h"
#include "dicom/attribute_codec.h"
#include "index/index_near.h"
#include "store/filter.h"
#include "store/moment.h"
#include "store/state_history.h"

struct showing {
  struct cas_store *store;
  cas_node_fn each;
  void *arg;
  bool is_listed; /* the parent is in the view */
  struct cas_error *error;
};

static cas_status show_now(const struct showing *showing, const struct index_node *node) {
  struct cas_attributes *attributes;
  STATUS_TRY(cas_attributes_create(&attributes));
  cas_status status = attributes_decode(slice_of_buffer(&node->attributes), attributes);
  if (status == CAS_OK && !moment_has_date(showing->store, node))
    status = cas_attributes_set(attributes, CAS_TAG_STUDY_DATE, slice_of("", 0));
  if (status == CAS_OK) {
    const char *slash = strrchr(node->path, '/');
    struct cas_node shown = {.level = node->level,
                             .path = node->path,
                             .name = slash != NULL ? slash + 1 : node->path,
                             .attributes = attributes,
                             .first_arrival_ns = node->first_arrival_ns,
                             .last_arrival_ns = node->last_arrival_ns,
                             .instances = node->instances,
                             .bytes = node->bytes,
                             .version = node->version,
                             .state = states_at(slice_of_buffer(&node->states), showing->store->moment),
                             .content_hash = node->content_hash};
    status = showing->each(showing->arg, &shown);
  } else {
    status = status_fail(showing->error, status, "the index entry of %s is damaged: rebuild the index", node->path);
  }
  cas_attributes_destroy(attributes);
  return status;
}

static cas_status get_node(struct cas_store *store, const char *path, struct index_node *node,
                           struct cas_error *error) {
  return store->near != NULL ? index_near_get_node(store->near, path, node, error)
                             : index_get_node(store->index, path, node, error);
}

/* What is not there in the store's view is passed over. */
static cas_status show(void *arg, const struct index_node *node) {
  const struct showing *showing = arg;
  struct index_node then = *node;
  cas_status status = showing->is_listed ? moment_apply_listed(showing->store, &then, showing->error)
                                         : moment_apply(showing->store, &then, showing->error);
  return status == CAS_OK ? show_now(showing, &then) : status == CAS_NOT_FOUND ? CAS_OK : status;
}

static cas_status show_path(void *arg, const char *path) {
  const struct showing *showing = arg;
  struct index_node node = {0};
  STATUS_TRY(index_get_node(showing->store->index, path, &node, showing->error));
  cas_status status = show(arg, &node);
  index_node_fini(&node);
  return status;
}

/* The root has no entry of its own: the totals tell. */
static cas_status show_root(const struct showing *showing) {
  struct index_totals totals = showing->store->moment_totals;
  if (showing->store->moment == STORE_MOMENT_NOW)
    STATUS_TRY(index_get_totals(showing->store->index, &totals, showing->error));
  char nothing[] = "";
  struct index_node root = {.path = nothing,
                            .identity = nothing,
                            .last_arrival_ns = totals.last_arrival_ns,
                            .instances = totals.instances,
                            .bytes = totals.instance_bytes};
  if (showing->store->states != STORE_STATES_ORDINARY || showing->store->filter != NULL)
    STATUS_TRY(moment_sum_root(showing->store, &root, showing->error));
  return show_now(showing, &root);
}

cas_status cas_node_get(struct cas_store *store, const char *path, cas_node_fn each, void *arg,
                        struct cas_error *error) {
  struct showing showing = {.store = store, .each = each, .arg = arg, .error = error};
  struct index_node node = {0};
  if (path[0] == '\0') return show_root(&showing);
  STATUS_TRY(get_node(store, path, &node, error));
  cas_status status = moment_apply(store, &node, error);
  if (status == CAS_OK) status = show_now(&showing, &node);
  index_node_fini(&node);
  return status;
}

cas_status cas_node_list(struct cas_store *store, const char *parent, const char *after, cas_node_fn each, void *arg,
                         struct cas_error *error) {
  struct showing showing = {.store = store, .each = each, .arg = arg, .is_listed = true, .error = error};
  cas_status status = filter_admit(store, parent, true, error);
  if (status != CAS_OK) return status == CAS_NOT_FOUND ? CAS_OK : status;
  if (store->near != NULL && after == NULL) return index_near_list(store->near, parent, show, &showing, error);
  return index_list(store->index, parent, after, show, &showing, error);
}

cas_status cas_node_by_uid(struct cas_store *store, enum cas_level level, const char *uid, cas_node_fn each, void *arg,
                           struct cas_error *error) {
  struct showing showing = {.store = store, .each = each, .arg = arg, .error = error};
  return index_find_uid(store->index, level, uid, show_path, &showing, error);
}

cas_status cas_near_open(struct cas_store *store, struct cas_store **view, struct cas_error *error) {
  bool has_versions;
  struct cas_store *opened;
  STATUS_TRY(cas_has_versions(store, &has_versions, error));
  STATUS_TRY(cas_view_open(store, store->states, &opened));
  const cas_status status = index_near_create(store->index, &opened->near);
  if (status != CAS_OK) {
    cas_snapshot_close(opened);
    return status;
  }
  opened->no_versions = !has_versions;
  *view = opened;
  return CAS_OK;
}

/* --- UIDs and dates: only those that a node of the view has --- */

static cas_status stop_at_first(void *arg, const struct cas_node *node) {
  (void)node;
  *(bool *)arg = true;
  return CAS_END;
}

struct text_list {
  struct cas_store *store;
  enum cas_level level; /* of the UIDs; 0: dates */
  bool has_all;         /* all that the index has is in the view */
  cas_text_fn each;
  void *arg;
  struct cas_error *error;
};

static cas_status show_text(void *arg, const char *text) {
  const struct text_list *list = arg;
  bool any = list->has_all;
  cas_status status = CAS_OK;
  if (!any && list->level == 0)
    status = cas_node_by_date(list->store, text, text, stop_at_first, &any, list->error);
  else if (!any)
    status = cas_node_by_uid(list->store, list->level, text, stop_at_first, &any, list->error);
  if (status != CAS_OK && status != CAS_END) return status;
  return any ? list->each(list->arg, text) : CAS_OK;
}

static cas_status look_for_gone(struct text_list *list) {
  struct index_totals totals;
  STATUS_TRY(index_get_totals(list->store->index, &totals, list->error));
  list->has_all = list->store->moment == STORE_MOMENT_NOW && totals.gone_instances == 0 && list->store->filter == NULL;
  return CAS_OK;
}

cas_status cas_uid_list(struct cas_store *store, enum cas_level level, const char *after, cas_text_fn each, void *arg,
                        struct cas_error *error) {
  struct text_list list = {.store = store, .level = level, .each = each, .arg = arg, .error = error};
  STATUS_TRY(look_for_gone(&list));
  return index_list_uids(store->index, level, after, show_text, &list, error);
}

cas_status cas_date_list(struct cas_store *store, const char *after, cas_text_fn each, void *arg,
                         struct cas_error *error) {
  struct text_list list = {.store = store, .each = each, .arg = arg, .error = error};
  STATUS_TRY(look_for_gone(&list));
  return index_list_dates(store->index, after, show_text, &list, error);
}

static cas_status show_dated(void *arg, const char *path) {
  const struct showing *showing = arg;
  struct index_node node = {0};
  STATUS_TRY(index_get_node(showing->store->index, path, &node, showing->error));
  cas_status status = moment_has_date(showing->store, &node) ? show(arg, &node) : CAS_OK;
  index_node_fini(&node);
  return status;
}

cas_status cas_node_by_date(struct cas_store *store, const char *first, const char *last, cas_node_fn each, void *arg,
                            struct cas_error *error) {
  struct showing showing = {.store = store, .each = each, .arg = arg, .error = error};
  return index_find_dates(store->index, first, last, show_dated, &showing, error);
}
