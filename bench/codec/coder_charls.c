/* JPEG-LS by CharLS, its default parameters, told the bits that the samples really need. */
#include <charls/charls.h>

#include "bench_coder.h"

static size_t encode(const struct frame *frame, uint8_t *out, size_t capacity) {
  const struct cas_pixel_format *f = &frame->format;
  if (f->bits_allocated > 16 || f->columns > 65535 || f->rows > 65535) return 0;
  charls_frame_info info = {f->columns, f->rows, (int32_t)frame_bits(frame), f->samples_per_pixel};
  charls_jpegls_encoder *encoder = charls_jpegls_encoder_create();
  bool interleaved = f->samples_per_pixel > 1 && f->planar_configuration == 0;
  size_t size = 0;
  if (charls_jpegls_encoder_set_frame_info(encoder, &info) != 0 ||
      charls_jpegls_encoder_set_interleave_mode(encoder, interleaved ? CHARLS_INTERLEAVE_MODE_SAMPLE
                                                                     : CHARLS_INTERLEAVE_MODE_NONE) != 0 ||
      charls_jpegls_encoder_set_destination_buffer(encoder, out, capacity) != 0 ||
      charls_jpegls_encoder_encode_from_buffer(encoder, frame->native, frame->size, 0) != 0 ||
      charls_jpegls_encoder_get_bytes_written(encoder, &size) != 0)
    size = 0;
  charls_jpegls_encoder_destroy(encoder);
  return size;
}

static bool decode(const struct frame *frame, const uint8_t *coded, size_t size, uint8_t *raw) {
  charls_jpegls_decoder *decoder = charls_jpegls_decoder_create();
  bool decoded = charls_jpegls_decoder_set_source_buffer(decoder, coded, size) == 0 &&
                 charls_jpegls_decoder_read_header(decoder) == 0 &&
                 charls_jpegls_decoder_decode_to_buffer(decoder, raw, frame->size, 0) == 0;
  charls_jpegls_decoder_destroy(decoder);
  return decoded;
}

const struct coder coder_charls = {.name = "CharLS", .encode = encode, .decode = decode, .native = true};
