/*
 * Prediction: what a sample is expected to be from those before it. docs/format-pixel.md, "Prediction".
 */
#ifndef CODEC_PIXEL_PREDICT_H
#define CODEC_PIXEL_PREDICT_H

#include "codec/pixel_plane.h"

/* Copies samples less the base. */
static inline void pixel_row_rebase(uint16_t *row, const uint16_t *samples, uint32_t columns, uint16_t base) {
  for (uint32_t x = 0; x < columns; x++) row[x] = (uint16_t)(samples[x] - base);
}

/* Sets what stands for the samples left of a row's first: the first two of the rows above. */
static inline void pixel_row_open(uint16_t *row, const uint16_t *above) {
  row[-1] = above[0];
  row[-2] = above[-1];
}

/* Sets what stands for the sample right of a row's last. */
static inline void pixel_row_close(uint16_t *row, uint32_t columns) { row[columns] = row[columns - 1]; }

static inline uint16_t pixel_predict_median(uint16_t w, uint16_t n, uint16_t nw) {
  uint16_t low = w < n ? w : n;
  uint16_t high = w < n ? n : w;
  uint16_t middle = nw < low ? low : nw > high ? high : nw;
  return (uint16_t)(w + n - middle);
}

/* Differences and the correction are signed 16 bit numbers; the correction is held within their range. */
static inline uint16_t pixel_predict_linear(const struct pixel_class *class, uint16_t w, uint16_t n, uint16_t nw,
                                            uint16_t ne, uint16_t ww, uint16_t nn) {
  int32_t sum = class->bias * 8 + (1 << (PIXEL_TAP_BITS - 1));
  sum += class->taps[0] * (int16_t)(n - w);
  sum += class->taps[1] * (int16_t)(nw - w);
  sum += class->taps[2] * (int16_t)(ne - w);
  sum += class->taps[3] * (int16_t)(ww - w);
  sum += class->taps[4] * (int16_t)(nn - w);
  sum >>= PIXEL_TAP_BITS;
  if (sum > INT16_MAX) sum = INT16_MAX;
  if (sum < INT16_MIN) sum = INT16_MIN;
  return (uint16_t)(w + sum);
}

/* Residual modulo 65536 to its code and back. */
static inline uint16_t pixel_code_of(uint16_t residual) { return (uint16_t)(residual << 1 ^ -(residual >> 15)); }
static inline uint16_t pixel_residual_of(uint16_t code) { return (uint16_t)(code >> 1 ^ -(code & 1)); }

#endif
