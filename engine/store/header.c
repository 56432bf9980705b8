/* Owns headers that are read: a blob that is held, and a place in it. */
#include "cassette/node.h"
#include "dicom/element_header.h"
#include "store/blob_read.h"
#include "store/manifest_read.h"

struct cas_header {
  struct cas_store *store;
  const struct cached_blob *blob;
  struct cas_data_set data_set;
  struct cas_text *text;
};

void cas_header_close(struct cas_header *header) {
  if (header == NULL) return;
  read_cache_unref(header->store->read_cache, header->blob);
  cas_text_destroy(header->text);
  free(header);
}

struct cas_data_set cas_header_data_set(const struct cas_header *header) {
  return header->data_set;
}

struct cas_text *cas_header_text(const struct cas_header *header) {
  return header->text;
}

/* --- the representative --- */

struct choosing {
  struct cas_store *store;
  char *path; /* of the instance, and its transfer syntax; owned */
  char *syntax;
  struct cas_error *error;
};

static cas_status choose(void *arg, const struct cas_node *node) {
  struct choosing *choosing = arg;
  bool current;
  if (node->level != CAS_LEVEL_INSTANCE)
    return cas_node_list(choosing->store, node->path, NULL, choose, choosing, choosing->error);
  STATUS_TRY(cas_node_is_current(choosing->store, node, &current, choosing->error));
  if (!current) return CAS_OK;
  choosing->path = strdup(node->path);
  choosing->syntax = strdup(cas_attributes_text(node->attributes, CAS_TAG_TRANSFER_SYNTAX_UID));
  return choosing->path == NULL || choosing->syntax == NULL ? CAS_NO_MEMORY : CAS_END;
}

/* --- reading --- */

/* The form of the data set: declared, or seen. */
static void set_form(struct cas_header *header, const char *syntax) {
  struct element_form form = {.explicit_vr = strcmp(syntax, "1.2.840.10008.1.2") != 0,
                              .big_endian = strcmp(syntax, "1.2.840.10008.1.2.2") == 0};
  const struct element_form declared = form;
  if (header->data_set.rest.size >= ELEMENT_HEADER_BYTES_MIN)
    (void)element_form_judge(header->data_set.rest.data, syntax[0] != '\0' ? &declared : NULL, &form);
  header->data_set.explicit_vr = form.explicit_vr;
  header->data_set.big_endian = form.big_endian;
}

static cas_status read_text(struct cas_header *header) {
  struct cas_element element = {0};
  (void)cas_data_set_find(header->data_set, CAS_TAG_SPECIFIC_CHARACTER_SET, &element);
  while (element.value.size > 0 && element.value.data[element.value.size - 1] <= ' ') element.value.size--;
  return cas_text_create(element.value, &header->text);
}

static cas_status read_header(struct cas_header *header, struct record_cookie cookie, const char *syntax,
                              struct cas_error *error) {
  struct manifest manifest;
  cas_status status = manifest_read(header->store, cookie, &manifest, error);
  if (status != CAS_OK) return status;
  if (manifest.piece_count > 0) {
    const struct manifest_piece *piece = &manifest.pieces[0];
    status = blob_read(header->store, NULL, &manifest.blobs[piece->blob].id, &header->blob, error);
    const bool fits = status == CAS_OK && (uint64_t)piece->offset + piece->size <= header->blob->size &&
                      manifest.data_set_offset <= piece->size && strcmp(syntax, "1.2.840.10008.1.2.1.99") != 0;
    if (fits)
      header->data_set.rest = slice_of(header->blob->bytes + piece->offset + manifest.data_set_offset,
                                       piece->size - (size_t)manifest.data_set_offset);
  }
  manifest_fini(&manifest);
  if (status != CAS_OK) return status;
  set_form(header, syntax);
  return read_text(header);
}

static cas_status open_at(struct cas_store *store, const struct choosing *chosen, struct cas_header **out,
                          struct cas_error *error) {
  struct index_node node = {0};
  struct cas_header *header = calloc(1, sizeof *header);
  if (header == NULL) return CAS_NO_MEMORY;
  header->store = store;
  cas_status status = index_get_node(store->index, chosen->path, &node, error);
  if (status == CAS_OK) status = read_header(header, node.manifest, chosen->syntax, error);
  index_node_fini(&node);
  if (status == CAS_OK)
    *out = header;
  else
    cas_header_close(header);
  return status;
}

cas_status cas_header_open(struct cas_store *store, const struct cas_node *node, struct cas_header **header,
                           struct cas_error *error) {
  struct choosing choosing = {.store = store, .error = error};
  cas_status status = choose(&choosing, node);
  if (status == CAS_OK) status = CAS_NOT_FOUND;
  if (status == CAS_END) status = open_at(store, &choosing, header, error);
  free(choosing.path);
  free(choosing.syntax);
  return status;
}
