/*
 * JPEG XL by libjxl, lossless. Samples of 16 bits allocated are always declared as 16 bits: with fewer, 0.7 scales
 * what it is given to the full range and back, which is not exact.
 */
#include <jxl/decode.h>
#include <jxl/encode.h>

#include "bench_coder.h"

static JxlPixelFormat pixel_format(const struct cas_pixel_format *f) {
  return (JxlPixelFormat){.num_channels = f->samples_per_pixel,
                          .data_type = f->bits_allocated == 8 ? JXL_TYPE_UINT8 : JXL_TYPE_UINT16,
                          .endianness = JXL_LITTLE_ENDIAN};
}

static bool set_up(JxlEncoder *encoder, const struct frame *frame, int effort) {
  const struct cas_pixel_format *f = &frame->format;
  JxlBasicInfo info;
  JxlEncoderInitBasicInfo(&info);
  info.xsize = f->columns;
  info.ysize = f->rows;
  info.bits_per_sample = f->bits_allocated;
  info.num_color_channels = f->samples_per_pixel;
  info.uses_original_profile = JXL_TRUE;
  JxlColorEncoding color;
  JxlColorEncodingSetToSRGB(&color, f->samples_per_pixel == 1);
  JxlEncoderFrameSettings *settings = JxlEncoderFrameSettingsCreate(encoder, NULL);
  JxlPixelFormat format = pixel_format(f);
  if (JxlEncoderSetCodestreamLevel(encoder, 10) != JXL_ENC_SUCCESS ||
      JxlEncoderSetBasicInfo(encoder, &info) != JXL_ENC_SUCCESS ||
      JxlEncoderSetColorEncoding(encoder, &color) != JXL_ENC_SUCCESS ||
      JxlEncoderSetFrameLossless(settings, JXL_TRUE) != JXL_ENC_SUCCESS ||
      JxlEncoderFrameSettingsSetOption(settings, JXL_ENC_FRAME_SETTING_EFFORT, effort) != JXL_ENC_SUCCESS ||
      JxlEncoderAddImageFrame(settings, &format, frame->native, frame->size) != JXL_ENC_SUCCESS)
    return false;
  JxlEncoderCloseInput(encoder);
  return true;
}

static size_t encode(const struct frame *frame, uint8_t *out, size_t capacity, int effort) {
  const struct cas_pixel_format *f = &frame->format;
  if (f->bits_allocated > 16 || (f->samples_per_pixel == 3 && f->planar_configuration == 1)) return 0;
  JxlEncoder *encoder = JxlEncoderCreate(NULL);
  uint8_t *next = out;
  size_t size = 0;
  if (set_up(encoder, frame, effort) && JxlEncoderProcessOutput(encoder, &next, &capacity) == JXL_ENC_SUCCESS)
    size = (size_t)(next - out);
  JxlEncoderDestroy(encoder);
  return size;
}

static size_t encode_1(const struct frame *frame, uint8_t *out, size_t capacity) {
  return encode(frame, out, capacity, 1);
}
static size_t encode_3(const struct frame *frame, uint8_t *out, size_t capacity) {
  return encode(frame, out, capacity, 3);
}

static bool decode(const struct frame *frame, const uint8_t *coded, size_t size, uint8_t *raw) {
  JxlDecoder *decoder = JxlDecoderCreate(NULL);
  JxlPixelFormat format = pixel_format(&frame->format);
  bool decoded = false;
  if (JxlDecoderSubscribeEvents(decoder, JXL_DEC_FULL_IMAGE) == JXL_DEC_SUCCESS &&
      JxlDecoderSetInput(decoder, coded, size) == JXL_DEC_SUCCESS) {
    JxlDecoderCloseInput(decoder);
    JxlDecoderStatus status;
    while ((status = JxlDecoderProcessInput(decoder)) == JXL_DEC_NEED_IMAGE_OUT_BUFFER)
      if (JxlDecoderSetImageOutBuffer(decoder, &format, raw, frame->size) != JXL_DEC_SUCCESS) break;
    decoded = status == JXL_DEC_FULL_IMAGE || status == JXL_DEC_SUCCESS;
  }
  JxlDecoderDestroy(decoder);
  return decoded;
}

const struct coder coder_jxl_1 = {
    .name = "libjxl effort 1", .slow = true, .encode = encode_1, .decode = decode, .native = true};
const struct coder coder_jxl_3 = {
    .name = "libjxl effort 3", .slow = true, .encode = encode_3, .decode = decode, .native = true};
