/*
 * The layout of a frame: how its bytes are words, and its words planes of 16 bit samples.
 *
 * A word has one or two fields: 32 bit words are two halves, and 16 bit words are cut at High Bit where foreign bits
 * stand above it. Each field of each component is a plane. Threads: plain values, no sharing.
 */
#ifndef CODEC_PIXEL_LAYOUT_H
#define CODEC_PIXEL_LAYOUT_H

#include "cassette/pixel.h"

struct pixel_layout {
  uint32_t rows;
  uint32_t columns;
  uint8_t word_bytes; /* 1, 2 or 4 */
  uint8_t samples;    /* components: 1 or 3 */
  uint8_t split;      /* bits in the low field; 0: the word is one field */
  bool planar;        /* components stand one after the other, not word by word */
  bool big_endian;
  bool subtract; /* components 0 and 2 are coded as their difference from component 1 */
  bool extend;   /* encoder only: the low field is two's complement */
};

/* One plane of a frame. */
struct pixel_part {
  uint8_t component;
  uint8_t field; /* 0 low, 1 high */
};

static inline unsigned pixel_layout_parts(const struct pixel_layout *layout) {
  return layout->samples * (layout->split != 0 ? 2u : 1u);
}

/* The plane that is coded at place `index`. */
struct pixel_part pixel_layout_part(const struct pixel_layout *layout, unsigned index);

/* True where the fields are within their ranges and describe exactly `raw_size` bytes. */
bool pixel_layout_valid(const struct pixel_layout *layout, size_t raw_size);

/* Chooses the layout for `raw`. False where the format is none of those that are modelled. */
bool pixel_layout_choose(struct pixel_layout *layout, const struct cas_pixel_format *format, struct cas_slice raw);

/* Copies one row of a plane out of `raw`. */
void pixel_layout_load(const struct pixel_layout *layout, struct pixel_part part, const uint8_t *raw, uint32_t row,
                       uint16_t *samples);

/* Puts one row of a plane, `base` added, into `raw`. Planes must be put in the order of their places. */
void pixel_layout_store(const struct pixel_layout *layout, struct pixel_part part, uint8_t *raw, uint32_t row,
                        const uint16_t *samples, uint16_t base);

#endif
