/*
 * Patients/: the store's own tree, as it is.
 */
#include "fuse/view.h"

static cas_status get(const struct tree *tree, const char *rest, struct tree_entry *entry, char *node_path,
                      struct cas_error *error) {
  cas_status status = view_get_node(tree, rest, entry, error);
  if (status == CAS_OK) view_copy(node_path, rest);
  return status;
}

const struct view view_patients = {.bit = TREE_PATIENTS, .name = "Patients", .get = get, .list = view_list_nodes};
