#include "dicom/value_cutter.h"

#include <assert.h>

#include "base/limits.h"
#include "base/status.h"

void value_cutter_plan_value(struct value_cutter *cutter, uint64_t size) {
  *cutter = (struct value_cutter){.left = size, .header_left = size < BULK_VALUE_BYTES_MIN ? size : 0};
}

void value_cutter_plan_rest(struct value_cutter *cutter) {
  *cutter = (struct value_cutter){.left = VALUE_CUTTER_TO_THE_END, .header_left = BULK_VALUE_BYTES_MIN};
}

void value_cutter_plan_bulk(struct value_cutter *cutter) {
  *cutter = (struct value_cutter){.left = VALUE_CUTTER_TO_THE_END};
}

/* Bytes of one row of one frame, 0 where rows are not modelled. */
static uint32_t row_bytes_of(const struct cas_pixel_format *format) {
  if (format->rows == 0 || format->columns == 0 || format->samples_per_pixel == 0) return 0;
  if (format->bits_allocated == 0 || format->bits_allocated > 64 || format->bits_allocated % 8 != 0) return 0;
  uint64_t pixel_bytes = (uint64_t)format->samples_per_pixel * (format->bits_allocated / 8u);
  uint64_t row_bytes = pixel_bytes * format->columns; /* at most 2^16 * 8 * 2^32 */
  return row_bytes <= BLOB_BYTES_MAX ? (uint32_t)row_bytes : 0;
}

/* Turns colour planes that are too long for one chunk into frames of one sample each. */
static void split_planes(struct cas_pixel_format *format) {
  if (format->samples_per_pixel < 2 || format->planar_configuration == 0) return;
  if ((uint64_t)row_bytes_of(format) * format->rows <= BLOB_BYTES_MAX) return;
  format->samples_per_pixel = 1;
  format->planar_configuration = 0;
}

void value_cutter_plan_pixels(struct value_cutter *cutter, uint64_t size, const struct cas_pixel_format *format) {
  *cutter = (struct value_cutter){.left = size, .header_left = size < FRAME_BYTES_MIN ? size : 0};
  if (format == NULL || size < FRAME_BYTES_MIN) return;
  struct cas_pixel_format cut = *format;
  if (row_bytes_of(&cut) == 0) return;
  split_planes(&cut);
  uint32_t row_bytes = row_bytes_of(&cut);
  uint64_t frame_bytes = (uint64_t)row_bytes * cut.rows;
  if (frame_bytes < FRAME_BYTES_MIN) return;
  uint64_t rows_fit = BLOB_BYTES_MAX / row_bytes;
  cutter->format = cut;
  cutter->row_bytes = row_bytes;
  cutter->frame_bytes = frame_bytes;
  cutter->rows_per_chunk = rows_fit < cut.rows ? (uint32_t)rows_fit : cut.rows;
  cutter->frames_left = size - size % frame_bytes;
  cutter->tail_is_header = size % frame_bytes < FRAME_BYTES_MIN;
}

static cas_status chunk_open(struct value_cutter *cutter, struct byte_router *router) {
  struct dicom_chunk chunk = {.kind = DICOM_CHUNK_BULK};
  if (cutter->frames_left > 0) {
    if (cutter->frame_left == 0) cutter->frame_left = cutter->frame_bytes;
    uint64_t rows_left = cutter->frame_left / cutter->row_bytes;
    chunk.kind = DICOM_CHUNK_FRAME;
    chunk.format = cutter->format;
    chunk.format.rows = rows_left < cutter->rows_per_chunk ? (uint32_t)rows_left : cutter->rows_per_chunk;
    chunk.size = chunk.format.rows * cutter->row_bytes;
    cutter->frame_left -= chunk.size;
    cutter->chunk_left = chunk.size;
  } else {
    cutter->chunk_left = cutter->left < BLOB_BYTES_MAX ? (uint32_t)cutter->left : BLOB_BYTES_MAX;
    chunk.size = cutter->left == VALUE_CUTTER_TO_THE_END ? 0 : cutter->chunk_left;
  }
  return byte_router_open(router, &chunk);
}

static uint64_t lesser(uint64_t a, uint64_t b) { return a < b ? a : b; }

static void account(struct value_cutter *cutter, uint64_t size) {
  if (cutter->left != VALUE_CUTTER_TO_THE_END) cutter->left -= size;
}

cas_status value_cutter_push(struct value_cutter *cutter, struct byte_router *router, struct cas_slice bytes) {
  assert(bytes.size <= cutter->left);
  while (bytes.size > 0) {
    size_t size;
    if (cutter->header_left > 0 || (cutter->frames_left == 0 && cutter->tail_is_header)) {
      size = cutter->header_left > 0 ? (size_t)lesser(bytes.size, cutter->header_left) : bytes.size;
      STATUS_TRY(byte_router_header(router, slice_of(bytes.data, size)));
      cutter->header_left -= lesser(size, cutter->header_left);
      account(cutter, size);
    } else {
      if (cutter->chunk_left == 0) STATUS_TRY(chunk_open(cutter, router));
      size = (size_t)lesser(bytes.size, cutter->chunk_left);
      STATUS_TRY(byte_router_chunk(router, slice_of(bytes.data, size)));
      cutter->frames_left -= lesser(size, cutter->frames_left);
      cutter->chunk_left -= (uint32_t)size;
      account(cutter, size);
      if (cutter->chunk_left == 0) STATUS_TRY(byte_router_close(router));
    }
    bytes = slice_of(bytes.data + size, bytes.size - size);
  }
  return CAS_OK;
}
