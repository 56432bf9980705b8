/*
 * Patients/: the store's own tree, as it is, or with its patients in shards: by the hash of their folders' names, or
 * Patients/YYYY/MM/ and Patients/undated/ (view_dates.c).
 */
#include "fuse/shard.h"
#include "fuse/view.h"

static cas_status get_node(const struct tree *tree, const char *node_path, struct tree_entry *entry, char *copy,
                           struct cas_error *error) {
  cas_status status = view_get_node(tree, node_path, entry, error);
  if (status == CAS_OK) view_copy(copy, node_path);
  return status;
}

static cas_status get(const struct tree *tree, const char *rest, struct tree_entry *entry, char *node_path,
                      struct cas_error *error) {
  char shard[SHARD_NAME_SIZE];
  const char *inner = rest;
  if (tree->patient_shards == TREE_SHARD_MONTH) return view_month_get(tree, rest, entry, node_path, error);
  if (tree->patient_shards != TREE_SHARD_NONE && !shard_cut(tree->patient_shards, rest, shard, &inner))
    return CAS_NOT_FOUND;
  return inner[0] == '\0' ? view_top_entry(tree, entry, error) : get_node(tree, inner, entry, node_path, error);
}

/* A list of all patients, of which those of one shard are handed on. */
struct shard_filter {
  enum tree_shard how;
  const char *shard;
  tree_each_fn each;
  void *arg;
};

static cas_status hand_on_own(void *arg, const char *name, const struct tree_entry *entry) {
  const struct shard_filter *filter = arg;
  char shard[SHARD_NAME_SIZE];
  shard_of_name(filter->how, name, shard);
  return strcmp(shard, filter->shard) == 0 ? filter->each(filter->arg, name, entry) : CAS_OK;
}

static cas_status list(const struct tree *tree, const char *rest, const char *after, tree_each_fn each, void *arg,
                       struct cas_error *error) {
  char shard[SHARD_NAME_SIZE];
  const char *inner = rest;
  if (tree->patient_shards == TREE_SHARD_NONE) return view_list_nodes(tree, rest, after, each, arg, error);
  if (tree->patient_shards == TREE_SHARD_MONTH) return view_month_list(tree, rest, after, each, arg, error);
  if (rest[0] == '\0') {
    struct tree_entry entry;
    cas_status status = view_top_entry(tree, &entry, error);
    return status != CAS_OK ? status : shard_list(tree->patient_shards, after, &entry, each, arg);
  }
  if (!shard_cut(tree->patient_shards, rest, shard, &inner)) return CAS_OK;
  if (inner[0] != '\0') return view_list_nodes(tree, inner, after, each, arg, error);
  struct shard_filter filter = {.how = tree->patient_shards, .shard = shard, .each = each, .arg = arg};
  return view_list_nodes(tree, "", after, hand_on_own, &filter, error);
}

const struct view view_patients = {.bit = TREE_PATIENTS, .name = "Patients", .get = get, .list = list};
