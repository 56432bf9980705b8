/*
 * Any bytes as a coded frame: both kernels agree on the outcome and, where it decodes, on the samples.
 *
 * Input: raw size in three bytes, little endian, then the coded frame.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/pixel_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 4) return 0;
  size_t raw_size = (data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16) & 0x3ffff;
  struct cas_slice coded = {data + 3, size - 3};
  uint8_t *first = calloc(1, raw_size + 1), *second = calloc(1, raw_size + 1);
  check(first != NULL && second != NULL);
  cas_status status = cas_pixel_decode(coded, first, raw_size);
  check(status == CAS_OK || status == CAS_CORRUPT);
  if (data[3] == PIXEL_METHOD_MODEL) {
    struct cas_slice rest = {data + 4, size - 4};
    check(pixel_frame_decode(&pixel_kernels_plain, rest, second, raw_size) == status);
    check(status != CAS_OK || memcmp(first, second, raw_size) == 0);
  }
  free(first);
  free(second);
  return 0;
}
