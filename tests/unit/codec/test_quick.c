/*
 * The quick coding gives back every frame that it takes, in every width of differences, and refuses what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "codec/codec.h"
#include "codec/quick.h"
#include "unit/codec/pixel_images.h"

static struct cas_pixel_format format_of(uint32_t rows, uint32_t columns) {
  return (struct cas_pixel_format){rows, columns, 1, 16, 12, 11, 0, 0, false};
}

/* Codes, decodes and compares; gives the size of the coding. */
static size_t round_trip(const struct cas_pixel_format *format, const uint8_t *raw, size_t size) {
  CLEANUP_BUFFER struct cas_buffer coded = {0};
  CLEANUP_FREE uint8_t *exact = NULL, *back = malloc(size + 1);
  assert_int_equal(quick_encode(format, slice_of(raw, size), &coded), CAS_OK);
  assert_true(coded.size <= QUICK_HEAD_BYTES + size + size / QUICK_BLOCK_BYTES);
  exact = malloc(coded.size); /* so that a sanitizer sees a read behind the end */
  assert_non_null(exact);
  memcpy(exact, coded.data, coded.size);
  assert_int_equal(quick_decode(slice_of(exact, coded.size), back, size), CAS_OK);
  assert_memory_equal(back, raw, size);
  struct cas_pixel_format known;
  assert_int_equal(quick_format(slice_of(exact, coded.size), &known), CAS_OK);
  assert_memory_equal(&known, format, offsetof(struct cas_pixel_format, big_endian) + 1); /* padding is behind it */
  return coded.size;
}

static void test_every_kind_of_image_comes_back(void **state) {
  (void)state;
  for (int kind = 0; kind < IMAGE_KINDS; kind++) {
    for (uint32_t columns = 1; columns < 300; columns += 37) {
      struct cas_pixel_format format = format_of(23, columns);
      CLEANUP_FREE uint8_t *raw = malloc(image_bytes(&format));
      assert_non_null(raw);
      image_fill(&format, (enum image_kind)kind, 7, raw);
      round_trip(&format, raw, image_bytes(&format));
    }
  }
}

/* A block whose largest difference takes `width` bits is as long as the page says. */
static void test_every_width(void **state) {
  (void)state;
  struct cas_pixel_format format = format_of(1, 128);
  for (unsigned width = 0; width <= QUICK_WIDTH_MAX; width++) {
    uint64_t seed = width;
    uint8_t raw[QUICK_BLOCK_BYTES];
    uint16_t word = 0;
    for (unsigned i = 0; i < 128; i++) {
      uint32_t folded = width == 0 ? 0 : image_random(&seed) & ((1u << width) - 1);
      if (i == 77 && width > 0) folded |= 1u << (width - 1);
      word = (uint16_t)(word + ((folded >> 1) ^ (0u - (folded & 1))));
      store_u16(raw + (size_t)2 * i, word);
    }
    assert_int_equal(round_trip(&format, raw, sizeof raw), QUICK_HEAD_BYTES + 1 + 16 * width);
  }
}

static void test_any_number_of_bytes(void **state) {
  (void)state;
  uint8_t raw[3 * QUICK_BLOCK_BYTES];
  uint64_t seed = 3;
  for (size_t i = 0; i < sizeof raw; i++) raw[i] = (uint8_t)image_random(&seed);
  struct cas_pixel_format format = format_of(1, 1);
  for (size_t size = 0; size <= sizeof raw; size++) round_trip(&format, raw, size);
}

static void test_what_is_no_coding_is_corrupt(void **state) {
  (void)state;
  struct cas_pixel_format format = format_of(40, 50);
  size_t size = image_bytes(&format);
  CLEANUP_FREE uint8_t *raw = malloc(size + QUICK_BLOCK_BYTES);
  CLEANUP_BUFFER struct cas_buffer coded = {0};
  image_fill(&format, IMAGE_SMOOTH, 7, raw);
  assert_int_equal(quick_encode(&format, slice_of(raw, size), &coded), CAS_OK);
  for (size_t cut = 0; cut < coded.size; cut++)
    assert_int_equal(quick_decode(slice_of(coded.data, cut), raw, size), CAS_CORRUPT);
  assert_int_equal(quick_decode(slice_of_buffer(&coded), raw, size - 1), CAS_CORRUPT);
  assert_int_equal(quick_decode(slice_of_buffer(&coded), raw, size + QUICK_BLOCK_BYTES), CAS_CORRUPT);
  coded.data[QUICK_HEAD_BYTES] = QUICK_WIDTH_MAX + 1;
  assert_int_equal(quick_decode(slice_of_buffer(&coded), raw, size), CAS_CORRUPT);
}

/* What the quick coding does not take, or does not make smaller, is said to be raw. */
static void test_the_choice(void **state) {
  (void)state;
  struct cas_pixel_format format = format_of(64, 64), bytes = format, swapped = format;
  bytes.bits_allocated = 8;
  bytes.columns = 128;
  swapped.big_endian = true;
  size_t size = image_bytes(&format);
  CLEANUP_FREE uint8_t *raw = malloc(size);
  CLEANUP_BUFFER struct cas_buffer payload = {0};
  enum codec_id id;
  image_fill(&format, IMAGE_NOISE, 7, raw);
  assert_int_equal(codec_encode_quickly(&format, slice_of(raw, size), &payload, &id), CAS_OK);
  assert_int_equal(id, CODEC_RAW);
  image_fill(&format, IMAGE_SMOOTH, 7, raw);
  assert_int_equal(codec_encode_quickly(&swapped, slice_of(raw, size), &payload, &id), CAS_OK);
  assert_int_equal(id, CODEC_RAW);
  assert_int_equal(codec_encode_quickly(&bytes, slice_of(raw, size), &payload, &id), CAS_OK);
  assert_int_equal(id, CODEC_RAW);
  assert_int_equal(payload.size, 0);
  assert_int_equal(codec_encode_quickly(&format, slice_of(raw, size), &payload, &id), CAS_OK);
  assert_int_equal(id, CODEC_QUICK);
  assert_true(payload.size < size);
}

/* What was put off becomes what it would have been at once. */
static void test_what_was_put_off_is_encoded(void **state) {
  (void)state;
  struct cas_pixel_format format = format_of(64, 64);
  size_t size = image_bytes(&format);
  CLEANUP_FREE uint8_t *raw = malloc(size + CODEC_TRAILER_BYTES);
  CLEANUP_BUFFER struct cas_buffer at_once = {0}, quick = {0}, later = {0};
  struct codec *codec;
  enum codec_id id;
  assert_int_equal(codec_create(&codec), CAS_OK);
  image_fill(&format, IMAGE_SMOOTH, 7, raw);
  assert_int_equal(codec_encode_pixels(&format, slice_of(raw, size), &at_once, &id), CAS_OK);
  assert_int_equal(codec_encode_quickly(&format, slice_of(raw, size), &quick, &id), CAS_OK);
  assert_true(codec_is_deferred(id));
  assert_int_equal(codec_encode_deferred(codec, id, slice_of_buffer(&quick), size, &later, &id), CAS_OK);
  assert_int_equal(id, CODEC_PIXEL);
  assert_true(slice_equal(slice_of_buffer(&later), slice_of_buffer(&at_once)));
  codec_make_trailer(&format, raw + size);
  struct cas_slice deferred = slice_of(raw, size + CODEC_TRAILER_BYTES);
  later.size = 0;
  assert_int_equal(codec_encode_deferred(codec, CODEC_DEFERRED, deferred, size, &later, &id), CAS_OK);
  assert_true(slice_equal(slice_of_buffer(&later), slice_of_buffer(&at_once)));
  assert_int_equal(codec_encode_deferred(codec, CODEC_DEFERRED, deferred, size - 1, &later, &id), CAS_CORRUPT);
  assert_int_equal(codec_encode_deferred(codec, CODEC_QUICK, slice_of_buffer(&quick), size - 1, &later, &id),
                   CAS_CORRUPT);
  image_fill(&format, IMAGE_NOISE, 7, raw);
  codec_make_trailer(NULL, raw + size);
  later.size = 0;
  assert_int_equal(codec_encode_deferred(codec, CODEC_DEFERRED, deferred, size, &later, &id), CAS_OK);
  assert_int_equal(id, CODEC_RAW);
  assert_true(slice_equal(slice_of_buffer(&later), slice_of(raw, size)));
  codec_destroy(codec);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_kind_of_image_comes_back),
      cmocka_unit_test(test_every_width),
      cmocka_unit_test(test_any_number_of_bytes),
      cmocka_unit_test(test_what_is_no_coding_is_corrupt),
      cmocka_unit_test(test_the_choice),
      cmocka_unit_test(test_what_was_put_off_is_encoded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
