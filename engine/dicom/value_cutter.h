/*
 * How one value, or the unparsable rest of an object, is cut into header bytes and chunks. The plan is made from the
 * value's length and the image's format before its first byte arrives, so that the cuts depend on nothing else.
 */
#ifndef DICOM_VALUE_CUTTER_H
#define DICOM_VALUE_CUTTER_H

#include "dicom/byte_router.h"

/* The number of bytes to come is not known: up to the end of the object. */
#define VALUE_CUTTER_TO_THE_END UINT64_MAX

/* Pixel data, or a frame of it, below this many bytes is no frame: a blob of its own would cost more than it saves. */
#define FRAME_BYTES_MIN 256u

struct value_cutter {
  uint64_t left;        /* bytes of the value still to come */
  uint64_t header_left; /* of them: bytes at the start that are header */
  uint64_t frames_left; /* of them: bytes after those that are frames; the rest is bulk, or header where it is small */
  bool tail_is_header;
  uint64_t frame_left; /* bytes of the current frame whose chunk has not begun */
  uint32_t chunk_left; /* bytes of the open chunk to come */
  uint64_t frame_bytes;
  uint32_t row_bytes;
  uint32_t rows_per_chunk;
  struct cas_pixel_format format;
};

/* Header where the value is shorter than BULK_VALUE_BYTES_MIN, else bulk. */
void value_cutter_plan_value(struct value_cutter *cutter, uint64_t size);

/*
 * Native pixel data. By frames where `format` describes whole bytes and a frame has at least FRAME_BYTES_MIN; a frame
 * beyond BLOB_BYTES_MAX by whole rows, and one of several colour planes then by plane (each with one sample per pixel).
 * What is left after the last whole frame, and all that is not modelled (format NULL, frames of 1 bit or 12 bits, rows
 * beyond BLOB_BYTES_MAX), is bulk; header below FRAME_BYTES_MIN.
 */
void value_cutter_plan_pixels(struct value_cutter *cutter, uint64_t size, const struct cas_pixel_format *format);

/* An unparsable rest: header for BULK_VALUE_BYTES_MIN bytes, then bulk. */
void value_cutter_plan_rest(struct value_cutter *cutter);

/* A deflated data set: bulk to the end. */
void value_cutter_plan_bulk(struct value_cutter *cutter);

/* Hands on bytes of the value; no more than `left`. */
CAS_MUST_USE cas_status value_cutter_push(struct value_cutter *cutter, struct byte_router *router,
                                          struct cas_slice bytes);

#endif
