/*
 * A node together with its ancestors.
 *
 * Owns: copies of the ancestors' attributes.
 * Invariant: ancestors[level] has both path and attributes, or neither.
 */
#include "node_family.h"

#include "cassette/state.h"

#include <string.h>

#include "cli.h"
#include "cli_json.h"

static void forget(struct node_family *family, int level) {
  free(family->ancestors[level].path);
  cas_attributes_destroy(family->ancestors[level].attributes);
  family->ancestors[level].path = NULL;
  family->ancestors[level].attributes = NULL;
}

void node_family_init(struct node_family *family, struct cas_store *store) {
  *family = (struct node_family){.store = store};
}

void node_family_fini(struct node_family *family) {
  for (int level = CAS_LEVEL_PATIENT; level < CAS_LEVEL_INSTANCE; level++) forget(family, level);
}

static cas_status copy_attributes(void *arg, const struct cas_node *node) {
  struct cas_attributes **copy = arg;
  cas_status status = cas_attributes_create(copy);
  size_t position = 0;
  struct cas_attribute attribute;
  while (status == CAS_OK && cas_attributes_next(node->attributes, &position, &attribute)) {
    struct cas_slice value = {.data = (const uint8_t *)attribute.value, .size = strlen(attribute.value)};
    status = cas_attributes_set(*copy, attribute.tag, value);
  }
  return status;
}

/* The first `depth` parts of a path, or NULL without memory. */
static char *leading_parts(const char *path, int depth) {
  const char *end = path;
  for (int i = 0; i < depth; i++) {
    if (i > 0 && *end) end++;
    end += strcspn(end, "/");
  }
  return strndup(path, (size_t)(end - path));
}

cas_status node_family_set(struct node_family *family, const struct cas_node *node, struct cas_error *error) {
  family->node = node;
  for (int level = CAS_LEVEL_PATIENT; level < (int)node->level; level++) {
    char *path = leading_parts(node->path, level);
    if (!path) return CAS_NO_MEMORY;
    if (family->ancestors[level].path && strcmp(family->ancestors[level].path, path) == 0) {
      free(path);
      continue;
    }
    forget(family, level);
    struct cas_attributes *copy = NULL;
    cas_status status = cas_node_get(family->store, path, copy_attributes, &copy, error);
    if (status != CAS_OK && status != CAS_END) {
      cas_attributes_destroy(copy);
      free(path);
      return status;
    }
    family->ancestors[level].path = path;
    family->ancestors[level].attributes = copy;
  }
  return CAS_OK;
}

const char *node_family_text(const struct node_family *family, uint32_t tag) {
  const char *value = cas_attributes_get(family->node->attributes, tag);
  for (int level = (int)family->node->level - 1; !value && level >= CAS_LEVEL_PATIENT; level--)
    value = cas_attributes_get(family->ancestors[level].attributes, tag);
  return value ? value : "";
}

const char *attribute_keyword(uint32_t tag) {
  size_t count;
  const struct cas_attribute_definition *definitions = cas_indexed_attributes(&count);
  for (size_t i = 0; i < count; i++)
    if (definitions[i].tag == tag) return definitions[i].keyword;
  return "?";
}

static const char *const level_names[] = {"", "patient", "study", "series", "instance"};

const char *level_name(enum cas_level level) { return level_names[level]; }

enum cas_level level_by_name(const char *name) {
  for (int level = CAS_LEVEL_PATIENT; level <= CAS_LEVEL_INSTANCE; level++)
    if (strcmp(name, level_names[level]) == 0) return (enum cas_level)level;
  return (enum cas_level)0;
}

static void add_attributes(json_t *object, const struct cas_attributes *attributes) {
  size_t position = 0;
  struct cas_attribute attribute;
  while (cas_attributes_next(attributes, &position, &attribute))
    cli_json_text(object, attribute_keyword(attribute.tag), attribute.value);
}

json_t *node_family_json(const struct node_family *family) {
  const struct cas_node *node = family->node;
  json_t *object = json_object(), *attributes = json_object();
  cli_json_text(object, "level", level_name(node->level));
  cli_json_text(object, "path", node->path);
  for (int level = CAS_LEVEL_PATIENT; level < (int)node->level; level++)
    add_attributes(attributes, family->ancestors[level].attributes);
  add_attributes(attributes, node->attributes);
  json_object_set_new(object, "attributes", attributes);
  cli_json_count(object, "bytes", node->bytes);
  if (node->level == CAS_LEVEL_INSTANCE) {
    cli_json_count(object, "version", node->version);
    if (node->state != CAS_STATE_SHOWN) cli_json_text(object, "state", cas_state_name(node->state));
    cli_json_hash(object, "xxh3_128", &node->content_hash);
    cli_json_time(object, "arrival", node->first_arrival_ns);
  } else {
    cli_json_count(object, "instances", node->instances);
    cli_json_time(object, "first_arrival", node->first_arrival_ns);
    cli_json_time(object, "last_arrival", node->last_arrival_ns);
  }
  return object;
}
