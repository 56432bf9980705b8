#include "store/corrected.h"

#include "store/describe.h"
#include "store/manifest_read.h"
#include "store/state_apply.h"

/* The version that became replaced when the manifest's was first durable; 0: none. */
static uint32_t find_replaced(struct cas_slice history, const struct manifest *manifest) {
  struct state_step step;
  size_t position = 0;
  uint32_t found = 0;
  while (state_history_next(history, &position, &step))
    if (step.action == CAS_ACTION_REPLACE && step.group == manifest->since && step.version < manifest->version &&
        step.version > found)
      found = step.version;
  return found;
}

struct versions {
  struct index_batch *batch;
  uint64_t group;
  uint32_t wanted;
  size_t of_group; /* that were first durable in it */
  struct record_cookie manifest;
  bool found;
  struct cas_error *error;
};

static cas_status look_at_path(void *arg, const char *path) {
  struct versions *versions = arg;
  struct index_node node = {0};
  STATUS_TRY(index_batch_get_node(versions->batch, path, &node, versions->error));
  versions->of_group += node.first_group == versions->group;
  if (node.version == versions->wanted) {
    versions->found = true;
    versions->manifest = node.manifest;
  }
  index_node_fini(&node);
  return CAS_OK;
}

static void compare(const struct cas_attributes *before, const struct cas_attributes *after,
                    struct manifest *manifest) {
  size_t count;
  const struct cas_attribute_definition *definitions = cas_indexed_attributes(&count);
  manifest->origin = CAS_ORIGIN_CORRECTED;
  for (size_t i = 0; i < count && manifest->corrected_count < MANIFEST_CORRECTED_MAX; i++) {
    const uint32_t tag = definitions[i].tag;
    if (strcmp(cas_attributes_text(before, tag), cas_attributes_text(after, tag)) != 0)
      manifest->corrected[manifest->corrected_count++] = tag;
  }
}

static cas_status describe_at(struct cas_store *store, struct index_batch *batch, struct record_cookie cookie,
                              struct cas_attributes **attributes) {
  struct manifest manifest;
  STATUS_TRY(manifest_read_at(store, cookie, &manifest, NULL));
  cas_status status = describe_instance(store, batch, &manifest, attributes, NULL);
  manifest_fini(&manifest);
  return status;
}

cas_status corrected_recall(struct cas_store *store, struct index_batch *batch, const struct cas_attributes *attributes,
                            struct manifest *manifest, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer history = {0};
  const char *uid = manifest->sop_instance_uid;
  struct cas_attributes *before;
  if (manifest->since == 0) return CAS_OK;
  STATUS_TRY(state_get_history(batch, uid, &history, error));
  struct versions versions = {.batch = batch,
                              .group = manifest->since,
                              .wanted = find_replaced(slice_of_buffer(&history), manifest),
                              .error = error};
  if (versions.wanted == 0) return CAS_OK;
  STATUS_TRY(index_batch_find_uid(batch, CAS_LEVEL_INSTANCE, uid, look_at_path, &versions, error));
  if (!versions.found || versions.of_group != 1) return CAS_OK;
  cas_status status = describe_at(store, batch, versions.manifest, &before);
  if (status == CAS_NO_MEMORY) return status;
  if (status != CAS_OK) return CAS_OK;
  compare(before, attributes, manifest);
  cas_attributes_destroy(before);
  return CAS_OK;
}
