#include "dicom/byte_router.h"

#include <assert.h>

#include "base/limits.h"
#include "base/status.h"

cas_status byte_router_flush(struct byte_router *router) {
  struct cas_slice pending = router->pending;
  router->pending = slice_of(NULL, 0);
  if (pending.size == 0 || router->sink.header == NULL) return CAS_OK;
  return router->sink.header(router->sink.arg, pending);
}

cas_status byte_router_header(struct byte_router *router, struct cas_slice bytes) {
  assert(!router->chunk_is_open);
  if (bytes.size == 0) return CAS_OK;
  if (router->pending.size > 0 && router->pending.data + router->pending.size == bytes.data) {
    router->pending.size += bytes.size;
    return CAS_OK;
  }
  STATUS_TRY(byte_router_flush(router));
  router->pending = bytes;
  return CAS_OK;
}

cas_status byte_router_open(struct byte_router *router, const struct dicom_chunk *chunk) {
  assert(!router->chunk_is_open && chunk->size <= BLOB_BYTES_MAX);
  STATUS_TRY(byte_router_flush(router));
  router->chunk_is_open = true;
  router->chunk_bytes = 0;
  if (router->sink.chunk_begin == NULL) return CAS_OK;
  return router->sink.chunk_begin(router->sink.arg, chunk);
}

uint32_t byte_router_room(const struct byte_router *router) { return BLOB_BYTES_MAX - router->chunk_bytes; }

cas_status byte_router_chunk(struct byte_router *router, struct cas_slice bytes) {
  assert(router->chunk_is_open && bytes.size <= byte_router_room(router));
  if (bytes.size == 0) return CAS_OK;
  router->chunk_bytes += (uint32_t)bytes.size;
  if (router->sink.chunk_bytes == NULL) return CAS_OK;
  return router->sink.chunk_bytes(router->sink.arg, bytes);
}

cas_status byte_router_close(struct byte_router *router) {
  assert(router->chunk_is_open);
  router->chunk_is_open = false;
  router->chunk_bytes = 0;
  if (router->sink.chunk_end == NULL) return CAS_OK;
  return router->sink.chunk_end(router->sink.arg);
}
