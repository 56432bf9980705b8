/* Owns the memory of nodes: one allocation each for path, identity and attributes, every text with a NUL at its end. */
#include "index/index_node.h"

#include "base/status.h"

void index_node_room_fini(struct index_node_room *room) {
  cas_buffer_fini(&room->path);
  cas_buffer_fini(&room->identity);
  cas_buffer_fini(&room->attributes);
  cas_buffer_fini(&room->states);
}

static cas_status set_text(struct cas_buffer *text, struct cas_slice bytes) {
  text->size = 0;
  STATUS_TRY(cas_buffer_reserve(text, bytes.size + 1));
  STATUS_TRY(cas_buffer_append(text, bytes));
  return cas_buffer_append(text, slice_of("", 1));
}

static cas_status set_path(struct cas_buffer *path, struct cas_slice parent, struct cas_slice name) {
  path->size = 0;
  STATUS_TRY(cas_buffer_reserve(path, parent.size + name.size + 2));
  STATUS_TRY(cas_buffer_append(path, parent));
  if (parent.size > 0) STATUS_TRY(cas_buffer_append(path, slice_of("/", 1)));
  STATUS_TRY(cas_buffer_append(path, name));
  return cas_buffer_append(path, slice_of("", 1));
}

cas_status index_node_fill(struct index_node_room *room, enum cas_level level, struct cas_slice parent,
                           struct cas_slice name, const struct index_node_value *value, struct index_node *node) {
  STATUS_TRY(set_path(&room->path, parent, name));
  STATUS_TRY(set_text(&room->identity, value->identity));
  room->attributes.size = 0;
  STATUS_TRY(cas_buffer_append(&room->attributes, value->attributes));
  room->states.size = 0;
  STATUS_TRY(cas_buffer_append(&room->states, value->states));
  *node = (struct index_node){
      .level = level,
      .path = (char *)room->path.data,
      .identity = (char *)room->identity.data,
      .first_arrival_ns = value->first_arrival_ns,
      .last_arrival_ns = value->last_arrival_ns,
      .instances = value->instances,
      .bytes = value->bytes,
      .gone = value->gone,
      .attributes = room->attributes,
      .states = room->states,
      .first_group = value->first_group,
      .last_group = value->last_group,
      .date_group = value->date_group,
      .version = value->version,
      .content_hash = value->content_hash,
      .manifest = value->manifest,
  };
  return CAS_OK;
}

void index_node_fini(struct index_node *node) {
  free(node->path);
  free(node->identity);
  cas_buffer_fini(&node->attributes);
  cas_buffer_fini(&node->states);
  *node = (struct index_node){0};
}
