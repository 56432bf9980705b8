/*
 * Prediction: what a sample is expected to be from those before it, and rows on the way to codes and back.
 *
 * Rows are borrowed pointers to their first sample, with PIXEL_MARGIN samples of room on both sides. A row's margin
 * holds what stands for the samples outside the plane: to the left of the first the two first of the rows above
 * (pixel_row_open), to the right of the last the last (pixel_row_close). docs/format-pixel.md, "Neighbours".
 */
#ifndef CODEC_PIXEL_PREDICT_H
#define CODEC_PIXEL_PREDICT_H

#include "codec/pixel_plane.h"

/* Samples of room at either side of a row. */
#define PIXEL_MARGIN 2u

/* A row and those above it. In the first row both above are zeros; in the second `above2` is `above`. */
struct pixel_rows {
  const uint16_t *above2;
  const uint16_t *above;
};

/* Sets the samples left of the first. */
static inline void pixel_row_open(uint16_t *row, const uint16_t *above) {
  row[-1] = above[0];
  row[-2] = above[-1];
}

/* Sets the samples right of the last. */
static inline void pixel_row_close(uint16_t *row, uint32_t columns) {
  row[columns] = row[columns - 1];
  row[columns + 1] = row[columns - 1];
}

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
  if (sum > INT16_MAX)
    sum = INT16_MAX;
  if (sum < INT16_MIN)
    sum = INT16_MIN;
  return (uint16_t)(w + sum);
}

/* The predictor of the first row of a plane: its left neighbour. */
extern const struct pixel_class pixel_class_left;

/*
 * Residual codes of one row from its samples. `classes` has the class of each pixel (linear planes only);
 * PIXEL_CLASSES_MAX is pixel_class_left. False where a residual is -32768, which has no code.
 */
bool pixel_row_residuals(const struct pixel_plane *plane, const uint16_t *row, struct pixel_rows above,
                         const uint8_t *classes, uint32_t columns, uint16_t *codes);

/* The samples of one row from its residual codes; opens and closes the row. */
void pixel_row_restore(const struct pixel_plane *plane, uint16_t *row, struct pixel_rows above, const uint8_t *classes,
                       uint32_t columns, const uint16_t *codes);

/* Sums of marks for one row, each with its weight. Mark rows have zeros in their margins, and above the plane. */
static inline void pixel_mark_sums(const uint16_t *above2, const uint16_t *above, uint32_t columns, uint16_t *sums) {
  for (uint32_t x = 0; x < columns; x++)
    sums[x] = (uint16_t)(2 * above[x] + above[(ptrdiff_t)x - 1] + above[x + 1] + above[(ptrdiff_t)x - 2] +
                         above[x + 2] + above2[x]);
}

#endif
