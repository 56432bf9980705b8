/*
 * A node together with its ancestors: a study is shown with its patient's name, an instance with all above it. The
 * ancestors of the last node are kept, since a list has siblings one after the other.
 *
 * Threads: one at a time.
 */
#ifndef NODE_FAMILY_H
#define NODE_FAMILY_H

#include <jansson.h>

#include "cassette/node.h"

struct node_family {
  struct cas_store *store;
  const struct cas_node *node; /* the present one */
  struct {
    char *path;
    struct cas_attributes *attributes;
  } ancestors[CAS_LEVEL_INSTANCE];
};

void node_family_init(struct node_family *family, struct cas_store *store);
void node_family_fini(struct node_family *family);

/* Makes `node` the present one and looks up its ancestors. `node` is borrowed until the next call. */
CAS_MUST_USE cas_status node_family_set(struct node_family *family, const struct cas_node *node,
                                        struct cas_error *error);

/* The value of an attribute of the node or the ancestor that has it; "" where absent. */
const char *node_family_text(const struct node_family *family, uint32_t tag);

/* The keyword of an indexed attribute, "?" if it is none. */
const char *attribute_keyword(uint32_t tag);

/* "patient", "study", "series", "instance" */
const char *level_name(enum cas_level level);

/* The level of that name, 0 if it is none. */
enum cas_level level_by_name(const char *name);

/* What a program may want to know of the present node: a new object, NULL without memory. */
json_t *node_family_json(const struct node_family *family);

#endif
