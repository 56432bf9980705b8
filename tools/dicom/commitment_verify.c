/* Owns nothing. */
#include "commitment_verify.h"

#include <stdlib.h>
#include <string.h>

#include "cassette/reader.h"

#define PIECE_BYTES (1u << 20)

struct found {
  struct cas_store *store;
  char *path;
  bool same_class;
  const char *sop_class_uid;
};

static cas_status see(void *arg, const struct cas_node *node) {
  struct found *found = arg;
  bool current;
  const cas_status status = cas_node_is_current(found->store, node, &current, NULL);
  if (status != CAS_OK || !current) return status;
  char *path = strdup(node->path);
  if (path == NULL) return CAS_NO_MEMORY;
  free(found->path);
  found->path = path;
  found->same_class = strcmp(cas_attributes_text(node->attributes, CAS_TAG_SOP_CLASS_UID), found->sop_class_uid) == 0;
  return CAS_OK;
}

static bool can_be_read(struct cas_store *store, const char *path) {
  struct cas_reader *reader = NULL;
  struct cas_error error = {0};
  uint8_t *piece = malloc(PIECE_BYTES);
  cas_status status = piece != NULL ? cas_reader_open(store, path, &reader, &error) : CAS_NO_MEMORY;
  size_t got = PIECE_BYTES;
  for (uint64_t offset = 0; status == CAS_OK && got == PIECE_BYTES; offset += got)
    status = cas_reader_read(reader, offset, piece, PIECE_BYTES, &got, &error);
  cas_reader_close(reader);
  free(piece);
  return status == CAS_OK;
}

uint16_t commitment_verify(struct cas_store *store, const struct commitment_item *item, bool by_index) {
  struct found found = {.store = store, .sop_class_uid = item->sop_class_uid};
  struct cas_error error = {0};
  const cas_status status = cas_node_by_uid(store, CAS_LEVEL_INSTANCE, item->sop_instance_uid, see, &found, &error);
  uint16_t failure = COMMITMENT_KEPT;
  if (status != CAS_OK && status != CAS_NOT_FOUND) {
    failure = COMMITMENT_PROCESSING_FAILURE;
  } else if (found.path == NULL) {
    failure = COMMITMENT_NO_SUCH_INSTANCE;
  } else if (!found.same_class) {
    failure = COMMITMENT_CLASS_CONFLICT;
  } else if (!by_index && !can_be_read(store, found.path)) {
    failure = COMMITMENT_PROCESSING_FAILURE;
  }
  free(found.path);
  return failure;
}
