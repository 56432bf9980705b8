/*
 * Small synthetic images for the pixel codec's tests: every kind of content, in every layout of words.
 */
#ifndef PIXEL_IMAGES_H
#define PIXEL_IMAGES_H

#include <stdint.h>
#include <stdlib.h>

#include "cassette/pixel.h"

enum image_kind {
  IMAGE_CONSTANT,
  IMAGE_RAMP,
  IMAGE_SMOOTH,   /* a noisy blob on a flat background, as CT and MR are */
  IMAGE_NOISE,    /* every bit random */
  IMAGE_CLIPPED,  /* half of the samples are the least value */
  IMAGE_EXTREMES, /* words of all ones, of zeros and of the sign bit */
  IMAGE_OVERLAY,  /* smooth, with foreign bits above High Bit */
  IMAGE_KINDS
};

static inline uint32_t image_random(uint64_t *seed) {
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*seed >> 33);
}

static inline uint32_t image_smooth(const struct cas_pixel_format *format, uint32_t x, uint32_t y, uint64_t *seed) {
  double dx = x - format->columns / 2.0, dy = y - format->rows / 2.0;
  double radius = format->columns / 3.0 + 1;
  double height = dx * dx + dy * dy < radius * radius ? 1.0 - (dx * dx + dy * dy) / (radius * radius) : 0;
  double top = (double)((UINT64_C(1) << format->bits_stored) / 4);
  double noise = (image_random(seed) % 16 + image_random(seed) % 16) / 2.0;
  return (uint32_t)(height * top + (height > 0 ? noise : 0));
}

static inline uint32_t image_word(const struct cas_pixel_format *format, enum image_kind kind, uint32_t x, uint32_t y,
                                  unsigned sample, uint64_t *seed) {
  uint32_t value, random = image_random(seed) ^ image_random(seed) << 16;
  switch (kind) {
  case IMAGE_CONSTANT: return 0x01020304u * (sample + 1);
  case IMAGE_RAMP: return x * 3 + y * 5 + sample;
  case IMAGE_SMOOTH: value = image_smooth(format, x, y, seed) + sample * 10; break;
  case IMAGE_NOISE: return random;
  case IMAGE_CLIPPED: return random % 2 == 0 ? 0 : random % 64;
  case IMAGE_EXTREMES: return random % 3 == 0 ? 0 : random % 3 == 1 ? 0xffffffffu : 0x80008000u;
  default: value = image_smooth(format, x, y, seed) | (random % 5 == 0 ? 1u << format->high_bit << 1 : 0); break;
  }
  return format->pixel_representation == 1 ? value - 20 : value;
}

/* Bytes of a frame of this format. */
static inline size_t image_bytes(const struct cas_pixel_format *format) {
  return (size_t)format->rows * format->columns * format->samples_per_pixel * (format->bits_allocated / 8u);
}

/* Fills `raw`, image_bytes long. */
static inline void image_fill(const struct cas_pixel_format *format, enum image_kind kind, uint64_t seed,
                              uint8_t *raw) {
  unsigned bytes = format->bits_allocated / 8u;
  for (uint32_t y = 0; y < format->rows; y++)
    for (uint32_t x = 0; x < format->columns; x++)
      for (unsigned sample = 0; sample < format->samples_per_pixel; sample++) {
        size_t pixel = (size_t)y * format->columns + x;
        size_t word = format->planar_configuration == 1 ? (size_t)sample * format->rows * format->columns + pixel
                                                        : pixel * format->samples_per_pixel + sample;
        uint32_t value = image_word(format, kind, x, y, sample, &seed);
        for (unsigned i = 0; i < bytes; i++)
          raw[word * bytes + i] = (uint8_t)(value >> 8 * (format->big_endian ? bytes - 1 - i : i));
      }
}

#endif
