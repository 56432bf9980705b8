/*
 * Any bytes as a frame of any format: encoding never fails nor grows much, and what is decoded is what went in.
 *
 * Input: rows, columns (a byte each), samples, bits allocated, bits stored, high bit, flags (a byte each), then pixels.
 * Rows count modulo 32 unless a flag says otherwise: what an encoder does wrong it does in few rows, and many cost
 * time.
 */
#include <stdlib.h>
#include <string.h>

#include "cassette/pixel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 7) return 0;
  static const uint16_t allocated[] = {8, 16, 32, 1, 12, 64};
  struct cas_pixel_format format = {
      .rows = (data[6] & 32) != 0 ? data[0] : data[0] % 32,
      .columns = data[1],
      .samples_per_pixel = data[2] % 5,
      .bits_allocated = allocated[data[3] % 6],
      .bits_stored = data[4],
      .high_bit = data[5],
      .pixel_representation = data[6] & 1,
      .planar_configuration = data[6] >> 1 & 1,
      .big_endian = data[6] >> 2 & 1,
  };
  struct cas_slice raw = {data + 7, size - 7};
  /* Mostly as many pixels as the format says, repeated where there are fewer. */
  size_t wanted = (size_t)format.rows * format.columns * format.samples_per_pixel * (format.bits_allocated / 8u);
  uint8_t *full = calloc(1, wanted + 1);
  check(full != NULL);
  if ((data[6] & 8) == 0 && raw.size > 0) {
    for (size_t i = 0; i < wanted; i++) full[i] = (uint8_t)(raw.data[i % raw.size] + (data[6] & 16 ? i / raw.size : 0));
    raw = (struct cas_slice){full, wanted};
  }
  struct cas_buffer coded = {0};
  check(cas_pixel_encode(&format, raw, &coded) == CAS_OK);
  check(coded.size <= raw.size + CAS_PIXEL_OVERHEAD_MAX);
  uint8_t *back = malloc(raw.size + 1);
  check(back != NULL);
  check(cas_pixel_decode((struct cas_slice){coded.data, coded.size}, back, raw.size) == CAS_OK);
  check(raw.size == 0 || memcmp(back, raw.data, raw.size) == 0);
  free(back);
  free(full);
  cas_buffer_fini(&coded);
  return 0;
}
