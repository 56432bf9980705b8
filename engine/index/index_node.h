/* Between a stored node and struct index_node. Only for the files of this folder. */
#ifndef INDEX_INDEX_NODE_H
#define INDEX_INDEX_NODE_H

#include "index/index_values.h"

/* Where the parts of a node that is handed to callbacks live; used again for each, so that listing allocates little. */
struct index_node_room {
  struct cas_buffer path, identity, attributes, states;
};
void index_node_room_fini(struct index_node_room *room);

/* Fills `node` from a value; its memory is the room's. */
CAS_MUST_USE cas_status index_node_fill(struct index_node_room *room, enum cas_level level, struct cas_slice parent,
                                        struct cas_slice name, const struct index_node_value *value,
                                        struct index_node *node);

#endif
