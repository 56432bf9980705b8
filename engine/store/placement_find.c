#include "base/status.h"
#include "store/placement.h"

struct wanted_version {
  struct index *index;
  uint32_t version;
  struct record_cookie *cookie;
  struct cas_error *error;
};

static cas_status find_version(void *arg, const char *path) {
  const struct wanted_version *wanted = arg;
  struct index_node node = {0};
  cas_status status = index_get_node(wanted->index, path, &node, wanted->error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  STATUS_TRY(status);
  bool found = node.version == wanted->version;
  if (found) *wanted->cookie = node.manifest;
  index_node_fini(&node);
  return found ? CAS_END : CAS_OK;
}

cas_status placement_find(struct index *index, const char *sop_instance_uid, uint32_t version,
                          struct record_cookie *cookie, struct cas_error *error) {
  struct wanted_version wanted = {.index = index, .version = version, .cookie = cookie, .error = error};
  cas_status status = index_find_uid(index, CAS_LEVEL_INSTANCE, sop_instance_uid, find_version, &wanted, error);
  return status == CAS_END ? CAS_OK : status == CAS_OK ? CAS_NOT_FOUND : status;
}
