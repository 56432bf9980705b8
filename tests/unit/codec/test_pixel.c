/*
 * cas_pixel_encode and cas_pixel_decode: exact for every layout and content, never much larger, safe on damage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "cassette/pixel.h"
#include "codec/pixel_format.h"
#include "unit/codec/pixel_images.h"

static const uint32_t sizes[][2] = {{1, 1},  {1, 2},   {2, 1},   {3, 3},   {1, 100}, {100, 1},  {4, 5},
                                    {31, 7}, {33, 33}, {65, 40}, {40, 65}, {64, 64}, {129, 97}, {70, 300}};

static const struct cas_pixel_format words[] = {
    {.samples_per_pixel = 1, .bits_allocated = 8, .bits_stored = 8, .high_bit = 7},
    {.samples_per_pixel = 1, .bits_allocated = 16, .bits_stored = 12, .high_bit = 11},
    {.samples_per_pixel = 1, .bits_allocated = 16, .bits_stored = 12, .high_bit = 11, .pixel_representation = 1},
    {.samples_per_pixel = 1, .bits_allocated = 16, .bits_stored = 16, .high_bit = 15, .pixel_representation = 1},
    {.samples_per_pixel = 1, .bits_allocated = 16, .bits_stored = 10, .high_bit = 14, .big_endian = true},
    {.samples_per_pixel = 1, .bits_allocated = 32, .bits_stored = 32, .high_bit = 31},
    {.samples_per_pixel = 1, .bits_allocated = 32, .bits_stored = 20, .high_bit = 19, .big_endian = true},
    {.samples_per_pixel = 3, .bits_allocated = 8, .bits_stored = 8, .high_bit = 7},
    {.samples_per_pixel = 3, .bits_allocated = 8, .bits_stored = 8, .high_bit = 7, .planar_configuration = 1},
    {.samples_per_pixel = 3, .bits_allocated = 16, .bits_stored = 16, .high_bit = 15, .big_endian = true},
    {.samples_per_pixel = 3, .bits_allocated = 32, .bits_stored = 32, .high_bit = 31, .planar_configuration = 1},
    {.samples_per_pixel = 4, .bits_allocated = 8, .bits_stored = 8, .high_bit = 7},
};

static void encode(const struct cas_pixel_format *format, const uint8_t *raw, size_t size, struct cas_buffer *coded) {
  assert_int_equal(cas_pixel_encode(format, slice_of(raw, size), coded), CAS_OK);
  assert_true(coded->size <= size + CAS_PIXEL_OVERHEAD_MAX);
}

static void assert_decodes(const struct cas_buffer *coded, const uint8_t *raw, size_t size) {
  CLEANUP_FREE uint8_t *back = malloc(size + 1);
  memset(back, 0xa5, size + 1);
  assert_int_equal(cas_pixel_decode(slice_of_buffer(coded), back, size), CAS_OK);
  assert_memory_equal(back, raw, size);
  assert_int_equal(back[size], 0xa5);
}

static void test_every_layout_and_content_comes_back(void **state) {
  (void)state;
  unsigned modelled = 0;
  for (size_t w = 0; w < sizeof words / sizeof *words; w++)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
      for (unsigned kind = 0; kind < IMAGE_KINDS; kind++) {
        struct cas_pixel_format format = words[w];
        format.rows = sizes[s][0];
        format.columns = sizes[s][1];
        size_t size = image_bytes(&format);
        CLEANUP_FREE uint8_t *raw = malloc(size);
        CLEANUP_BUFFER struct cas_buffer coded = {0};
        image_fill(&format, (enum image_kind)kind, w * 1000 + s * 10 + kind, raw);
        encode(&format, raw, size, &coded);
        assert_decodes(&coded, raw, size);
        modelled += coded.data[0] == PIXEL_METHOD_MODEL;
      }
  /* Were everything kept as bytes, this test would say nothing about the model. */
  assert_true(modelled > 200);
}

static void test_smooth_images_beat_bytes(void **state) {
  (void)state;
  struct cas_pixel_format format = words[1];
  format.rows = format.columns = 128;
  CLEANUP_FREE uint8_t *raw = malloc(image_bytes(&format));
  CLEANUP_BUFFER struct cas_buffer coded = {0};
  image_fill(&format, IMAGE_SMOOTH, 1, raw);
  encode(&format, raw, image_bytes(&format), &coded);
  assert_int_equal(coded.data[0], PIXEL_METHOD_MODEL);
  assert_true(coded.size * 4 < image_bytes(&format));
}

static void test_noise_and_tiny_frames_hardly_grow(void **state) {
  (void)state;
  struct cas_pixel_format format = words[3];
  format.rows = format.columns = 256;
  CLEANUP_FREE uint8_t *raw = malloc(image_bytes(&format));
  CLEANUP_BUFFER struct cas_buffer coded = {0};
  image_fill(&format, IMAGE_NOISE, 7, raw);
  encode(&format, raw, image_bytes(&format), &coded);
  assert_true(coded.size <= image_bytes(&format) + 1);
  coded.size = 0;
  format.rows = format.columns = 3;
  encode(&format, raw, image_bytes(&format), &coded);
  assert_true(coded.size <= image_bytes(&format) + 1);
}

static void test_a_format_that_does_not_fit_is_coded_as_bytes(void **state) {
  (void)state;
  uint8_t raw[1001];
  memset(raw, 3, sizeof raw);
  struct cas_pixel_format format = words[1];
  static const uint32_t wrong[][2] = {{0, 0}, {0, 500}, {20, 25}, {UINT32_MAX, UINT32_MAX}, {1u << 31, 2}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CLEANUP_BUFFER struct cas_buffer coded = {0};
    format.rows = wrong[i][0];
    format.columns = wrong[i][1];
    encode(&format, raw, sizeof raw, &coded);
    assert_int_equal(coded.data[0], PIXEL_METHOD_ZSTD);
    assert_decodes(&coded, raw, sizeof raw);
  }
  CLEANUP_BUFFER struct cas_buffer nothing = {0};
  encode(&format, raw, 0, &nothing);
  assert_decodes(&nothing, raw, 0);
}

static void test_the_encoder_appends(void **state) {
  (void)state;
  struct cas_pixel_format format = words[1];
  format.rows = format.columns = 40;
  CLEANUP_FREE uint8_t *raw = malloc(image_bytes(&format));
  CLEANUP_BUFFER struct cas_buffer coded = {0};
  image_fill(&format, IMAGE_SMOOTH, 3, raw);
  assert_int_equal(cas_buffer_append(&coded, slice_of("before", 6)), CAS_OK);
  encode(&format, raw, image_bytes(&format), &coded);
  assert_memory_equal(coded.data, "before", 6);
  CLEANUP_FREE uint8_t *back = malloc(image_bytes(&format));
  assert_int_equal(cas_pixel_decode(slice_of(coded.data + 6, coded.size - 6), back, image_bytes(&format)), CAS_OK);
  assert_memory_equal(back, raw, image_bytes(&format));
}

/* P7: damaged bytes are an error or other pixels, never a crash; too few and too many are always an error. */
static void test_damaged_bytes_are_safe(void **state) {
  (void)state;
  struct cas_pixel_format format = words[1];
  format.rows = format.columns = 50;
  size_t size = image_bytes(&format);
  CLEANUP_FREE uint8_t *raw = malloc(size);
  CLEANUP_FREE uint8_t *back = malloc(size);
  CLEANUP_BUFFER struct cas_buffer coded = {0};
  image_fill(&format, IMAGE_SMOOTH, 5, raw);
  encode(&format, raw, size, &coded);
  assert_int_equal(coded.data[0], PIXEL_METHOD_MODEL);
  for (size_t cut = 0; cut < coded.size; cut++)
    assert_int_equal(cas_pixel_decode(slice_of(coded.data, cut), back, size), CAS_CORRUPT);
  assert_int_equal(cas_pixel_decode(slice_of_buffer(&coded), back, size - 2), CAS_CORRUPT);
  assert_int_equal(cas_pixel_decode(slice_of_buffer(&coded), back, 0), CAS_CORRUPT);
  for (size_t bit = 0; bit < coded.size * 8; bit += 3) {
    coded.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    cas_status status = cas_pixel_decode(slice_of_buffer(&coded), back, size);
    assert_true(status == CAS_OK || status == CAS_CORRUPT);
    coded.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  assert_int_equal(cas_buffer_append(&coded, slice_of("xx", 2)), CAS_OK);
  assert_int_equal(cas_pixel_decode(slice_of_buffer(&coded), back, size), CAS_CORRUPT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_layout_and_content_comes_back),
      cmocka_unit_test(test_smooth_images_beat_bytes),
      cmocka_unit_test(test_noise_and_tiny_frames_hardly_grow),
      cmocka_unit_test(test_a_format_that_does_not_fit_is_coded_as_bytes),
      cmocka_unit_test(test_the_encoder_appends),
      cmocka_unit_test(test_damaged_bytes_are_safe),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
