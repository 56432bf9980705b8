/* High-throughput JPEG 2000 by OpenJPH, reversible. */
#include <cstdio>
#include <cstring>
#include <exception>

#include <openjph/ojph_arch.h>
#include <openjph/ojph_codestream.h>
#include <openjph/ojph_file.h>
#include <openjph/ojph_mem.h>
#include <openjph/ojph_message.h>
#include <openjph/ojph_params.h>

#include "bench_coder.h"

namespace {

size_t word(const cas_pixel_format &f, size_t x, size_t y, size_t component) {
  size_t pixel = y * f.columns + x;
  return f.planar_configuration == 1 ? component * f.rows * f.columns + pixel : pixel * f.samples_per_pixel + component;
}

bool is_signed(const frame *frame) { return frame->format.pixel_representation == 1; }

size_t encode_frame(const frame *frame, uint8_t *out, size_t capacity) {
  const cas_pixel_format &f = frame->format;
  ojph::codestream stream;
  ojph::param_siz size = stream.access_siz();
  size.set_image_extent(ojph::point(f.columns, f.rows));
  size.set_num_components(f.samples_per_pixel);
  unsigned bits = is_signed(frame) ? f.bits_allocated : frame_bits(frame);
  for (unsigned c = 0; c < f.samples_per_pixel; c++) size.set_component(c, ojph::point(1, 1), bits, is_signed(frame));
  size.set_image_offset(ojph::point(0, 0));
  size.set_tile_size(ojph::size(0, 0));
  size.set_tile_offset(ojph::point(0, 0));
  ojph::param_cod coding = stream.access_cod();
  coding.set_num_decomposition(5);
  coding.set_block_dims(64, 64);
  coding.set_color_transform(f.samples_per_pixel == 3);
  coding.set_reversible(true);
  stream.set_planar(f.samples_per_pixel != 3);
  ojph::mem_outfile file;
  file.open();
  stream.write_headers(&file);
  ojph::ui32 component = 0;
  ojph::line_buf *line = stream.exchange(nullptr, component);
  size_t done[4] = {0};
  for (size_t i = 0; i < (size_t)f.rows * f.samples_per_pixel; i++) {
    size_t y = done[component]++;
    for (size_t x = 0; x < f.columns; x++) {
      size_t at = word(f, x, y, component);
      if (f.bits_allocated == 8) {
        line->i32[x] = is_signed(frame) ? (int8_t)frame->native[at] : frame->native[at];
      } else {
        uint16_t value;
        std::memcpy(&value, frame->native + 2 * at, 2);
        line->i32[x] = is_signed(frame) ? (int16_t)value : value;
      }
    }
    line = stream.exchange(line, component);
  }
  stream.flush();
  size_t used = (size_t)file.tell();
  if (used <= capacity) std::memcpy(out, file.get_data(), used);
  stream.close();
  return used <= capacity ? used : 0;
}

void decode_frame(const frame *frame, const uint8_t *coded, size_t size, uint8_t *raw) {
  const cas_pixel_format &f = frame->format;
  ojph::mem_infile file;
  file.open(coded, size);
  ojph::codestream stream;
  stream.read_headers(&file);
  stream.set_planar(f.samples_per_pixel != 3);
  stream.create();
  size_t done[4] = {0};
  for (size_t i = 0; i < (size_t)f.rows * f.samples_per_pixel; i++) {
    ojph::ui32 component = 0;
    ojph::line_buf *line = stream.pull(component);
    size_t y = done[component]++;
    for (size_t x = 0; x < f.columns; x++) {
      size_t at = word(f, x, y, component);
      uint16_t value = (uint16_t)line->i32[x];
      if (f.bits_allocated == 8)
        raw[at] = (uint8_t)value;
      else
        std::memcpy(raw + 2 * at, &value, 2);
    }
  }
  stream.close();
}

/* The library writes what it refuses to standard error, frame by frame; the table counts it. */
void be_quiet() {
  static FILE *nowhere = std::fopen("/dev/null", "w");
  if (nowhere != nullptr) ojph::set_error_stream(nowhere);
}

size_t encode(const frame *frame, uint8_t *out, size_t capacity) {
  be_quiet();
  if (frame->format.bits_allocated > 16) return 0;
  try {
    return encode_frame(frame, out, capacity);
  } catch (const std::exception &) {
    return 0;
  }
}

bool decode(const frame *frame, const uint8_t *coded, size_t size, uint8_t *raw) {
  try {
    decode_frame(frame, coded, size, raw);
    return true;
  } catch (const std::exception &) {
    return false;
  }
}

} // namespace

extern "C" const struct coder coder_openjph = {"OpenJPH", false, encode, decode, true};
