/*
 * How the raw bytes of a blob become the payload of a record and back. The codec's number stands in the record.
 *
 * Threads: all functions from any thread with one struct codec, which lends each call a context of its own.
 */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include "base/ids.h"
#include "cassette/pixel.h"

/* Numbers of the format on disk. */
enum codec_id {
  CODEC_RAW = 0,
  CODEC_ZSTD = 1,
  CODEC_ZSTD_DICTIONARY = 2, /* the blob_id of another blob, whose bytes are the dictionary; then a zstd frame */
  CODEC_PIXEL = 3,
  CODEC_DEFERRED = 4, /* the raw bytes and a trailer that says how to encode them when there is time */
  CODEC_QUICK = 5,    /* a frame in a coding that costs little, to be encoded better when there is time */
};
#define CODEC_COUNT 6

/* Bytes before the zstd frame of CODEC_ZSTD_DICTIONARY: hash, then ordinal in little endian. */
#define CODEC_DICTIONARY_NAME_BYTES 18

/* Bytes of the trailer of CODEC_DEFERRED, behind the raw bytes. */
#define CODEC_TRAILER_BYTES 24

/* zstd's level for data that is mostly compressed already. */
#define CODEC_BULK_EFFORT 1

/* A pool of compression contexts. */
struct codec;
CAS_MUST_USE cas_status codec_create(struct codec **codec);
void codec_destroy(struct codec *codec);

/* Appends the zstd frame of `raw` and says CODEC_ZSTD; or appends nothing and says CODEC_RAW where that is no smaller:
 * the payload is then `raw` itself. CAS_NO_MEMORY only. `effort` is zstd's level. */
CAS_MUST_USE cas_status codec_encode_bytes(struct codec *codec, struct cas_slice raw, int effort,
                                           struct cas_buffer *payload, enum codec_id *id);

/* As codec_encode_bytes, against the bytes of another blob as dictionary. */
CAS_MUST_USE cas_status codec_encode_like(struct codec *codec, struct cas_slice raw,
                                          const struct blob_id *dictionary_id, struct cas_slice dictionary, int effort,
                                          struct cas_buffer *payload, enum codec_id *id);

/* As codec_encode_bytes, for a native frame or rows of one. */
CAS_MUST_USE cas_status codec_encode_pixels(const struct cas_pixel_format *format, struct cas_slice raw,
                                            struct cas_buffer *payload, enum codec_id *id);

/* Makes the trailer for a native frame, or with NULL for bytes of another kind. */
void codec_make_trailer(const struct cas_pixel_format *format, uint8_t trailer[CODEC_TRAILER_BYTES]);

/* Appends a frame in CODEC_QUICK and says so. Appends nothing and says CODEC_RAW where that is no smaller, or where the
 * format has no such coding. */
CAS_MUST_USE cas_status codec_encode_quickly(const struct cas_pixel_format *format, struct cas_slice raw,
                                             struct cas_buffer *payload, enum codec_id *id);

/* Whether what is stored so is to be encoded when there is time: CODEC_DEFERRED and CODEC_QUICK. */
bool codec_is_deferred(uint8_t id);

/* Encodes what was put off: appends what codec_encode_pixels() or codec_encode_bytes() would have made of the raw bytes
 * of `payload`, or these themselves for CODEC_RAW. CAS_CORRUPT: `payload` is none of the codec `deferred_id`. */
CAS_MUST_USE cas_status codec_encode_deferred(struct codec *codec, uint8_t deferred_id, struct cas_slice payload,
                                              size_t raw_size, struct cas_buffer *coded, enum codec_id *id);

/* The blob that a payload of CODEC_ZSTD_DICTIONARY needs. CAS_CORRUPT if the payload is too short. */
CAS_MUST_USE cas_status codec_dictionary_of(struct cas_slice payload, struct blob_id *dictionary_id);

/* Decodes into exactly `raw_size` bytes at `raw`. `dictionary` is for CODEC_ZSTD_DICTIONARY only. CAS_CORRUPT for a
 * payload that is no such coding; CAS_UNSUPPORTED for a codec that this version does not know. */
CAS_MUST_USE cas_status codec_decode(struct codec *codec, uint8_t id, struct cas_slice payload,
                                     struct cas_slice dictionary, uint8_t *raw, size_t raw_size);

/* A short name for people and statistics: "raw", "zstd", "zstd+dictionary", "pixel", "deferred", "quick", or "unknown".
 */
const char *codec_name(uint8_t id);

#endif
