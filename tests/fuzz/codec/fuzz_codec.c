/*
 * Any bytes as a payload of any codec, with a dictionary: decoded into just the bytes that it should have, or refused;
 * what was put off is encoded, and comes back. And any bytes as a blob, which comes back from zstd, with the dictionary
 * and without.
 *
 * Input: codec, raw size in two bytes, little endian, how many of the bytes behind are the dictionary, dictionary,
 * payload.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds) {
  if (!holds) abort();
}

/* A block of its own, so that a byte too many is found. */
static uint8_t *block(size_t size) {
  uint8_t *bytes = malloc(size > 0 ? size : 1);
  check(bytes != NULL);
  return bytes;
}

static void decode_to(struct codec *codec, uint8_t id, struct cas_slice payload, struct cas_slice dictionary,
                      struct cas_slice expected) {
  uint8_t *raw = block(expected.size);
  check(codec_decode(codec, id, payload, dictionary, raw, expected.size) == CAS_OK);
  check(slice_equal(slice_of(raw, expected.size), expected));
  free(raw);
}

static void try_payload(struct codec *codec, uint8_t id, struct cas_slice payload, struct cas_slice dictionary,
                        size_t raw_size) {
  CLEANUP_BUFFER struct cas_buffer coded = {0};
  uint8_t *raw = block(raw_size);
  enum codec_id coded_id;
  cas_status status = codec_decode(codec, id, payload, dictionary, raw, raw_size);
  check(status == CAS_OK || status == CAS_CORRUPT || (status == CAS_UNSUPPORTED && id >= CODEC_COUNT));
  if (codec_encode_deferred(codec, id, payload, raw_size, &coded, &coded_id) == CAS_OK) {
    check(status == CAS_OK && codec_is_deferred(id) && !codec_is_deferred((uint8_t)coded_id));
    decode_to(codec, (uint8_t)coded_id, slice_of_buffer(&coded), dictionary, slice_of(raw, raw_size));
  }
  free(raw);
}

static void try_blob(struct codec *codec, struct cas_slice bytes, struct cas_slice dictionary) {
  const struct blob_id name = {.ordinal = 3};
  CLEANUP_BUFFER struct cas_buffer payload = {0};
  enum codec_id id;
  check(codec_encode_bytes(codec, bytes, CODEC_BULK_EFFORT, &payload, &id) == CAS_OK);
  if (id == CODEC_ZSTD) decode_to(codec, CODEC_ZSTD, slice_of_buffer(&payload), (struct cas_slice){0}, bytes);
  payload.size = 0;
  check(codec_encode_like(codec, bytes, &name, dictionary, CODEC_BULK_EFFORT, &payload, &id) == CAS_OK);
  if (id != CODEC_ZSTD_DICTIONARY) return;
  struct blob_id named;
  check(codec_dictionary_of(slice_of_buffer(&payload), &named) == CAS_OK && blob_id_equal(&named, &name));
  decode_to(codec, CODEC_ZSTD_DICTIONARY, slice_of_buffer(&payload), dictionary, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct codec *codec; /* what it lends is used again, as in a store */
  if (size < 4) return 0;
  size_t dictionary_size = data[3] < size - 4 ? data[3] : size - 4;
  struct cas_slice dictionary = slice_of(data + 4, dictionary_size);
  struct cas_slice payload = slice_of(data + 4 + dictionary_size, size - 4 - dictionary_size);
  if (codec == NULL) check(codec_create(&codec) == CAS_OK);
  try_payload(codec, data[0], payload, dictionary, data[1] | (size_t)data[2] << 8);
  try_blob(codec, payload, dictionary);
  return 0;
}
