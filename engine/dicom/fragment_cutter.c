#include "dicom/fragment_cutter.h"

#include "base/limits.h"
#include "base/status.h"

cas_status fragment_cutter_item(struct fragment_cutter *cutter, struct byte_router *router, struct cas_slice header,
                                uint32_t size) {
  cutter->left = size;
  cutter->in_table = !cutter->table_seen;
  cutter->table_seen = true;
  if (cutter->in_table) value_cutter_plan_value(&cutter->table, size);
  if (!router->chunk_is_open) return byte_router_header(router, header);
  /* An open chunk has less than FRAGMENT_BLOB_BYTES_MIN bytes here: there is room for the header. */
  STATUS_TRY(byte_router_chunk(router, header));
  bool is_gathered = size == 0 && router->chunk_bytes >= FRAGMENT_BLOB_BYTES_MIN;
  return is_gathered ? byte_router_close(router) : CAS_OK;
}

static cas_status fragment_open(const struct fragment_cutter *cutter, struct byte_router *router) {
  struct dicom_chunk chunk = {.kind = DICOM_CHUNK_FRAGMENT};
  if (cutter->left >= FRAGMENT_BLOB_BYTES_MIN) {
    chunk.size = cutter->left < BLOB_BYTES_MAX ? (uint32_t)cutter->left : BLOB_BYTES_MAX;
  }
  return byte_router_open(router, &chunk);
}

cas_status fragment_cutter_push(struct fragment_cutter *cutter, struct byte_router *router, struct cas_slice bytes) {
  if (cutter->in_table) {
    cutter->left -= bytes.size;
    return value_cutter_push(&cutter->table, router, bytes);
  }
  while (bytes.size > 0) {
    if (!router->chunk_is_open) STATUS_TRY(fragment_open(cutter, router));
    size_t size = bytes.size < byte_router_room(router) ? bytes.size : byte_router_room(router);
    STATUS_TRY(byte_router_chunk(router, slice_of(bytes.data, size)));
    bytes = slice_of(bytes.data + size, bytes.size - size);
    cutter->left -= size;
    bool is_full = byte_router_room(router) == 0;
    bool is_gathered = cutter->left == 0 && router->chunk_bytes >= FRAGMENT_BLOB_BYTES_MIN;
    if (is_full || is_gathered) STATUS_TRY(byte_router_close(router));
  }
  return CAS_OK;
}

cas_status fragment_cutter_end(struct fragment_cutter *cutter, struct byte_router *router) {
  *cutter = (struct fragment_cutter){0};
  return router->chunk_is_open ? byte_router_close(router) : CAS_OK;
}
