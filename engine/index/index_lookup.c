/* Owns the lookups of one entry: what cannot be a key is not found, what cannot be decoded is damaged. */
#include "index/index_lookup.h"

#include "base/status.h"
#include "index/index_node.h"

cas_status index_lookup_blob(struct index_source source, const struct blob_id *id, struct index_blob *blob,
                             struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer room = {0};
  struct cas_slice bytes;
  struct index_key key;
  index_key_blob(&key, id);
  STATUS_TRY(index_db_borrow(source, &key, &room, &bytes, error));
  if (!index_decode_blob(bytes, blob)) return index_db_corrupt(error, source.index, "a blob's entry");
  return CAS_OK;
}

cas_status index_lookup_value(struct index_source source, const char *path, struct cas_buffer *bytes,
                              struct index_node_value *value, struct cas_error *error) {
  struct index_key key;
  if (!index_key_node(&key, path)) return CAS_NOT_FOUND;
  STATUS_TRY(index_db_get(source, &key, bytes, error));
  if (!index_decode_node(slice_of_buffer(bytes), (enum cas_level)index_path_level(path), value))
    return status_fail(error, CAS_CORRUPT, "index %s: the node %s is damaged", source.index->folder, path);
  return CAS_OK;
}

cas_status index_lookup_node(struct index_source source, const char *path, struct index_node *node,
                             struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  struct index_node_value value;
  struct index_node_room room = {0};
  struct cas_slice parent, name;
  STATUS_TRY(index_lookup_value(source, path, &bytes, &value, error));
  index_path_split(path, &parent, &name);
  cas_status status = index_node_fill(&room, (enum cas_level)index_path_level(path), parent, name, &value, node);
  if (status != CAS_OK) {
    index_node_room_fini(&room);
    return status_fail(error, status, "index: out of memory");
  }
  return CAS_OK;
}

cas_status index_lookup_name(struct index_source source, const char *parent, const char *identity, char *name,
                             size_t capacity, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer room = {0};
  struct cas_slice bytes;
  struct index_key key;
  if (!index_key_name(&key, slice_of(parent, strlen(parent)), slice_of(identity, strlen(identity))))
    return CAS_NOT_FOUND;
  STATUS_TRY(index_db_borrow(source, &key, &room, &bytes, error));
  if (bytes.size == 0 || bytes.size > FOLDER_NAME_BYTES_MAX || memchr(bytes.data, 0, bytes.size) != NULL ||
      memchr(bytes.data, '/', bytes.size) != NULL)
    return index_db_corrupt(error, source.index, "a name");
  if (bytes.size >= capacity) return status_fail(error, CAS_INVALID, "index: a name needs %zu bytes", bytes.size + 1);
  memcpy(name, bytes.data, bytes.size);
  name[bytes.size] = '\0';
  return CAS_OK;
}

cas_status index_lookup_totals(struct index_source source, struct index_totals *totals, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  struct index_key key;
  index_key_totals(&key);
  cas_status status = index_db_get(source, &key, &bytes, error);
  if (status == CAS_NOT_FOUND) {
    *totals = (struct index_totals){0};
    return CAS_OK;
  }
  if (status != CAS_OK) return status;
  if (!index_decode_totals(slice_of_buffer(&bytes), totals)) return index_db_corrupt(error, source.index, "the totals");
  return CAS_OK;
}

cas_status index_call_with_text(struct cas_slice text, index_text_fn each, void *arg) {
  char copy[INDEX_TEXT_BYTES_MAX + 1];
  if (text.size > INDEX_TEXT_BYTES_MAX) return CAS_CORRUPT;
  memcpy(copy, text.data, text.size);
  copy[text.size] = '\0';
  return each(arg, copy);
}

cas_status index_get_blob(struct index *index, const struct blob_id *id, struct index_blob *blob,
                          struct cas_error *error) {
  return index_lookup_blob(index_source_of(index), id, blob, error);
}

cas_status index_get_node(struct index *index, const char *path, struct index_node *node, struct cas_error *error) {
  return index_lookup_node(index_source_of(index), path, node, error);
}

cas_status index_get_name(struct index *index, const char *parent, const char *identity, char *name, size_t capacity,
                          struct cas_error *error) {
  return index_lookup_name(index_source_of(index), parent, identity, name, capacity, error);
}

cas_status index_get_totals(struct index *index, struct index_totals *totals, struct cas_error *error) {
  return index_lookup_totals(index_source_of(index), totals, error);
}

cas_status index_lookup_fact(struct index_source source, const char *name, struct cas_buffer *value,
                             struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer room = {0};
  struct cas_slice bytes;
  struct index_key key;
  if (!index_key_fact(&key, name)) return CAS_NOT_FOUND;
  STATUS_TRY(index_db_borrow(source, &key, &room, &bytes, error));
  value->size = 0;
  cas_status status = cas_buffer_append(value, bytes);
  return status == CAS_OK ? CAS_OK : status_fail(error, status, "index: out of memory");
}

cas_status index_get_fact(struct index *index, const char *name, struct cas_buffer *value, struct cas_error *error) {
  return index_lookup_fact(index_source_of(index), name, value, error);
}
