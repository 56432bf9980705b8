/*
 * The way of bytes to the sink: as header, or as a chunk. It keeps the contract of dicom_sink: every byte once and in
 * order, chunks never longer than BLOB_BYTES_MAX, begin and end in pairs.
 */
#ifndef DICOM_BYTE_ROUTER_H
#define DICOM_BYTE_ROUTER_H

#include "dicom/scanner.h"

/* A router whose sink's functions are NULL drops the bytes: the look into a deflated data set uses one. */
struct byte_router {
  struct dicom_sink sink;
  struct cas_slice pending; /* header bytes not yet handed over; borrowed from the piece that is being pushed */
  bool chunk_is_open;
  uint32_t chunk_bytes; /* in the open chunk so far */
};

/* Header bytes. They are gathered while they are neighbours in memory: call byte_router_flush before they go. */
CAS_MUST_USE cas_status byte_router_header(struct byte_router *router, struct cas_slice bytes);
CAS_MUST_USE cas_status byte_router_flush(struct byte_router *router);

/* Chunks. `bytes` must not exceed byte_router_room(). */
CAS_MUST_USE cas_status byte_router_open(struct byte_router *router, const struct dicom_chunk *chunk);
CAS_MUST_USE cas_status byte_router_chunk(struct byte_router *router, struct cas_slice bytes);
CAS_MUST_USE cas_status byte_router_close(struct byte_router *router);
uint32_t byte_router_room(const struct byte_router *router);

#endif
