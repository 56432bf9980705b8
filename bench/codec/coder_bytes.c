/* zstd on the bytes as they are, and on their planes: all low bytes first, then all high ones. */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "bench_coder.h"

static size_t encode_level(const uint8_t *bytes, size_t size, uint8_t *out, size_t capacity, int level) {
  static ZSTD_CCtx *context;
  if (context == NULL) context = ZSTD_createCCtx();
  size_t packed = ZSTD_compressCCtx(context, out, capacity, bytes, size, level);
  return ZSTD_isError(packed) ? 0 : packed;
}

static bool decode(const struct frame *frame, const uint8_t *coded, size_t size, uint8_t *raw) {
  static ZSTD_DCtx *context;
  if (context == NULL) context = ZSTD_createDCtx();
  return ZSTD_decompressDCtx(context, raw, frame->size, coded, size) == frame->size;
}

static size_t encode_1(const struct frame *f, uint8_t *out, size_t capacity) {
  return encode_level(f->raw, f->size, out, capacity, 1);
}
static size_t encode_3(const struct frame *f, uint8_t *out, size_t capacity) {
  return encode_level(f->raw, f->size, out, capacity, 3);
}
static size_t encode_19(const struct frame *f, uint8_t *out, size_t capacity) {
  return encode_level(f->raw, f->size, out, capacity, 19);
}

static uint8_t *planes_of(size_t size) {
  static uint8_t *planes;
  static size_t capacity;
  if (size > capacity) planes = realloc(planes, capacity = size);
  return planes;
}

static size_t encode_planes(const struct frame *f, uint8_t *out, size_t capacity) {
  size_t width = f->format.bits_allocated / 8u, words = f->size / width;
  uint8_t *planes = planes_of(f->size);
  for (size_t plane = 0; plane < width; plane++)
    for (size_t i = 0; i < words; i++) planes[plane * words + i] = f->raw[i * width + plane];
  return encode_level(planes, f->size, out, capacity, 1);
}

static bool decode_planes(const struct frame *f, const uint8_t *coded, size_t size, uint8_t *raw) {
  size_t width = f->format.bits_allocated / 8u, words = f->size / width;
  uint8_t *planes = planes_of(f->size);
  if (!decode(f, coded, size, planes)) return false;
  for (size_t plane = 0; plane < width; plane++)
    for (size_t i = 0; i < words; i++) raw[i * width + plane] = planes[plane * words + i];
  return true;
}

const struct coder coder_zstd_1 = {.name = "zstd -1", .encode = encode_1, .decode = decode};
const struct coder coder_zstd_3 = {.name = "zstd -3", .encode = encode_3, .decode = decode};
const struct coder coder_zstd_19 = {.name = "zstd -19", .slow = true, .encode = encode_19, .decode = decode};
const struct coder coder_planes = {.name = "planes, zstd -1", .encode = encode_planes, .decode = decode_planes};
