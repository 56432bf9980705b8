#include "version_select.h"

#include <search.h>
#include <string.h>

#include "cassette/snapshot.h"
#include "cassette/state.h"

bool version_read(struct cli_arguments *arguments, bool may_be_all, uint32_t *version) {
  unsigned long long number;
  if (may_be_all && strcmp(arguments->value, "all") == 0) {
    *version = VERSION_ALL;
    return true;
  }
  if (!cli_number(arguments, arguments->value, 1, VERSION_ALL - 1, &number)) return false;
  *version = (uint32_t)number;
  return true;
}

cas_status version_view_open(struct cas_store *store, uint32_t version, struct cas_store **view) {
  if (version != VERSION_SHOWN) return cas_view_open(store, CAS_STATES_HIDDEN, view);
  *view = store;
  return CAS_OK;
}

void version_view_close(struct cas_store *store, struct cas_store *view) {
  if (view != store) cas_snapshot_close(view);
}

struct selection {
  struct cas_store *view;
  uint32_t version;
  cas_node_fn each;
  version_missing_fn missing;
  void *arg;
  void *seen; /* SOP Instance UIDs, a tree of tsearch(3) */
  bool found; /* the version of the instance that is looked at */
  struct cas_error *error;
};

static int compare(const void *a, const void *b) { return strcmp(a, b); }

static cas_status take_version(void *arg, const struct cas_node *node) {
  struct selection *selection = arg;
  if (selection->version != VERSION_ALL && node->version != selection->version) return CAS_OK;
  selection->found = true;
  return selection->each(selection->arg, node);
}

static cas_status take_uid(void *arg, const char *uid) {
  struct selection *selection = arg;
  selection->found = false;
  const cas_status status =
      cas_node_by_uid(selection->view, CAS_LEVEL_INSTANCE, uid, take_version, selection, selection->error);
  if (status != CAS_OK && status != CAS_NOT_FOUND) return status;
  if (!selection->found) selection->missing(selection->arg, uid);
  return CAS_OK;
}

static cas_status take_node(void *arg, const struct cas_node *node) {
  struct selection *selection = arg;
  const char *uid = cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID);
  if (tfind(uid, &selection->seen, compare) != NULL) return CAS_OK;
  char *copy = strdup(uid);
  if (copy == NULL || tsearch(copy, &selection->seen, compare) == NULL) {
    free(copy);
    return CAS_NO_MEMORY;
  }
  return take_uid(selection, copy);
}

cas_status version_select(struct cas_store *view, const char *what, uint32_t version, cas_node_fn each,
                          version_missing_fn missing, void *arg, struct cas_error *error) {
  struct selection selection = {
      .view = view, .version = version, .each = each, .missing = missing, .arg = arg, .error = error};
  cas_status status;
  if (version == VERSION_SHOWN && what != NULL)
    status = cas_select(view, what, each, arg, error);
  else if (version == VERSION_SHOWN)
    status = cas_instances_below(view, "", each, arg, error);
  else if (what != NULL)
    status = cas_select(view, what, take_node, &selection, error);
  else
    status = cas_uid_list(view, CAS_LEVEL_INSTANCE, NULL, take_uid, &selection, error);
  tdestroy(selection.seen, free);
  return status;
}
