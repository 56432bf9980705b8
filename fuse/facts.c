/*
 * Owns nothing. The facts of a node are its own and those of the nodes above it, asked from the store each time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cassette/reader.h"
#include "fuse/facts.h"

struct fact_call {
  const char *only;
  fact_fn each;
  void *arg;
};

static const struct {
  enum cas_level level;
  uint32_t tag;
  const char *name;
} attribute_facts[] = {
    {CAS_LEVEL_STUDY, CAS_TAG_STUDY_INSTANCE_UID, "study_instance_uid"},
    {CAS_LEVEL_STUDY, CAS_TAG_STUDY_DATE, "study_date"},
    {CAS_LEVEL_SERIES, CAS_TAG_SERIES_INSTANCE_UID, "series_instance_uid"},
    {CAS_LEVEL_SERIES, CAS_TAG_MODALITY, "modality"},
    {CAS_LEVEL_INSTANCE, CAS_TAG_SOP_INSTANCE_UID, "sop_instance_uid"},
    {CAS_LEVEL_INSTANCE, CAS_TAG_SOP_CLASS_UID, "sop_class_uid"},
    {CAS_LEVEL_INSTANCE, CAS_TAG_TRANSFER_SYNTAX_UID, "transfer_syntax_uid"},
};
#define ATTRIBUTE_FACT_COUNT (sizeof attribute_facts / sizeof attribute_facts[0])

bool facts_are_listed(const char *name) {
  static const char *const others[] = {"bytes", "study_date", "modality", "sop_class_uid", "source"};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    if (strcmp(name, others[i]) == 0) return false;
  return true;
}

static bool is_wanted(const struct fact_call *call, const char *name) {
  return call->only == NULL || strcmp(call->only, name) == 0;
}

static cas_status hand_on(const struct fact_call *call, const char *name, const char *value) {
  return is_wanted(call, name) && value[0] != '\0' ? call->each(call->arg, name, value) : CAS_OK;
}

static cas_status hand_on_number(const struct fact_call *call, const char *name, uint64_t value) {
  char text[21];
  snprintf(text, sizeof text, "%" PRIu64, value);
  return hand_on(call, name, text);
}

/* The facts that a node's attributes give to all nodes below it, too. */
static cas_status hand_on_attributes(void *arg, const struct cas_node *node) {
  const struct fact_call *call = arg;
  for (size_t i = 0; i < ATTRIBUTE_FACT_COUNT; i++) {
    if (attribute_facts[i].level != node->level) continue;
    const char *value = cas_attributes_text(node->attributes, attribute_facts[i].tag);
    cas_status status = hand_on(call, attribute_facts[i].name, value);
    if (status != CAS_OK) return status;
  }
  return CAS_OK;
}

static cas_status hand_on_node(void *arg, const struct cas_node *node) {
  const struct fact_call *call = arg;
  cas_status status = hand_on_attributes(arg, node);
  if (status == CAS_OK) status = hand_on_number(call, "bytes", node->bytes);
  if (node->level != CAS_LEVEL_INSTANCE)
    return status != CAS_OK ? status : hand_on_number(call, "instances", node->instances);
  if (status == CAS_OK) status = hand_on_number(call, "version", node->version);
  if (status != CAS_OK) return status;
  char hash[33];
  cas_hash_format(&node->content_hash, hash);
  return hand_on(call, "xxh3_128", hash);
}

static cas_status hand_on_storage(struct cas_reader *reader, const struct fact_call *call, struct cas_error *error) {
  struct cas_storage storage;
  if (!is_wanted(call, "stored_bytes") && !is_wanted(call, "codec") && !is_wanted(call, "tier")) return CAS_OK;
  cas_status status = cas_reader_storage(reader, &storage, error);
  if (status == CAS_OK) status = hand_on_number(call, "stored_bytes", storage.stored_bytes);
  if (status == CAS_OK) status = hand_on(call, "codec", storage.codecs);
  return status == CAS_OK ? hand_on(call, "tier", storage.tier) : status;
}

/* The facts that the manifest of an instance tells. No content is read. */
static cas_status hand_on_manifest(const struct tree *tree, const char *node_path, const struct fact_call *call,
                                   struct cas_error *error) {
  static const char *const names[] = {"source", "stored_bytes", "codec", "tier"};
  bool wanted = false;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) wanted = wanted || is_wanted(call, names[i]);
  if (!wanted) return CAS_OK;
  struct cas_reader *reader;
  cas_status status = cas_reader_open(tree->store, node_path, &reader, error);
  if (status != CAS_OK) return status;
  status = hand_on(call, "source", cas_reader_source(reader));
  if (status == CAS_OK) status = hand_on_storage(reader, call, error);
  cas_reader_close(reader);
  return status;
}

static cas_status list_in(const struct tree *tree, const char *path, struct fact_call *call, struct cas_error *error) {
  struct tree_entry entry;
  char node_path[TREE_PATH_MAX];
  cas_status status = tree_get(tree, path, &entry, node_path, error);
  if (status != CAS_OK || node_path[0] == '\0') return status;
  for (char *slash = strchr(node_path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    status = cas_node_get(tree->store, node_path, hand_on_attributes, call, error);
    *slash = '/';
    if (status != CAS_OK) return status;
  }
  status = cas_node_get(tree->store, node_path, hand_on_node, call, error);
  if (status == CAS_OK && entry.kind == TREE_FILE) status = hand_on_manifest(tree, node_path, call, error);
  return status;
}

cas_status facts_list(const struct tree *tree, const char *path, const char *only, fact_fn each, void *arg,
                      struct cas_error *error) {
  struct fact_call call = {.only = only, .each = each, .arg = arg};
  struct tree_scope scope;
  cas_status status = tree_enter(tree, path, &scope, error);
  if (status != CAS_OK) return status;
  status = list_in(&scope.tree, scope.path, &call, error);
  tree_leave(&scope);
  return status;
}
