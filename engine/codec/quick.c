/*
 * Invariants
 *  1. A block stands for QUICK_BLOCK_BYTES raw bytes; what is left at the end is kept as it is.
 *  2. Eight words are one vector. Vector i of a block has the words 8 i to 8 i + 7, and bits are packed lane by lane,
 * so that no word ever crosses from one lane into another.
 *  3. Widths come from the bytes, lengths are checked before each block: decoding never reads or writes past an end.
 */
#include "codec/quick.h"

#include <assert.h>

#include "base/bytes.h"
#include "base/status.h"

#define LANE_COUNT 8
#define VECTOR_BYTES 16u
#define VECTORS 16

/* Compiled twice, and chosen when the program starts: AVX2 has shifts and shuffles in three operands. */
#if defined __x86_64__ && defined __GNUC__ && !defined __clang__ && !defined __SANITIZE_ADDRESS__ &&                   \
    !defined __SANITIZE_THREAD__
#define ON_MANY_PROCESSORS __attribute__((target_clones("avx2", "default")))
#else
#define ON_MANY_PROCESSORS
#endif
#define INLINE static inline __attribute__((always_inline))

typedef uint16_t words __attribute__((vector_size(VECTOR_BYTES)));

static_assert(VECTOR_BYTES * VECTORS == QUICK_BLOCK_BYTES, "a block is 16 vectors");

INLINE words in_order(words value) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  return value << 8 | value >> 8;
#else
  return value;
#endif
}

INLINE words load(const uint8_t *bytes) {
  words value;
  memcpy(&value, bytes, sizeof value);
  return in_order(value);
}

INLINE void store(uint8_t *bytes, words value) {
  value = in_order(value);
  memcpy(bytes, &value, sizeof value);
}

/* --- bits; `width` is a constant wherever these are put --- */

INLINE void pack(const words folded[VECTORS], unsigned width, uint8_t *packed) {
  words gathered = {0};
  unsigned filled = 0;
#pragma GCC unroll 16
  for (int i = 0; i < VECTORS; i++) {
    gathered |= folded[i] << filled;
    filled += width;
    if (filled < 16) continue;
    store(packed, gathered);
    packed += VECTOR_BYTES;
    filled -= 16;
    gathered = filled > 0 ? folded[i] >> (width - filled) : (words){0};
  }
}

INLINE void unpack(const uint8_t *packed, unsigned width, words folded[VECTORS]) {
  const uint16_t mask = (uint16_t)((1u << width) - 1);
#pragma GCC unroll 16
  for (unsigned i = 0; i < VECTORS; i++) {
    unsigned bit = i * width, vector = bit / 16, shift = bit % 16;
    words value = load(packed + vector * (size_t)VECTOR_BYTES) >> shift;
    if (shift + width > 16) value |= load(packed + (vector + 1) * (size_t)VECTOR_BYTES) << (16 - shift);
    folded[i] = value & mask;
  }
}

#define EACH_WIDTH(DO)                                                                                                 \
  DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15) DO(16)

INLINE void pack_block(const words folded[VECTORS], unsigned width, uint8_t *packed) {
#define PACK(constant)                                                                                                 \
  case constant: pack(folded, constant, packed); break;
  switch (width) {
    EACH_WIDTH(PACK)
  default: break;
  }
#undef PACK
}

INLINE void unpack_block(const uint8_t *packed, unsigned width, words folded[VECTORS]) {
#define UNPACK(constant)                                                                                               \
  case constant: unpack(packed, constant, folded); break;
  switch (width) {
    EACH_WIDTH(UNPACK)
  default: memset(folded, 0, QUICK_BLOCK_BYTES); break;
  }
#undef UNPACK
}

/* --- differences --- */

/* How many bits the largest needs. */
INLINE unsigned width_of(words any) {
  uint64_t halves[2];
  memcpy(halves, &any, sizeof halves);
  uint64_t all = halves[0] | halves[1];
  all |= all >> 32;
  all |= all >> 16;
  all &= 0xFFFF;
  return all == 0 ? 0 : 64 - (unsigned)__builtin_clzll(all);
}

/* Differences of neighbours with the sign in the lowest bit. `last` is the vector before. Returns all bits used. */
INLINE words fold_block(const uint8_t *raw, words *last, words folded[VECTORS]) {
  words any = {0}, before = *last;
  for (int i = 0; i < VECTORS; i++) {
    words value = load(raw + (size_t)i * VECTOR_BYTES);
    words left = __builtin_shufflevector(before, value, 7, 8, 9, 10, 11, 12, 13, 14);
    words difference = value - left;
    folded[i] = difference << 1 ^ -(difference >> 15);
    any |= folded[i];
    before = value;
  }
  *last = before;
  return any;
}

INLINE words unfold_block(const words folded[VECTORS], words last, uint8_t *raw) {
  const words zero = {0};
  for (int i = 0; i < VECTORS; i++) {
    words sum = folded[i] >> 1 ^ -(folded[i] & 1);
    sum += __builtin_shufflevector(zero, sum, 7, 8, 9, 10, 11, 12, 13, 14);
    sum += __builtin_shufflevector(zero, sum, 6, 7, 8, 9, 10, 11, 12, 13);
    sum += __builtin_shufflevector(zero, sum, 4, 5, 6, 7, 8, 9, 10, 11);
    last = sum + last[LANE_COUNT - 1];
    store(raw + (size_t)i * VECTOR_BYTES, last);
  }
  return last;
}

/* --- frames --- */

bool quick_takes(const struct cas_pixel_format *format) { return format->bits_allocated == 16 && !format->big_endian; }

static void encode_head(const struct cas_pixel_format *format, uint8_t head[QUICK_HEAD_BYTES]) {
  store_u32(head, format->rows);
  store_u32(head + 4, format->columns);
  store_u16(head + 8, format->samples_per_pixel);
  store_u16(head + 10, format->bits_stored);
  store_u16(head + 12, format->high_bit);
  head[14] = format->pixel_representation;
  head[15] = format->planar_configuration;
}

/* Appends the coded blocks at `at`; returns where they end. */
ON_MANY_PROCESSORS static uint8_t *encode_blocks(const uint8_t *raw, size_t blocks, uint8_t *at) {
  words last = {0};
  for (size_t i = 0; i < blocks; i++) {
    words folded[VECTORS];
    unsigned width = width_of(fold_block(raw + i * QUICK_BLOCK_BYTES, &last, folded));
    *at++ = (uint8_t)width;
    pack_block(folded, width, at);
    at += (size_t)width * VECTOR_BYTES;
  }
  return at;
}

/* Returns where the blocks that begin at `at` end; NULL: they do not. */
ON_MANY_PROCESSORS static const uint8_t *decode_blocks(const uint8_t *at, const uint8_t *end, uint8_t *raw,
                                                       size_t blocks) {
  words last = {0};
  for (size_t i = 0; i < blocks; i++) {
    if (at == end) return NULL;
    unsigned width = *at++;
    if (width > QUICK_WIDTH_MAX || (size_t)(end - at) < (size_t)width * VECTOR_BYTES) return NULL;
    words folded[VECTORS];
    unpack_block(at, width, folded);
    last = unfold_block(folded, last, raw + i * QUICK_BLOCK_BYTES);
    at += (size_t)width * VECTOR_BYTES;
  }
  return at;
}

cas_status quick_encode(const struct cas_pixel_format *format, struct cas_slice raw, struct cas_buffer *coded) {
  size_t blocks = raw.size / QUICK_BLOCK_BYTES, rest = raw.size % QUICK_BLOCK_BYTES;
  STATUS_TRY(cas_buffer_reserve(coded, coded->size + QUICK_HEAD_BYTES + blocks * (1 + QUICK_BLOCK_BYTES) + rest));
  uint8_t *at = coded->data + coded->size;
  encode_head(format, at);
  at = encode_blocks(raw.data, blocks, at + QUICK_HEAD_BYTES);
  if (rest > 0) memcpy(at, raw.data + blocks * QUICK_BLOCK_BYTES, rest);
  coded->size = (size_t)(at - coded->data) + rest;
  return CAS_OK;
}

cas_status quick_format(struct cas_slice coded, struct cas_pixel_format *format) {
  if (coded.size < QUICK_HEAD_BYTES) return CAS_CORRUPT;
  const uint8_t *head = coded.data;
  *format = (struct cas_pixel_format){.rows = load_u32(head),
                                      .columns = load_u32(head + 4),
                                      .samples_per_pixel = load_u16(head + 8),
                                      .bits_allocated = 16,
                                      .bits_stored = load_u16(head + 10),
                                      .high_bit = load_u16(head + 12),
                                      .pixel_representation = head[14],
                                      .planar_configuration = head[15]};
  return CAS_OK;
}

cas_status quick_decode(struct cas_slice coded, uint8_t *raw, size_t raw_size) {
  if (coded.size < QUICK_HEAD_BYTES) return CAS_CORRUPT;
  const uint8_t *end = coded.data + coded.size;
  size_t blocks = raw_size / QUICK_BLOCK_BYTES, rest = raw_size % QUICK_BLOCK_BYTES;
  const uint8_t *at = decode_blocks(coded.data + QUICK_HEAD_BYTES, end, raw, blocks);
  if (at == NULL || (size_t)(end - at) != rest) return CAS_CORRUPT;
  if (rest > 0) memcpy(raw + blocks * QUICK_BLOCK_BYTES, at, rest);
  return CAS_OK;
}
