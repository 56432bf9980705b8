/*
 * For the scanner's tests: a sink that writes down what it is given, and a small writer of data elements.
 *
 * The cuts of an object are told as text, "H348 F512:16x16 G4096 B9 H8": header bytes, a frame (with rows x columns), a
 * fragment chunk, a bulk chunk, in order; header bytes that follow each other are one.
 */
#ifndef SCAN_RECORDER_H
#define SCAN_RECORDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limits.h"
#include "dicom/part10.h"
#include "dicom/scanner.h"

#define EXPLICIT_LITTLE "1.2.840.10008.1.2.1"
#define IMPLICIT_LITTLE "1.2.840.10008.1.2"
#define EXPLICIT_BIG "1.2.840.10008.1.2.2"
#define DEFLATED "1.2.840.10008.1.2.1.99"
#define JPEG_BASELINE "1.2.840.10008.1.2.4.50"

struct recorder {
  struct cas_buffer bytes;
  struct cas_buffer cuts;
  size_t header_bytes;
  size_t chunk_bytes;
  bool chunk_is_open;
  struct dicom_chunk chunk;
  struct cas_pixel_format format; /* of the last frame */
  int fail_after;                 /* calls until the sink fails; 0: never */
};

static inline void recorder_note(struct recorder *recorder, const char *format, ...) {
  char text[96];
  va_list args;
  va_start(args, format);
  int size = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  assert_int_equal(cas_buffer_append(&recorder->cuts, slice_of(text, (size_t)size)), CAS_OK);
}

static inline void recorder_note_header(struct recorder *recorder) {
  if (recorder->header_bytes > 0)
    recorder_note(recorder, "%sH%zu", recorder->cuts.size > 0 ? " " : "", recorder->header_bytes);
  recorder->header_bytes = 0;
}

static inline cas_status recorder_answer(struct recorder *recorder) {
  if (recorder->fail_after == 0) return CAS_OK;
  return --recorder->fail_after == 0 ? CAS_NO_SPACE : CAS_OK;
}

static inline cas_status recorder_header(void *arg, struct cas_slice bytes) {
  struct recorder *recorder = arg;
  assert_false(recorder->chunk_is_open);
  recorder->header_bytes += bytes.size;
  assert_int_equal(cas_buffer_append(&recorder->bytes, bytes), CAS_OK);
  return recorder_answer(recorder);
}

static inline cas_status recorder_chunk_begin(void *arg, const struct dicom_chunk *chunk) {
  struct recorder *recorder = arg;
  assert_false(recorder->chunk_is_open);
  assert_true(chunk->size <= BLOB_BYTES_MAX);
  recorder_note_header(recorder);
  recorder->chunk_is_open = true;
  recorder->chunk = *chunk;
  recorder->chunk_bytes = 0;
  if (chunk->kind == DICOM_CHUNK_FRAME) recorder->format = chunk->format;
  return recorder_answer(recorder);
}

static inline cas_status recorder_chunk_bytes(void *arg, struct cas_slice bytes) {
  struct recorder *recorder = arg;
  assert_true(recorder->chunk_is_open);
  recorder->chunk_bytes += bytes.size;
  assert_true(recorder->chunk_bytes <= BLOB_BYTES_MAX);
  assert_int_equal(cas_buffer_append(&recorder->bytes, bytes), CAS_OK);
  return recorder_answer(recorder);
}

static inline cas_status recorder_chunk_end(void *arg) {
  struct recorder *recorder = arg;
  assert_true(recorder->chunk_is_open);
  recorder->chunk_is_open = false;
  const struct dicom_chunk *chunk = &recorder->chunk;
  recorder_note(recorder, "%s%c%zu", recorder->cuts.size > 0 ? " " : "", "FGB"[chunk->kind], recorder -> chunk_bytes);
  if (chunk->kind == DICOM_CHUNK_FRAME) recorder_note(recorder, ":%ux%u", chunk->format.rows, chunk->format.columns);
  return recorder_answer(recorder);
}

/* One scan of an object, from create to destroy. */
struct scan {
  struct recorder recorder;
  struct dicom_scanner *scanner;
  const struct dicom_summary *summary;
};

static inline void scan_in_pieces(struct scan *scan, struct cas_slice object, size_t piece_bytes) {
  *scan = (struct scan){0};
  struct dicom_sink sink = {recorder_header, recorder_chunk_begin, recorder_chunk_bytes, recorder_chunk_end,
                            &scan->recorder};
  assert_int_equal(dicom_scanner_create(&sink, &scan->scanner), CAS_OK);
  for (size_t at = 0; at < object.size; at += piece_bytes) {
    size_t size = object.size - at < piece_bytes ? object.size - at : piece_bytes;
    assert_int_equal(dicom_scanner_push(scan->scanner, slice_of(object.data + at, size)), CAS_OK);
  }
  assert_int_equal(dicom_scanner_finish(scan->scanner, &scan->summary), CAS_OK);
  recorder_note_header(&scan->recorder);
  recorder_note(&scan->recorder, "%c", 0);
  assert_true(slice_equal(slice_of_buffer(&scan->recorder.bytes), object));
}

static inline void scan_whole(struct scan *scan, struct cas_slice object) {
  scan_in_pieces(scan, object, object.size > 0 ? object.size : 1);
}

static inline const char *scan_cuts(const struct scan *scan) { return (const char *)scan->recorder.cuts.data; }

static inline const char *scan_text(const struct scan *scan, uint32_t tag) {
  return cas_attributes_text(scan->summary->attributes, tag);
}

static inline void scan_fini(struct scan *scan) {
  dicom_scanner_destroy(scan->scanner);
  cas_buffer_fini(&scan->recorder.bytes);
  cas_buffer_fini(&scan->recorder.cuts);
}

/* Writes elements one after the other. */
struct object {
  struct cas_buffer bytes;
  bool is_implicit;
  bool big_endian;
};

static inline void put_bytes(struct object *object, const void *bytes, size_t size) {
  assert_int_equal(cas_buffer_append(&object->bytes, slice_of(bytes, size)), CAS_OK);
}

static inline void put_integer(struct object *object, uint64_t integer, size_t size) {
  for (size_t i = 0; i < size; i++) {
    uint8_t byte = (uint8_t)(integer >> 8 * (object->big_endian ? size - 1 - i : i));
    put_bytes(object, &byte, 1);
  }
}

static inline void put_tag(struct object *object, uint32_t tag) {
  put_integer(object, tag >> 16, 2);
  put_integer(object, tag & 0xFFFF, 2);
}

/* An element header; `length` 0xFFFFFFFF is undefined. Tags of items have no VR: pass NULL. */
static inline void put_header(struct object *object, uint32_t tag, const char *vr, uint32_t length) {
  static const char long_vrs[] = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
  put_tag(object, tag);
  if (object->is_implicit || vr == NULL) {
    put_integer(object, length, 4);
  } else if (strstr(long_vrs, vr) != NULL) {
    put_bytes(object, vr, 2);
    put_bytes(object, "\0\0", 2);
    put_integer(object, length, 4);
  } else {
    put_bytes(object, vr, 2);
    put_integer(object, length, 2);
  }
}

static inline void put_text(struct object *object, uint32_t tag, const char *vr, const char *text) {
  size_t size = strlen(text);
  put_header(object, tag, vr, (uint32_t)(size + size % 2));
  put_bytes(object, text, size);
  if (size % 2 == 1) put_bytes(object, strcmp(vr, "UI") == 0 ? "\0" : " ", 1);
}

static inline void put_us(struct object *object, uint32_t tag, uint16_t number) {
  put_header(object, tag, "US", 2);
  put_integer(object, number, 2);
}

/* Bytes that no part of is like another. */
static inline void put_noise(struct object *object, size_t size) {
  uint32_t x = 2463534242u;
  assert_int_equal(cas_buffer_reserve(&object->bytes, object->bytes.size + size), CAS_OK);
  for (size_t i = 0; i < size; i++) {
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    object->bytes.data[object->bytes.size++] = (uint8_t)x;
  }
}

static inline void put_part10(struct object *object, const char *transfer_syntax_uid) {
  assert_int_equal(part10_header("1.2.840.10008.5.1.4.1.1.7", "1.2.3.4", transfer_syntax_uid, &object->bytes), CAS_OK);
}

/* Part 10 header and the identity of an object. The form follows from the transfer syntax. */
static inline void object_begin(struct object *object, const char *transfer_syntax_uid) {
  *object = (struct object){0};
  put_part10(object, transfer_syntax_uid);
  object->is_implicit = strcmp(transfer_syntax_uid, IMPLICIT_LITTLE) == 0;
  object->big_endian = strcmp(transfer_syntax_uid, EXPLICIT_BIG) == 0;
  put_text(object, 0x00080005, "CS", "ISO_IR 100");
  put_text(object, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7");
  put_text(object, 0x00080018, "UI", "1.2.3.4");
  put_text(object, 0x00100010, "PN", "M\xFCller^J\xF6rg ");
  put_text(object, 0x00100020, "LO", " ID 7 ");
}

struct picture {
  uint16_t rows, columns, samples, bits, planar;
  const char *frames;
};

static inline void put_picture(struct object *object, struct picture picture) {
  put_us(object, 0x00280002, picture.samples);
  put_text(object, 0x00280004, "CS", picture.samples == 3 ? "RGB" : "MONOCHROME2");
  if (picture.samples > 1) put_us(object, 0x00280006, picture.planar);
  if (picture.frames != NULL) put_text(object, 0x00280008, "IS", picture.frames);
  put_us(object, 0x00280010, picture.rows);
  put_us(object, 0x00280011, picture.columns);
  put_us(object, 0x00280100, picture.bits);
  put_us(object, 0x00280101, picture.bits);
  put_us(object, 0x00280102, picture.bits - 1);
  put_us(object, 0x00280103, 0);
}

static inline struct cas_slice object_slice(const struct object *object) { return slice_of_buffer(&object->bytes); }
static inline void object_fini(struct object *object) { cas_buffer_fini(&object->bytes); }

#endif
