#include "dicom/inflater.h"

#include <string.h>

#define GZIP_TRAILER_BYTES 8

bool deflate_is_stored_block(const uint8_t first[ELEMENT_HEADER_BYTES_MIN]) {
  return (first[0] & 6) == 0 && (load_u16(first + 1) ^ load_u16(first + 3)) == 0xFFFF;
}

/* Some writers wrap the stream as RFC 1950 says: then it is no valid raw stream, so that the two can be told apart. */
static bool is_wrapped(const uint8_t *first) {
  bool has_header = (first[0] & 15) == Z_DEFLATED && first[0] >> 4 <= 7 && (first[0] << 8 | first[1]) % 31 == 0;
  return has_header && !deflate_is_stored_block(first);
}

cas_status inflater_init(struct inflater *inflater, const uint8_t first[ELEMENT_HEADER_BYTES_MIN]) {
  *inflater = (struct inflater){.is_wrapped = is_wrapped(first)};
  return inflateInit2(&inflater->stream, inflater->is_wrapped ? MAX_WBITS : -MAX_WBITS) == Z_OK ? CAS_OK
                                                                                                : CAS_NO_MEMORY;
}

void inflater_fini(struct inflater *inflater) { inflateEnd(&inflater->stream); }

/* Keeps the bytes behind the stream, as far as they can mean something. */
static void keep_trailing(struct inflater *inflater, struct cas_slice *bytes) {
  for (size_t i = 0; i < bytes->size && inflater->trailing_bytes + i < INFLATER_TRAILING_MAX; i++)
    inflater->trailing[inflater->trailing_bytes + i] = bytes->data[i];
  inflater->trailing_bytes += bytes->size;
  *bytes = slice_of(bytes->data + bytes->size, 0);
}

cas_status inflater_run(struct inflater *inflater, struct cas_slice *bytes, uint8_t *out, size_t capacity,
                        size_t *made) {
  int result = Z_STREAM_END;
  *made = 0;
  if (!inflater->has_ended) {
    inflater->stream.next_in = (Bytef *)bytes->data;
    inflater->stream.avail_in = (uInt)bytes->size;
    inflater->stream.next_out = out;
    inflater->stream.avail_out = (uInt)capacity;
    result = inflate(&inflater->stream, Z_NO_FLUSH);
    *made = capacity - inflater->stream.avail_out;
    *bytes = slice_of(inflater->stream.next_in, inflater->stream.avail_in);
    inflater->crc = (uint32_t)crc32(inflater->crc, out, (uInt)*made);
    inflater->inflated_bytes += *made;
    inflater->has_ended = result == Z_STREAM_END;
  }
  if (inflater->has_ended) keep_trailing(inflater, bytes);
  if (result == Z_MEM_ERROR) return CAS_NO_MEMORY;
  return result == Z_OK || result == Z_BUF_ERROR || result == Z_STREAM_END ? CAS_OK : CAS_CORRUPT;
}

/*
 * One NUL behind the stream makes the length even, PS3.5 A.5. Some writers leave the trailer of RFC 1952 there,
 * checksum and length of the inflated bytes: it proves them, or proves damage. Everything else is none of the data set.
 */
void inflater_judge_trailing(const struct inflater *inflater, bool *contradicts, bool *is_foreign) {
  uint64_t count = inflater->trailing_bytes;
  const uint8_t *bytes = inflater->trailing;
  bool has_trailer = count >= GZIP_TRAILER_BYTES && load_u32(bytes + 4) == (uint32_t)inflater->inflated_bytes;
  bool is_padded = (count == 1 || (has_trailer && count == INFLATER_TRAILING_MAX)) && bytes[count - 1] == 0;
  *contradicts = has_trailer && load_u32(bytes) != inflater->crc;
  *is_foreign = count > 0 && !(has_trailer && count == GZIP_TRAILER_BYTES) && !is_padded;
}
