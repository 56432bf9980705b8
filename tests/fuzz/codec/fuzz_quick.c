/*
 * Any bytes as a quick coding, which is refused or decoded; and any bytes as a frame, which comes back.
 *
 * Input: raw size in three bytes, little endian, then the coding, which is also the frame.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/quick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 4) return 0;
  size_t raw_size = (data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16) & 0x3ffff;
  struct cas_slice bytes = {data + 3, size - 3};
  uint8_t *raw = malloc(raw_size + 1), *back = malloc(bytes.size);
  check(raw != NULL && back != NULL);
  cas_status status = quick_decode(bytes, raw, raw_size);
  check(status == CAS_OK || status == CAS_CORRUPT);
  struct cas_pixel_format format = {.rows = 1, .columns = 1, .samples_per_pixel = 1, .bits_allocated = 16};
  struct cas_buffer coded = {0};
  check(quick_encode(&format, bytes, &coded) == CAS_OK);
  check(quick_decode((struct cas_slice){coded.data, coded.size}, back, bytes.size) == CAS_OK);
  check(memcmp(back, bytes.data, bytes.size) == 0);
  free(coded.data);
  free(raw);
  free(back);
  return 0;
}
