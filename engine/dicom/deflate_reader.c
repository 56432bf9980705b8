/*
 * States: LOOKING -> ENDED (the stream has ended; pad and trailing bytes) or STOPPED (damaged, or looked enough).
 */
#include "dicom/deflate_reader.h"

#include <zlib.h>

#include "base/status.h"

enum {
  INFLATED_BYTES_MAX = 16 << 10,
  GZIP_TRAILER_BYTES = 8,
  TRAILING_BYTES_MAX = GZIP_TRAILER_BYTES + 1,
};

enum look { LOOK_LOOKING, LOOK_ENDED, LOOK_STOPPED };

struct deflate_reader {
  struct byte_router *router;
  struct value_cutter cutter;
  struct element_listener listener;
  uint64_t offset;       /* of the data set in the object */
  uint64_t bytes;        /* of it passed on */
  uint64_t stream_bytes; /* LOOK_ENDED: the length of the stream */
  enum look look;
  uint64_t trailing_bytes; /* behind the stream */
  uint8_t trailing[TRAILING_BYTES_MAX];
  uint32_t crc; /* of the inflated bytes */
  z_stream stream;
  uint64_t inflated_bytes;
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

bool deflate_is_stored_block(const uint8_t first[ELEMENT_HEADER_BYTES_MIN]) {
  return (first[0] & 6) == 0 && (load_u16(first + 1) ^ load_u16(first + 3)) == 0xFFFF;
}

/* Some writers wrap the stream as RFC 1950 says: then it is no valid raw stream, so that the two can be told apart. */
static bool is_wrapped(const uint8_t *first) {
  bool has_header = (first[0] & 15) == Z_DEFLATED && first[0] >> 4 <= 7 && (first[0] << 8 | first[1]) % 31 == 0;
  return has_header && !deflate_is_stored_block(first);
}

cas_status deflate_reader_create(struct byte_router *router, const struct element_listener *listener, uint64_t offset,
                                 const uint8_t first[ELEMENT_HEADER_BYTES_MIN], struct deflate_reader **reader) {
  struct deflate_reader *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  created->router = router;
  created->listener = *listener;
  created->offset = offset;
  bool wrapped = is_wrapped(first);
  if (inflateInit2(&created->stream, wrapped ? MAX_WBITS : -MAX_WBITS) != Z_OK) {
    free(created);
    return CAS_NO_MEMORY;
  }
  if (wrapped) listener->defect(listener->arg, DICOM_DEFECT_DEFLATE, offset);
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
  inflateEnd(&reader->stream);
  free(reader);
}

/* Parses what inflate has made. */
static cas_status parse_inflated(struct deflate_reader *reader) {
  size_t size = sizeof reader->inflated - reader->stream.avail_out;
  struct cas_slice inflated = slice_of(reader->inflated, size);
  reader->inflated_bytes += size;
  reader->crc = (uint32_t)crc32(reader->crc, inflated.data, (uInt)size);
  STATUS_TRY(element_parser_push(&reader->parser, &inflated));
  return byte_router_flush(&reader->mute);
}

static cas_status look(struct deflate_reader *reader, struct cas_slice bytes) {
  reader->stream.next_in = (Bytef *)bytes.data;
  reader->stream.avail_in = (uInt)bytes.size;
  do {
    reader->stream.next_out = reader->inflated;
    reader->stream.avail_out = sizeof reader->inflated;
    int result = inflate(&reader->stream, Z_NO_FLUSH);
    STATUS_TRY(parse_inflated(reader));
    if (result == Z_STREAM_END) {
      reader->look = LOOK_ENDED;
      reader->stream_bytes = reader->stream.total_in;
      STATUS_TRY(element_parser_finish(&reader->parser));
    } else if (result == Z_MEM_ERROR) {
      return CAS_NO_MEMORY;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      reader->look = LOOK_STOPPED;
      look_defect(reader, DICOM_DEFECT_DEFLATE, 0);
    } else if (reader->inflated_bytes >= DEFLATE_LOOK_BYTES_MAX) {
      reader->look = LOOK_STOPPED;
    }
  } while (reader->look == LOOK_LOOKING && reader->stream.avail_out == 0);
  return CAS_OK;
}

/* Keeps the bytes behind the stream, as far as they can mean something. */
static void keep_trailing(struct deflate_reader *reader, struct cas_slice bytes) {
  uint64_t begin = reader->stream_bytes > reader->bytes ? reader->stream_bytes - reader->bytes : 0;
  for (size_t i = (size_t)begin; i < bytes.size && reader->trailing_bytes + i - begin < TRAILING_BYTES_MAX; i++) {
    reader->trailing[reader->trailing_bytes + i - begin] = bytes.data[i];
  }
  if (begin < bytes.size) reader->trailing_bytes += bytes.size - begin;
}

/*
 * One NUL behind the stream makes the length even, PS3.5 A.5. Some writers leave the trailer of RFC 1952 there,
 * checksum and length of the inflated bytes: it proves them, or proves damage. Everything else is none of the data set.
 */
static void check_trailing(const struct deflate_reader *reader) {
  uint64_t count = reader->trailing_bytes;
  const uint8_t *bytes = reader->trailing;
  bool has_trailer = count >= GZIP_TRAILER_BYTES && load_u32(bytes + 4) == (uint32_t)reader->inflated_bytes;
  bool is_padded = count == 1 || (has_trailer && count == TRAILING_BYTES_MAX);
  if (has_trailer && load_u32(bytes) != reader->crc) {
    reader->listener.defect(reader->listener.arg, DICOM_DEFECT_DEFLATE, reader->offset);
  }
  if (count == 0 || (has_trailer && count == GZIP_TRAILER_BYTES)) return;
  if (is_padded && bytes[count - 1] == 0) return;
  reader->listener.defect(reader->listener.arg, DICOM_DEFECT_TRAILING_BYTES, reader->offset + reader->stream_bytes);
}

cas_status deflate_reader_push(struct deflate_reader *reader, struct cas_slice bytes) {
  while (bytes.size > 0) {
    /* zlib counts in 32 bits. */
    struct cas_slice piece = slice_of(bytes.data, bytes.size < 1u << 30 ? bytes.size : 1u << 30);
    STATUS_TRY(value_cutter_push(&reader->cutter, reader->router, piece));
    if (reader->look == LOOK_LOOKING) STATUS_TRY(look(reader, piece));
    if (reader->look == LOOK_ENDED) keep_trailing(reader, piece);
    reader->bytes += piece.size;
    bytes = slice_of(bytes.data + piece.size, bytes.size - piece.size);
  }
  return CAS_OK;
}

cas_status deflate_reader_finish(struct deflate_reader *reader) {
  if (reader->router->chunk_is_open) STATUS_TRY(byte_router_close(reader->router));
  if (reader->look == LOOK_ENDED) check_trailing(reader);
  if (reader->look == LOOK_LOOKING) {
    reader->listener.defect(reader->listener.arg, DICOM_DEFECT_TRUNCATED, reader->offset + reader->bytes);
  }
  return CAS_OK;
}
