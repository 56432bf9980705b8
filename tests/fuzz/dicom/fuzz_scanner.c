/*
 * Any bytes, pushed whole and in pieces: the sink gets them all in order, in chunks within their bounds, with the same
 * cuts and the same summary however they were pushed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "dicom/attribute_codec.h"
#include "dicom/scanner.h"

struct recorder {
  struct cas_slice expected;
  size_t at;          /* in `expected` */
  uint64_t cuts_hash; /* of where chunks begin and end, and what they are */
  bool chunk_is_open;
  struct dicom_chunk chunk;
  size_t chunk_bytes;
};

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                                        \
      abort();                                                                                                         \
    }                                                                                                                  \
  } while (0)

static void mix(struct recorder *recorder, uint64_t value) {
  recorder->cuts_hash = (recorder->cuts_hash ^ value) * 0x9E3779B97F4A7C15u;
  recorder->cuts_hash ^= recorder->cuts_hash >> 29;
}

static void take(struct recorder *recorder, struct cas_slice bytes) {
  CHECK(bytes.size > 0 && bytes.size <= recorder->expected.size - recorder->at);
  CHECK(memcmp(bytes.data, recorder->expected.data + recorder->at, bytes.size) == 0);
  recorder->at += bytes.size;
}

static cas_status on_header(void *arg, struct cas_slice bytes) {
  struct recorder *recorder = arg;
  CHECK(!recorder->chunk_is_open);
  take(recorder, bytes);
  return CAS_OK;
}

static cas_status on_chunk_begin(void *arg, const struct dicom_chunk *chunk) {
  struct recorder *recorder = arg;
  CHECK(!recorder->chunk_is_open && chunk->size <= BLOB_BYTES_MAX);
  recorder->chunk_is_open = true;
  recorder->chunk = *chunk;
  recorder->chunk_bytes = 0;
  mix(recorder, recorder->at);
  mix(recorder, (uint64_t)chunk->kind << 32 | chunk->size);
  if (chunk->kind == DICOM_CHUNK_FRAME) {
    const struct cas_pixel_format *format = &chunk->format;
    uint64_t pixel_bytes = (uint64_t)format->samples_per_pixel * (format->bits_allocated / 8u);
    CHECK(format->rows > 0 && format->columns > 0);
    CHECK(format->bits_stored <= format->bits_allocated && format->high_bit < format->bits_allocated);
    CHECK(pixel_bytes * format->rows * format->columns == chunk->size);
    mix(recorder, format->rows);
  }
  return CAS_OK;
}

static cas_status on_chunk_bytes(void *arg, struct cas_slice bytes) {
  struct recorder *recorder = arg;
  CHECK(recorder->chunk_is_open);
  take(recorder, bytes);
  recorder->chunk_bytes += bytes.size;
  CHECK(recorder->chunk_bytes <= (recorder->chunk.size > 0 ? recorder->chunk.size : BLOB_BYTES_MAX));
  return CAS_OK;
}

static cas_status on_chunk_end(void *arg) {
  struct recorder *recorder = arg;
  CHECK(recorder->chunk_is_open && recorder->chunk_bytes > 0);
  bool is_short = recorder->chunk.size > 0 && recorder->chunk_bytes < recorder->chunk.size;
  CHECK(!is_short || recorder->at == recorder->expected.size);
  recorder->chunk_is_open = false;
  mix(recorder, recorder->at);
  return CAS_OK;
}

struct outcome {
  uint64_t cuts_hash;
  struct dicom_summary summary;
  struct cas_buffer attributes;
};

static size_t piece_size(size_t mode, size_t at) {
  switch (mode) {
  case 0: return SIZE_MAX;
  case 1: return 1;
  default: return 1 + (at * 7 + mode * 13) % (mode * 5);
  }
}

static void scan(struct cas_slice bytes, size_t mode, struct outcome *outcome) {
  struct recorder recorder = {.expected = bytes};
  struct dicom_sink sink = {on_header, on_chunk_begin, on_chunk_bytes, on_chunk_end, &recorder};
  struct dicom_scanner *scanner;
  const struct dicom_summary *summary;
  CHECK(dicom_scanner_create(&sink, &scanner) == CAS_OK);
  for (size_t at = 0; at < bytes.size;) {
    size_t size = piece_size(mode, at);
    if (size > bytes.size - at) size = bytes.size - at;
    /* A copy of its own, so that reading beyond a piece, or after it, is found. */
    uint8_t *piece = malloc(size);
    CHECK(piece != NULL);
    memcpy(piece, bytes.data + at, size);
    CHECK(dicom_scanner_push(scanner, slice_of(piece, size)) == CAS_OK);
    free(piece);
    at += size;
  }
  CHECK(dicom_scanner_finish(scanner, &summary) == CAS_OK);
  CHECK(recorder.at == bytes.size && summary->size == bytes.size && !recorder.chunk_is_open);
  CHECK(summary->defect_offset <= bytes.size && summary->data_set_offset <= bytes.size);
  outcome->cuts_hash = recorder.cuts_hash;
  outcome->summary = *summary;
  outcome->summary.attributes = NULL;
  CHECK(attributes_encode(summary->attributes, 0, &outcome->attributes) == CAS_OK);
  dicom_scanner_destroy(scanner);
}

static void check_attributes(struct cas_slice encoded) {
  struct cas_attributes *attributes;
  CLEANUP_BUFFER struct cas_buffer again = {0};
  CHECK(cas_attributes_create(&attributes) == CAS_OK);
  CHECK(attributes_decode(encoded, attributes) == CAS_OK);
  CHECK(attributes_encode(attributes, 0, &again) == CAS_OK);
  CHECK(slice_equal(encoded, slice_of_buffer(&again)));
  cas_attributes_destroy(attributes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct outcome whole = {0};
  scan(slice_of(data, size), 0, &whole);
  check_attributes(slice_of_buffer(&whole.attributes));
  /* Byte by byte costs as much as all the rest: short inputs reach as far. */
  for (size_t mode = size <= 600 ? 1 : 2; mode <= 3; mode++) {
    struct outcome pieces = {0};
    scan(slice_of(data, size), mode, &pieces);
    CHECK(pieces.cuts_hash == whole.cuts_hash);
    CHECK(memcmp(&pieces.summary, &whole.summary, sizeof whole.summary) == 0);
    CHECK(slice_equal(slice_of_buffer(&pieces.attributes), slice_of_buffer(&whole.attributes)));
    cas_buffer_fini(&pieces.attributes);
  }
  cas_buffer_fini(&whole.attributes);
  return 0;
}
