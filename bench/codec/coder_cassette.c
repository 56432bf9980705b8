/* The pixel codec itself. */
#include <string.h>

#include "bench_coder.h"

static size_t encode(const struct frame *frame, uint8_t *out, size_t capacity) {
  /* The buffer's memory is kept from frame to frame, as an archive's worker keeps its own. */
  static struct cas_buffer coded;
  coded.size = 0;
  struct cas_slice raw = {frame->raw, frame->size};
  if (cas_pixel_encode(&frame->format, raw, &coded) != CAS_OK || coded.size > capacity) return 0;
  memcpy(out, coded.data, coded.size);
  return coded.size;
}

static bool decode(const struct frame *frame, const uint8_t *coded, size_t size, uint8_t *raw) {
  return cas_pixel_decode((struct cas_slice){coded, size}, raw, frame->size) == CAS_OK;
}

const struct coder coder_cassette = {.name = "cassette", .encode = encode, .decode = decode};
