/*
 * The decoder written from docs/format-pixel.md alone gives what the codec gives, and frames coded by every released
 * version of the format decode for ever (golden/).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "base/bytes.h"
#include "codec/pixel_format.h"
#include "codec/quick.h"
#include "unit/codec/pixel_images.h"

#define REFERENCE TEST_DATA "/../reference/pixel_decode.py"
#define GOLDEN TEST_DATA "/../unit/codec/golden"

struct example {
  struct cas_pixel_format format;
  enum image_kind kind;
  const char *name;
};

static const struct example examples[] = {
    {{50, 40, 1, 16, 12, 11, 0, 0, false}, IMAGE_SMOOTH, "smooth"},
    {{64, 64, 1, 16, 16, 15, 1, 0, false}, IMAGE_SMOOTH, "signed"},
    {{30, 31, 1, 16, 16, 15, 0, 0, true}, IMAGE_RAMP, "big-endian"},
    {{33, 29, 1, 16, 12, 11, 0, 0, false}, IMAGE_OVERLAY, "overlay"},
    {{60, 50, 3, 8, 8, 7, 0, 0, false}, IMAGE_SMOOTH, "colour"},
    {{20, 25, 3, 8, 8, 7, 0, 1, false}, IMAGE_SMOOTH, "planar"},
    {{26, 24, 1, 32, 20, 19, 0, 0, true}, IMAGE_SMOOTH, "wide"},
    {{80, 70, 1, 8, 8, 7, 0, 0, false}, IMAGE_CLIPPED, "clipped"},
    {{130, 100, 1, 16, 12, 11, 0, 0, false}, IMAGE_SMOOTH, "lanes"},
    {{3, 3, 1, 16, 16, 15, 0, 0, false}, IMAGE_NOISE, "raw"},
};
#define EXAMPLES (sizeof examples / sizeof *examples)

static uint8_t *image_of(const struct example *example) {
  uint8_t *raw = malloc(image_bytes(&example->format));
  assert_non_null(raw);
  image_fill(&example->format, example->kind, 42, raw);
  return raw;
}

/* Runs the reference decoder over `coded`; gives how many bytes it printed into `raw`. */
static size_t run_reference(const struct cas_buffer *coded, size_t size, const char *codec, uint8_t *raw) {
  char path[] = "/tmp/cassette-pixel-XXXXXX", command[1024];
  int file = mkstemp(path);
  assert_true(file >= 0);
  assert_int_equal(write(file, coded->data, coded->size), (ssize_t)coded->size);
  close(file);
  snprintf(command, sizeof command, "python3 '%s' '%s' %zu %s", REFERENCE, path, size, codec);
  FILE *pipe = popen(command, "r");
  assert_non_null(pipe);
  size_t got = fread(raw, 1, size + 1, pipe);
  int status = pclose(pipe);
  unlink(path);
  return status == 0 ? got : 0;
}

static void test_the_reference_decoder_agrees(void **state) {
  (void)state;
  if (system("command -v python3 >/dev/null") != 0) {
    print_message("skipped: no python3\n");
    skip();
  }
  unsigned modelled = 0;
  for (size_t i = 0; i < EXAMPLES; i++) {
    size_t size = image_bytes(&examples[i].format);
    CLEANUP_FREE uint8_t *raw = image_of(&examples[i]);
    CLEANUP_FREE uint8_t *back = calloc(1, size + 1);
    CLEANUP_BUFFER struct cas_buffer coded = {0};
    assert_int_equal(cas_pixel_encode(&examples[i].format, slice_of(raw, size), &coded), CAS_OK);
    if (coded.data[0] == PIXEL_METHOD_ZSTD) continue;
    assert_int_equal(run_reference(&coded, size, "", back), size);
    assert_memory_equal(back, raw, size);
    modelled += coded.data[0] == PIXEL_METHOD_MODEL;
    if (!quick_takes(&examples[i].format)) continue;
    coded.size = 0;
    assert_int_equal(quick_encode(&examples[i].format, slice_of(raw, size), &coded), CAS_OK);
    assert_int_equal(run_reference(&coded, size, "quick", back), size);
    assert_memory_equal(back, raw, size);
  }
  assert_true(modelled >= 7);
}

static void test_golden_frames_decode(void **state) {
  (void)state;
  for (size_t i = 0; i < EXAMPLES; i++) {
    char path[1024];
    uint8_t coded[32768];
    snprintf(path, sizeof path, "%s/pixel-%s.coded", GOLDEN, examples[i].name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t coded_size = fread(coded, 1, sizeof coded, file);
    fclose(file);
    size_t size = image_bytes(&examples[i].format);
    CLEANUP_FREE uint8_t *raw = image_of(&examples[i]);
    CLEANUP_FREE uint8_t *back = malloc(size);
    assert_int_equal(cas_pixel_decode(slice_of(coded, coded_size), back, size), CAS_OK);
    assert_memory_equal(back, raw, size);
  }
}

static void test_a_golden_quick_frame_decodes(void **state) {
  (void)state;
  const struct example *signed_image = &examples[1];
  uint8_t coded[32768];
  FILE *file = fopen(GOLDEN "/quick-signed.coded", "rb");
  assert_non_null(file);
  size_t coded_size = fread(coded, 1, sizeof coded, file);
  fclose(file);
  size_t size = image_bytes(&signed_image->format);
  CLEANUP_FREE uint8_t *raw = image_of(signed_image);
  CLEANUP_FREE uint8_t *back = malloc(size);
  assert_int_equal(quick_decode(slice_of(coded, coded_size), back, size), CAS_OK);
  assert_memory_equal(back, raw, size);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_reference_decoder_agrees),
      cmocka_unit_test(test_golden_frames_decode),
      cmocka_unit_test(test_a_golden_quick_frame_decodes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
