/*
 * States: LOOKING (also at what stands behind the stream) -> STOPPED (damaged, or looked enough).
 */
#include "dicom/deflate_reader.h"

#include "base/status.h"
#include "dicom/inflater.h"

enum { INFLATED_BYTES_MAX = 16 << 10 };

struct deflate_reader {
  struct byte_router *router;
  struct value_cutter cutter;
  struct element_listener listener;
  uint64_t offset; /* of the data set in the object */
  uint64_t bytes;  /* of it passed on */
  bool has_stopped;
  struct inflater inflater;
  struct byte_router mute;
  struct element_parser parser; /* of the inflated bytes */
  uint8_t inflated[INFLATED_BYTES_MAX];
};

static bool look_wants(void *arg, uint32_t tag, char vr[2]) {
  struct deflate_reader *reader = arg;
  return reader->listener.wants(reader->listener.arg, tag, vr);
}

static cas_status look_value(void *arg, uint32_t tag, const struct raw_value *value) {
  struct deflate_reader *reader = arg;
  return reader->listener.value(reader->listener.arg, tag, value);
}

/* How far the stream was read when its bytes were parsed depends on how they were pushed: its beginning is reported. */
static void look_defect(void *arg, enum dicom_defect defect, uint64_t offset) {
  struct deflate_reader *reader = arg;
  (void)offset;
  reader->listener.defect(reader->listener.arg, defect, reader->offset);
}

cas_status deflate_reader_create(struct byte_router *router, const struct element_listener *listener, uint64_t offset,
                                 const uint8_t first[ELEMENT_HEADER_BYTES_MIN], struct deflate_reader **reader) {
  struct deflate_reader *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  created->router = router;
  created->listener = *listener;
  created->offset = offset;
  if (inflater_init(&created->inflater, first) != CAS_OK) {
    free(created);
    return CAS_NO_MEMORY;
  }
  if (created->inflater.is_wrapped) listener->defect(listener->arg, DICOM_DEFECT_DEFLATE, offset);
  value_cutter_plan_bulk(&created->cutter);
  struct element_listener look = {.wants = look_wants, .value = look_value, .defect = look_defect, .arg = created};
  element_parser_init(&created->parser, &created->mute, &look, 0);
  struct transfer_syntax inner = {.form = {.explicit_vr = true}, .pixels = PIXELS_NATIVE};
  element_parser_begin(&created->parser, &inner);
  *reader = created;
  return CAS_OK;
}

void deflate_reader_destroy(struct deflate_reader *reader) {
  if (reader == NULL) return;
  inflater_fini(&reader->inflater);
  free(reader);
}

/* Parses `size` inflated bytes. */
static cas_status parse_inflated(struct deflate_reader *reader, size_t size) {
  struct cas_slice inflated = slice_of(reader->inflated, size);
  STATUS_TRY(element_parser_push(&reader->parser, &inflated));
  return byte_router_flush(&reader->mute);
}

static cas_status look(struct deflate_reader *reader, struct cas_slice bytes) {
  size_t made = 0;
  if (reader->inflater.has_ended) return inflater_run(&reader->inflater, &bytes, reader->inflated, 0, &made);
  do {
    cas_status status = inflater_run(&reader->inflater, &bytes, reader->inflated, INFLATED_BYTES_MAX, &made);
    STATUS_TRY(parse_inflated(reader, made));
    if (reader->inflater.has_ended) return element_parser_finish(&reader->parser);
    if (status == CAS_CORRUPT)
      look_defect(reader, DICOM_DEFECT_DEFLATE, 0);
    else
      STATUS_TRY(status);
    reader->has_stopped = status == CAS_CORRUPT || reader->inflater.inflated_bytes >= DEFLATE_LOOK_BYTES_MAX;
  } while (!reader->has_stopped && made == INFLATED_BYTES_MAX);
  return CAS_OK;
}

static void check_trailing(const struct deflate_reader *reader) {
  bool contradicts, is_foreign;
  inflater_judge_trailing(&reader->inflater, &contradicts, &is_foreign);
  if (contradicts) reader->listener.defect(reader->listener.arg, DICOM_DEFECT_DEFLATE, reader->offset);
  if (!is_foreign) return;
  uint64_t stream_bytes = reader->bytes - reader->inflater.trailing_bytes;
  reader->listener.defect(reader->listener.arg, DICOM_DEFECT_TRAILING_BYTES, reader->offset + stream_bytes);
}

cas_status deflate_reader_push(struct deflate_reader *reader, struct cas_slice bytes) {
  while (bytes.size > 0) {
    /* zlib counts in 32 bits. */
    struct cas_slice piece = slice_of(bytes.data, bytes.size < 1u << 30 ? bytes.size : 1u << 30);
    STATUS_TRY(value_cutter_push(&reader->cutter, reader->router, piece));
    if (!reader->has_stopped) STATUS_TRY(look(reader, piece));
    reader->bytes += piece.size;
    bytes = slice_of(bytes.data + piece.size, bytes.size - piece.size);
  }
  return CAS_OK;
}

cas_status deflate_reader_finish(struct deflate_reader *reader) {
  if (reader->router->chunk_is_open) STATUS_TRY(byte_router_close(reader->router));
  if (reader->inflater.has_ended) {
    check_trailing(reader);
  } else if (!reader->has_stopped) {
    reader->listener.defect(reader->listener.arg, DICOM_DEFECT_TRUNCATED, reader->offset + reader->bytes);
  }
  return CAS_OK;
}
