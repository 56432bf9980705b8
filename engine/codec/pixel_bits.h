/*
 * Bits, least significant first, as the parameters of a plane are written in.
 *
 * The reader never reads past its bytes: missing bits are zeros and set `failed`. The writer appends to a fixed space
 * and sets `failed` when that is used up.
 */
#ifndef CODEC_PIXEL_BITS_H
#define CODEC_PIXEL_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pixel_bits {
  uint8_t *out;      /* writer */
  const uint8_t *in; /* reader */
  size_t size;       /* bytes that may be used */
  size_t bit;        /* next bit */
  bool failed;
};

static inline void pixel_bits_put(struct pixel_bits *bits, uint32_t value, unsigned count) {
  for (unsigned i = 0; i < count; i++, bits->bit++) {
    size_t at = bits->bit >> 3;
    if (at >= bits->size) {
      bits->failed = true;
      return;
    }
    if ((bits->bit & 7) == 0) bits->out[at] = 0;
    bits->out[at] |= (uint8_t)((value >> i & 1) << (bits->bit & 7));
  }
}

static inline uint32_t pixel_bits_get(struct pixel_bits *bits, unsigned count) {
  uint32_t value = 0;
  for (unsigned i = 0; i < count; i++, bits->bit++) {
    size_t at = bits->bit >> 3;
    if (at >= bits->size) {
      bits->failed = true;
      return value;
    }
    value |= (uint32_t)(bits->in[at] >> (bits->bit & 7) & 1) << i;
  }
  return value;
}

/* Exponential Golomb codes of order `order`: n zeros, a one, then n + order bits. */
static inline void pixel_bits_put_golomb(struct pixel_bits *bits, uint32_t value, unsigned order) {
  uint32_t biased = (value >> order) + 1;
  unsigned length = 31 - (unsigned)__builtin_clz(biased);
  pixel_bits_put(bits, 0, length);
  pixel_bits_put(bits, 1, 1);
  pixel_bits_put(bits, biased - (1u << length), length);
  pixel_bits_put(bits, value & ((1u << order) - 1), order);
}

static inline uint32_t pixel_bits_get_golomb(struct pixel_bits *bits, unsigned order) {
  unsigned length = 0;
  while (pixel_bits_get(bits, 1) == 0) {
    if (bits->failed || ++length > 20) {
      bits->failed = true;
      return 0;
    }
  }
  uint32_t biased = (1u << length) + pixel_bits_get(bits, length);
  return (biased - 1) << order | pixel_bits_get(bits, order);
}

static inline uint32_t pixel_zigzag(int32_t value) { return (uint32_t)value << 1 ^ (uint32_t)(value >> 31); }
static inline int32_t pixel_unzigzag(uint32_t code) { return (int32_t)(code >> 1) ^ -(int32_t)(code & 1); }

/* Whole bytes in use. */
static inline size_t pixel_bits_bytes(const struct pixel_bits *bits) { return (bits->bit + 7) >> 3; }

#endif
