/*
 * Owns the facts "versions" (somewhere) and "versions/PATIENT/STUDY" (in that study). They are never taken away: what
 * is marked is counted one by one, which is slower and gives the same.
 */
#include "store/current.h"

#include <stdio.h>

#include "cassette/node.h"
#include "store/filter.h"
#include "store/placement.h"

#define FACT "versions"

struct marking {
  struct index_batch *batch;
  struct cas_error *error;
};

/* The fact of the study at or above a path; of a patient, what those of its studies begin with. */
static void fact_of(const char *path, char fact[PLACEMENT_PATH_MAX + sizeof FACT]) {
  const char *slash = strchr(path, '/');
  size_t size = slash == NULL ? strlen(path) : (size_t)(slash - path) + 1;
  if (slash != NULL) size += strcspn(path + size, "/");
  snprintf(fact, PLACEMENT_PATH_MAX + sizeof FACT, FACT "/%.*s%s", (int)size, path, slash == NULL ? "/" : "");
}

static cas_status mark(void *arg, const char *path) {
  const struct marking *marking = arg;
  char fact[PLACEMENT_PATH_MAX + sizeof FACT];
  fact_of(path, fact);
  return index_batch_put_fact(marking->batch, fact, slice_of("1", 1), marking->error);
}

cas_status current_mark(struct index_batch *batch, const char *sop_instance_uid, struct cas_error *error) {
  struct marking marking = {.batch = batch, .error = error};
  STATUS_TRY(index_batch_put_fact(batch, FACT, slice_of("1", 1), error));
  return index_batch_find_uid(batch, CAS_LEVEL_INSTANCE, sop_instance_uid, mark, &marking, error);
}

/* --- asking --- */

static cas_status stop(void *arg, const char *name, struct cas_slice value) {
  (void)name, (void)value;
  *(bool *)arg = true;
  return CAS_END;
}

cas_status cas_has_versions(struct cas_store *store, bool *any, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer value = {0};
  cas_status status = index_get_fact(store->index, FACT, &value, error);
  *any = status == CAS_OK;
  return status == CAS_NOT_FOUND ? CAS_OK : status;
}

/* Whether anything below the node may have a newer version. */
static cas_status is_marked(struct cas_store *store, const struct cas_node *node, bool *marked,
                            struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer value = {0};
  char fact[PLACEMENT_PATH_MAX + sizeof FACT];
  *marked = false;
  if (store->no_versions) return CAS_OK;
  cas_status status = cas_has_versions(store, marked, error);
  if (status != CAS_OK || !*marked) return status;
  *marked = false;
  fact_of(node->path, fact);
  if (node->level == CAS_LEVEL_PATIENT) {
    status = index_list_facts(store->index, fact, NULL, stop, marked, error);
    return status == CAS_END ? CAS_OK : status;
  }
  status = index_get_fact(store->index, fact, &value, error);
  *marked = status == CAS_OK;
  return status == CAS_NOT_FOUND ? CAS_OK : status;
}

static cas_status note_newest(void *arg, const struct cas_node *node) {
  uint32_t *newest = arg;
  if (node->version > *newest) *newest = node->version;
  return CAS_OK;
}

/* A newer version counts where a filter does not show it, too. */
static cas_status is_newest(struct cas_store *store, const struct cas_node *instance, bool *newest,
                            struct cas_error *error) {
  struct cas_store whole;
  filter_lift(store, &whole);
  uint32_t version = instance->version;
  const char *uid = cas_attributes_text(instance->attributes, CAS_TAG_SOP_INSTANCE_UID);
  const cas_status status = cas_node_by_uid(&whole, CAS_LEVEL_INSTANCE, uid, note_newest, &version, error);
  *newest = version == instance->version;
  return status == CAS_NOT_FOUND ? CAS_OK : status;
}

/* --- counting --- */

struct counting {
  struct cas_store *store;
  struct cas_counts *counts;
  bool one_by_one;  /* instances are looked at */
  cas_node_fn each; /* of the series; NULL: nobody asks */
  void *arg;
  struct cas_error *error;
};

static cas_status count_child(void *arg, const struct cas_node *node) {
  struct counting *counting = arg;
  struct cas_counts *counts = counting->counts;
  const uint64_t before = counts->instances;
  if (node->level == CAS_LEVEL_INSTANCE) {
    bool newest;
    STATUS_TRY(is_newest(counting->store, node, &newest, counting->error));
    counts->instances += newest;
    return CAS_OK;
  }
  if (node->level == CAS_LEVEL_SERIES && counting->each != NULL) STATUS_TRY(counting->each(counting->arg, node));
  if (node->level == CAS_LEVEL_SERIES && !counting->one_by_one)
    counts->instances += node->instances;
  else
    STATUS_TRY(cas_node_list(counting->store, node->path, NULL, count_child, counting, counting->error));
  if (counts->instances > before && node->level == CAS_LEVEL_STUDY) counts->studies++;
  if (counts->instances > before && node->level == CAS_LEVEL_SERIES) counts->series++;
  return CAS_OK;
}

cas_status cas_node_count(struct cas_store *store, const struct cas_node *node, cas_node_fn each, void *arg,
                          struct cas_counts *counts, struct cas_error *error) {
  struct cas_counts counted = {0};
  struct counting counting = {.store = store, .counts = &counted, .each = each, .arg = arg, .error = error};
  STATUS_TRY(is_marked(store, node, &counting.one_by_one, error));
  if (node->level == CAS_LEVEL_INSTANCE)
    STATUS_TRY(count_child(&counting, node));
  else if (node->level == CAS_LEVEL_SERIES && !counting.one_by_one)
    counted.instances = node->instances;
  else
    STATUS_TRY(cas_node_list(store, node->path, NULL, count_child, &counting, error));
  *counts = counted;
  return CAS_OK;
}

cas_status cas_node_is_current(struct cas_store *store, const struct cas_node *node, bool *current,
                               struct cas_error *error) {
  bool marked;
  struct cas_counts counts;
  *current = true;
  STATUS_TRY(is_marked(store, node, &marked, error));
  if (!marked) return CAS_OK;
  if (node->level == CAS_LEVEL_INSTANCE) return is_newest(store, node, current, error);
  STATUS_TRY(cas_node_count(store, node, NULL, NULL, &counts, error));
  *current = counts.instances > 0;
  return CAS_OK;
}
