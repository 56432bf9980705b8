/*
 * Prediction in plain C, row by row.
 */
#include "codec/pixel_predict.h"

const struct pixel_class pixel_class_left = {.taps = {0}, .bias = 0};

static inline uint16_t predict(const struct pixel_plane *plane, const uint16_t *row, struct pixel_rows above,
                               const uint8_t *classes, ptrdiff_t x) {
  const uint16_t *n = above.above;
  if (plane->kind == PIXEL_PLANE_MEDIAN)
    return pixel_predict_median(row[x - 1], n[x], n[x - 1]);
  const struct pixel_class *class = classes[x] < PIXEL_CLASSES_MAX ? &plane->class_of[classes[x]] : &pixel_class_left;
  return pixel_predict_linear(class, row[x - 1], n[x], n[x - 1], n[x + 1], row[x - 2], above.above2[x]);
}

bool pixel_row_residuals(const struct pixel_plane *plane, const uint16_t *row, struct pixel_rows above,
                         const uint8_t *classes, uint32_t columns, uint16_t *codes) {
  unsigned lost = 0;
  for (uint32_t x = 0; x < columns; x++) {
    int16_t residual = (int16_t)(row[x] - predict(plane, row, above, classes, x));
    uint16_t code = (uint16_t)((uint16_t)residual << 1 ^ residual >> 15);
    bool is_spike = row[x] == plane->spike;
    lost |= !is_spike & (code == PIXEL_CODE_SPIKE);
    codes[x] = is_spike ? (uint16_t)PIXEL_CODE_SPIKE : code;
  }
  return lost == 0;
}

void pixel_row_restore(const struct pixel_plane *plane, uint16_t *row, struct pixel_rows above, const uint8_t *classes,
                       uint32_t columns, const uint16_t *codes) {
  pixel_row_open(row, above.above);
  for (uint32_t x = 0; x < columns; x++) {
    uint16_t residual = (uint16_t)(codes[x] >> 1 ^ -(codes[x] & 1));
    uint16_t sample = (uint16_t)(predict(plane, row, above, classes, x) + residual);
    row[x] = codes[x] == PIXEL_CODE_SPIKE ? plane->spike : sample;
  }
  pixel_row_close(row, columns);
}
