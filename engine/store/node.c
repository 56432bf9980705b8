/*
 * The tree as its readers see it: index nodes with decoded attributes.
 */
#include "cassette/node.h"

#include "dicom/attribute_codec.h"
#include "store/store.h"

struct showing {
  struct cas_store *store;
  cas_node_fn each;
  void *arg;
  struct cas_error *error;
};

static cas_status show(void *arg, const struct index_node *node) {
  const struct showing *showing = arg;
  struct cas_attributes *attributes;
  STATUS_TRY(cas_attributes_create(&attributes));
  cas_status status = attributes_decode(slice_of_buffer(&node->attributes), attributes);
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
                             .content_hash = node->content_hash};
    status = showing->each(showing->arg, &shown);
  } else {
    status = status_fail(showing->error, status, "the index entry of %s is damaged: rebuild the index", node->path);
  }
  cas_attributes_destroy(attributes);
  return status;
}

static cas_status show_path(void *arg, const char *path) {
  const struct showing *showing = arg;
  struct index_node node = {0};
  STATUS_TRY(index_get_node(showing->store->index, path, &node, showing->error));
  cas_status status = show(arg, &node);
  index_node_fini(&node);
  return status;
}

cas_status cas_node_get(struct cas_store *store, const char *path, cas_node_fn each, void *arg,
                        struct cas_error *error) {
  struct showing showing = {.store = store, .each = each, .arg = arg, .error = error};
  return show_path(&showing, path);
}

cas_status cas_node_list(struct cas_store *store, const char *parent, const char *after, cas_node_fn each, void *arg,
                         struct cas_error *error) {
  struct showing showing = {.store = store, .each = each, .arg = arg, .error = error};
  return index_list(store->index, parent, after, show, &showing, error);
}

cas_status cas_node_by_uid(struct cas_store *store, enum cas_level level, const char *uid, cas_node_fn each, void *arg,
                           struct cas_error *error) {
  struct showing showing = {.store = store, .each = each, .arg = arg, .error = error};
  return index_find_uid(store->index, level, uid, show_path, &showing, error);
}

cas_status cas_uid_list(struct cas_store *store, enum cas_level level, const char *after, cas_text_fn each, void *arg,
                        struct cas_error *error) {
  return index_list_uids(store->index, level, after, each, arg, error);
}

cas_status cas_date_list(struct cas_store *store, const char *after, cas_text_fn each, void *arg,
                         struct cas_error *error) {
  return index_list_dates(store->index, after, each, arg, error);
}

cas_status cas_node_by_date(struct cas_store *store, const char *first, const char *last, cas_node_fn each, void *arg,
                            struct cas_error *error) {
  struct showing showing = {.store = store, .each = each, .arg = arg, .error = error};
  return index_find_dates(store->index, first, last, show_path, &showing, error);
}
