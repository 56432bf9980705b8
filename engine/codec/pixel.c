/*
 * The pixel codec's front: the choice among the encodings of a frame, and the first byte that names it.
 *
 * Invariants
 *  1. Every coded frame begins with one method byte; the rest belongs to the method.
 *  2. The smallest encoding tried is the one kept, so a frame never grows by more than the method byte.
 *  3. Decoding writes exactly `raw_size` bytes or fails with CAS_CORRUPT.
 */
#include "cassette/pixel.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "base/bytes.h"
#include "codec/pixel_format.h"
#include "codec/pixel_frame.h"

/* Codes `raw` as bytes: zstd where that is smaller, else the bytes themselves. */
static cas_status encode_bytes(struct cas_slice raw, struct cas_buffer *coded) {
  size_t start = coded->size;
  size_t bound = ZSTD_compressBound(raw.size);
  cas_status status = cas_buffer_reserve(coded, start + 1 + bound);
  if (status != CAS_OK) return status;
  size_t packed = ZSTD_compress(coded->data + start + 1, bound, raw.data, raw.size, PIXEL_ZSTD_LEVEL);
  if (!ZSTD_isError(packed) && packed < raw.size) {
    coded->data[start] = PIXEL_METHOD_ZSTD;
    coded->size = start + 1 + packed;
    return CAS_OK;
  }
  coded->data[start] = PIXEL_METHOD_RAW;
  if (raw.size > 0) memcpy(coded->data + start + 1, raw.data, raw.size);
  coded->size = start + 1 + raw.size;
  return CAS_OK;
}

/*
 * True where zstd may do better than the model's `modelled` bytes: drawings, text and masks repeat themselves. An
 * eighth from the middle is tried, of large frames less; very small frames are tried whole.
 */
static bool zstd_may_win(struct cas_slice raw, size_t modelled) {
  uint8_t packed[PIXEL_TRIAL_BYTES_MAX + PIXEL_TRIAL_BYTES_MAX / 8];
  size_t trial = raw.size / 8;
  if (trial < PIXEL_TRIAL_BYTES_MIN) return true;
  if (trial > PIXEL_TRIAL_BYTES_MAX) trial = PIXEL_TRIAL_BYTES_MAX;
  size_t start = (raw.size / 2) & ~(size_t)3;
  size_t size = ZSTD_compress(packed, sizeof packed, raw.data + start, trial, 1);
  return !ZSTD_isError(size) && size * (raw.size / trial) < modelled + modelled / 2;
}

/* Replaces the modelled frame that begins at `start` by a zstd frame where that is smaller. */
static cas_status replace_by_zstd(struct cas_slice raw, size_t start, struct cas_buffer *coded) {
  CLEANUP_BUFFER struct cas_buffer other = {0};
  cas_status status = encode_bytes(raw, &other);
  if (status != CAS_OK || other.size >= coded->size - start) return status;
  memcpy(coded->data + start, other.data, other.size);
  coded->size = start + other.size;
  return CAS_OK;
}

cas_status cas_pixel_encode(const struct cas_pixel_format *format, struct cas_slice raw, struct cas_buffer *coded) {
  size_t start = coded->size;
  cas_status status = cas_buffer_reserve(coded, start + 1);
  if (status != CAS_OK) return status;
  coded->data[coded->size++] = PIXEL_METHOD_MODEL;
  bool modelled = false;
  status = pixel_frame_encode(pixel_kernels_best(), format, raw, coded, &modelled);
  if (status == CAS_OK && modelled)
    return zstd_may_win(raw, coded->size - start) ? replace_by_zstd(raw, start, coded) : CAS_OK;
  coded->size = start;
  return status != CAS_OK ? status : encode_bytes(raw, coded);
}

cas_status cas_pixel_decode(struct cas_slice coded, uint8_t *raw, size_t raw_size) {
  if (coded.size < 1) return CAS_CORRUPT;
  struct cas_slice rest = slice_of(coded.data + 1, coded.size - 1);
  switch (coded.data[0]) {
  case PIXEL_METHOD_RAW:
    if (rest.size != raw_size) return CAS_CORRUPT;
    if (raw_size > 0) memcpy(raw, rest.data, raw_size);
    return CAS_OK;
  case PIXEL_METHOD_ZSTD: {
    size_t size = ZSTD_decompress(raw, raw_size, rest.data, rest.size);
    if (ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) return CAS_NO_MEMORY;
    return ZSTD_isError(size) || size != raw_size ? CAS_CORRUPT : CAS_OK;
  }
  case PIXEL_METHOD_MODEL: return pixel_frame_decode(pixel_kernels_best(), rest, raw, raw_size);
  default: return CAS_CORRUPT;
  }
}
