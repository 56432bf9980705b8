#include "dicom/image_geometry.h"

enum {
  TAG_SAMPLES_PER_PIXEL = 0x00280002,
  TAG_PHOTOMETRIC_INTERPRETATION = 0x00280004,
  TAG_PLANAR_CONFIGURATION = 0x00280006,
  TAG_NUMBER_OF_FRAMES = 0x00280008,
  TAG_ROWS = 0x00280010,
  TAG_COLUMNS = 0x00280011,
  TAG_BITS_ALLOCATED = 0x00280100,
  TAG_BITS_STORED = 0x00280101,
  TAG_HIGH_BIT = 0x00280102,
  TAG_PIXEL_REPRESENTATION = 0x00280103,
};

bool image_geometry_wants(uint32_t tag, char vr[2]) {
  const char *name = "US";
  switch (tag) {
  case TAG_PHOTOMETRIC_INTERPRETATION: name = "CS"; break;
  case TAG_NUMBER_OF_FRAMES: name = "IS"; break;
  case TAG_SAMPLES_PER_PIXEL:
  case TAG_PLANAR_CONFIGURATION:
  case TAG_ROWS:
  case TAG_COLUMNS:
  case TAG_BITS_ALLOCATED:
  case TAG_BITS_STORED:
  case TAG_HIGH_BIT:
  case TAG_PIXEL_REPRESENTATION: break;
  default: return false;
  }
  vr[0] = name[0];
  vr[1] = name[1];
  return true;
}

static bool value_contains(const struct raw_value *value, const char *text) {
  return memmem(value->bytes.data, value->bytes.size, text, strlen(text)) != NULL;
}

void image_geometry_take(struct image_geometry *geometry, uint32_t tag, const struct raw_value *value) {
  if (value->bytes.size == 0) return;
  uint64_t number = 0;
  bool is_number = value_to_number(value, &number);
  switch (tag) {
  case TAG_PHOTOMETRIC_INTERPRETATION: geometry->is_subsampled = value_contains(value, "_422"); return;
  case TAG_NUMBER_OF_FRAMES:
    geometry->has_frames = true;
    geometry->frames_is_wrong = !is_number;
    geometry->frames = number;
    return;
  case TAG_SAMPLES_PER_PIXEL: geometry->samples_per_pixel = number; return;
  case TAG_PLANAR_CONFIGURATION: geometry->planar_configuration = number; return;
  case TAG_ROWS: geometry->rows = number; return;
  case TAG_COLUMNS: geometry->columns = number; return;
  case TAG_BITS_ALLOCATED: geometry->bits_allocated = number; return;
  case TAG_BITS_STORED: geometry->bits_stored = number; return;
  case TAG_HIGH_BIT: geometry->high_bit = number; return;
  case TAG_PIXEL_REPRESENTATION: geometry->pixel_representation = number; return;
  default: return;
  }
}

/* Bits of one sample; the float elements state theirs by their VR. */
static uint64_t sample_bits(const struct image_geometry *geometry, uint32_t tag) {
  if (tag == TAG_FLOAT_PIXEL_DATA) return 32;
  if (tag == TAG_DOUBLE_FLOAT_PIXEL_DATA) return 64;
  return geometry->bits_allocated;
}

/* Samples per Pixel is 1 where it is absent: old files leave it out. */
static uint64_t samples(const struct image_geometry *geometry) {
  return geometry->samples_per_pixel == 0 ? 1 : geometry->samples_per_pixel;
}

bool image_geometry_format(const struct image_geometry *geometry, uint32_t tag, bool big_endian,
                           struct cas_pixel_format *format) {
  uint64_t bits = sample_bits(geometry, tag);
  if (geometry->rows == 0 || geometry->rows > UINT16_MAX) return false;
  if (geometry->columns == 0 || geometry->columns > UINT16_MAX) return false;
  if (samples(geometry) > UINT16_MAX || bits == 0 || bits > 64 || bits % 8 != 0) return false;
  if (geometry->is_subsampled && samples(geometry) == 3) return false;
  uint64_t stored = geometry->bits_stored;
  if (tag != TAG_PIXEL_DATA || stored == 0 || stored > bits) stored = bits;
  uint64_t high_bit = geometry->high_bit;
  if (high_bit < stored - 1 || high_bit >= bits) high_bit = stored - 1;
  *format = (struct cas_pixel_format){
      .rows = (uint32_t)geometry->rows,
      .columns = (uint32_t)geometry->columns,
      .samples_per_pixel = (uint16_t)samples(geometry),
      .bits_allocated = (uint16_t)bits,
      .bits_stored = (uint16_t)stored,
      .high_bit = (uint16_t)high_bit,
      .pixel_representation = tag == TAG_PIXEL_DATA && geometry->pixel_representation == 1,
      .planar_configuration = samples(geometry) > 1 && geometry->planar_configuration == 1,
      .big_endian = big_endian,
  };
  return true;
}

bool image_geometry_fits(const struct image_geometry *geometry, uint32_t tag, uint64_t size) {
  uint64_t bits = sample_bits(geometry, tag);
  uint64_t frames = geometry->has_frames ? geometry->frames : 1;
  if (geometry->frames_is_wrong || geometry->rows == 0 || geometry->columns == 0 || bits == 0) return false;
  uint64_t samples_stated = geometry->is_subsampled && samples(geometry) == 3 ? 2 : samples(geometry);
  uint64_t total;
  if (__builtin_mul_overflow(geometry->rows, geometry->columns, &total)) return false;
  if (__builtin_mul_overflow(total, samples_stated, &total)) return false;
  if (__builtin_mul_overflow(total, bits, &total)) return false;
  if (__builtin_mul_overflow(total, frames, &total)) return false;
  uint64_t bytes = total / 8 + (total % 8 != 0);
  return size == bytes || size == bytes + bytes % 2;
}
