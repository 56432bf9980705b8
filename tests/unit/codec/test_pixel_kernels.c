/*
 * The AVX-512 kernels give just what plain C gives: whole frames, and blocks and rows of awkward widths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "codec/pixel_frame.h"
#include "unit/codec/pixel_images.h"

static const struct pixel_kernels *fast_or_skip(void) {
  const struct pixel_kernels *fast = pixel_kernels_avx512();
  if (fast == NULL) {
    print_message("skipped: this processor has no AVX-512 with VBMI2\n");
    skip();
  }
  return fast;
}

static void encode_with(const struct pixel_kernels *kernels, const struct cas_pixel_format *format,
                        struct cas_slice raw, struct cas_buffer *coded, bool *modelled) {
  assert_int_equal(pixel_frame_encode(kernels, format, raw, coded, modelled), CAS_OK);
}

static void compare_frame(const struct cas_pixel_format *format, enum image_kind kind) {
  const struct pixel_kernels *fast = pixel_kernels_avx512(), *plain = &pixel_kernels_plain;
  size_t size = image_bytes(format);
  CLEANUP_FREE uint8_t *raw = malloc(size);
  CLEANUP_FREE uint8_t *back = malloc(size);
  CLEANUP_BUFFER struct cas_buffer first = {0}, second = {0};
  bool first_modelled, second_modelled;
  image_fill(format, kind, format->rows * 31 + format->columns, raw);
  encode_with(plain, format, slice_of(raw, size), &first, &first_modelled);
  encode_with(fast, format, slice_of(raw, size), &second, &second_modelled);
  assert_int_equal(first_modelled, second_modelled);
  if (!first_modelled) return;
  assert_int_equal(first.size, second.size);
  assert_memory_equal(first.data, second.data, first.size);
  const struct pixel_kernels *both[] = {plain, fast};
  for (unsigned i = 0; i < 2; i++) {
    memset(back, 0, size);
    assert_int_equal(pixel_frame_decode(both[i], slice_of_buffer(&first), back, size), CAS_OK);
    assert_memory_equal(back, raw, size);
  }
}

static void test_frames_are_coded_alike(void **state) {
  (void)state;
  (void)fast_or_skip();
  static const uint32_t sizes[][2] = {{1, 1},   {5, 3},   {2, 31},   {40, 32},  {33, 63},   {70, 65},
                                      {64, 64}, {200, 3}, {3, 2500}, {90, 129}, {200, 200}, {256, 300}};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (unsigned kind = 0; kind < IMAGE_KINDS; kind++) {
      struct cas_pixel_format format = {.rows = sizes[s][0],
                                        .columns = sizes[s][1],
                                        .samples_per_pixel = 1,
                                        .bits_allocated = 16,
                                        .bits_stored = 12,
                                        .high_bit = 11};
      compare_frame(&format, (enum image_kind)kind);
      format.bits_stored = 16;
      format.high_bit = 15;
      format.pixel_representation = 1;
      compare_frame(&format, (enum image_kind)kind);
    }
}

/* Parameters that the encoder would not choose: random taps, thresholds, marks. */
static void random_plane(struct pixel_plane *plane, uint64_t *seed) {
  memset(plane, 0, sizeof *plane);
  plane->kind = image_random(seed) % 2 == 0 ? PIXEL_PLANE_MEDIAN : PIXEL_PLANE_LINEAR;
  plane->spike = (uint16_t)image_random(seed);
  plane->mark_shift = (uint8_t)(image_random(seed) % 16);
  plane->levels = (uint8_t)(1 + image_random(seed) % PIXEL_LEVELS_MAX);
  plane->classes = PIXEL_CLASSES_MAX;
  for (unsigned i = 0; i + 1 < plane->levels; i++)
    plane->thresholds[i] = (uint16_t)((i > 0 ? plane->thresholds[i - 1] : 0u) + image_random(seed) % 130);
  for (unsigned i = 0; i < PIXEL_CLASSES_MAX; i++) {
    for (unsigned j = 0; j < PIXEL_TAPS; j++) plane->class_of[i].taps[j] = (int16_t)(image_random(seed) % 256) - 128;
    plane->class_of[i].bias = (int16_t)(image_random(seed) % 256) - 128;
  }
  for (unsigned i = 0; i < pixel_chain_length(plane); i++) plane->cluster_of[i] = (uint8_t)(image_random(seed) % 16);
}

static void test_blocks_are_restored_alike(void **state) {
  (void)state;
  const struct pixel_kernels *fast = fast_or_skip();
  uint64_t seed = 11;
  for (unsigned round = 0; round < 400; round++) {
    struct pixel_plane plane;
    random_plane(&plane, &seed);
    struct pixel_block block = {.plane = &plane,
                                .first_row = image_random(&seed) % 2 * 32,
                                .rows = 1 + image_random(&seed) % PIXEL_BLOCK_ROWS,
                                .columns = 1 + image_random(&seed) % 150};
    block.stride = block.columns + 2 * PIXEL_MARGIN;
    size_t cells = (PIXEL_BLOCK_ROWS + 2) * block.stride;
    CLEANUP_FREE uint16_t *codes = malloc(cells * 2);
    CLEANUP_FREE uint8_t *contexts = malloc(cells);
    CLEANUP_FREE uint16_t *first = malloc(cells * 2);
    CLEANUP_FREE uint16_t *second = malloc(cells * 2);
    uint16_t *samples[2] = {first, second};
    for (size_t i = 0; i < cells; i++) {
      codes[i] = image_random(&seed) % 5 == 0 ? 0xffff : (uint16_t)image_random(&seed);
      contexts[i] = (uint8_t)(image_random(&seed) % (PIXEL_CLASSES_MAX + 1) << 4);
      samples[0][i] = block.first_row == 0 ? 0 : (uint16_t)image_random(&seed);
      samples[1][i] = samples[0][i];
    }
    block.codes = codes + PIXEL_MARGIN;
    block.contexts = contexts + PIXEL_MARGIN;
    for (unsigned k = 0; k < 2; k++) {
      block.samples = samples[k] + 2 * block.stride + PIXEL_MARGIN;
      /* Rows above are closed, as every restored row is. */
      for (unsigned i = 1; i <= 2; i++) {
        uint16_t *row = block.samples - i * block.stride;
        row[block.columns] = row[block.columns - 1];
      }
      (k == 0 ? &pixel_kernels_plain : fast)->restore(&block);
    }
    for (uint32_t i = 0; i < block.rows; i++) {
      size_t at = (2 + i) * block.stride + PIXEL_MARGIN - 2;
      assert_memory_equal(samples[0] + at, samples[1] + at, (block.columns + 3) * 2);
    }
  }
}

static void test_contexts_and_residuals_are_found_alike(void **state) {
  (void)state;
  const struct pixel_kernels *fast = fast_or_skip();
  enum { CELLS = 700 };
  uint64_t seed = 23;
  for (unsigned round = 0; round < 500; round++) {
    struct pixel_plane plane;
    struct pixel_context_map map;
    random_plane(&plane, &seed);
    pixel_context_map_fill(&map, &plane, round % 2 == 0);
    uint16_t marks[2][CELLS], rows[3][CELLS], out[2][2][CELLS] = {{{0}}};
    uint8_t class_of_chain[128], values[2][CELLS] = {{0}}, tokens[2][CELLS] = {{0}}, chain[CELLS];
    for (unsigned i = 0; i < CELLS; i++) {
      for (unsigned k = 0; k < 2; k++)
        marks[k][i] = image_random(&seed) % 3 == 0 ? PIXEL_MARK_SPIKE : (uint16_t)(image_random(&seed) % 256);
      for (unsigned k = 0; k < 3; k++)
        rows[k][i] = image_random(&seed) % 4 == 0 ? plane.spike : (uint16_t)image_random(&seed);
      chain[i] = (uint8_t)(image_random(&seed) % PIXEL_CHAIN_MAX);
    }
    for (unsigned i = 0; i < 128; i++) class_of_chain[i] = (uint8_t)(image_random(&seed) % (PIXEL_CLASSES_MAX + 1));
    uint32_t columns = 1 + image_random(&seed) % 400;
    bool coded[2];
    for (unsigned k = 0; k < 2; k++) {
      const struct pixel_kernels *kernels = k == 0 ? &pixel_kernels_plain : fast;
      kernels->contexts(&map, marks[0] + PIXEL_MARGIN, marks[1] + PIXEL_MARGIN, columns, values[k]);
      struct pixel_forward forward = {.plane = &plane,
                                      .class_of_chain = class_of_chain,
                                      .chain = chain,
                                      .row = rows[0] + PIXEL_MARGIN,
                                      .above = {rows[1] + PIXEL_MARGIN, rows[2] + PIXEL_MARGIN},
                                      .columns = columns,
                                      .codes = out[k][0],
                                      .marks = out[k][1],
                                      .tokens = tokens[k]};
      coded[k] = kernels->forward(&forward);
    }
    assert_int_equal(coded[0], coded[1]);
    assert_memory_equal(values[0], values[1], CELLS);
    assert_memory_equal(tokens[0], tokens[1], CELLS);
    assert_memory_equal(out[0][0], out[1][0], columns * 2);
    assert_memory_equal(out[0][1], out[1][1], columns * 2);
    struct pixel_range plain_range = pixel_kernels_plain.range(rows[0], columns), range = fast->range(rows[0], columns);
    assert_memory_equal(&plain_range, &range, sizeof range);
  }
}

/* A stream of random words decodes to the same codes, states and failure. */
static void test_any_stream_is_read_alike(void **state) {
  (void)state;
  const struct pixel_kernels *fast = fast_or_skip();
  uint64_t seed = 5;
  CLEANUP_FREE pixel_slot *slots = malloc(16 * PIXEL_PROBABILITY_ONE * sizeof *slots);
  for (unsigned round = 0; round < 300; round++) {
    struct pixel_plane plane = {.clusters = 16, .tokens = PIXEL_TOKENS};
    for (unsigned c = 0; c < 16; c++)
      for (unsigned i = 0; i < PIXEL_TOKENS; i++)
        plane.weights[c][i] = (uint8_t)(image_random(&seed) % 4 == 0 ? 0 : 1 + image_random(&seed) % 40);
    pixel_slots_fill(&plane, slots);
    uint8_t stream[600], contexts[300];
    uint16_t codes[2][300 + PIXEL_MARGIN] = {{0}}, marks[2][300 + PIXEL_MARGIN] = {{0}};
    for (unsigned i = 0; i < sizeof stream; i++) stream[i] = (uint8_t)image_random(&seed);
    for (unsigned i = 0; i < 32; i++) stream[4 * i + 3] |= 1;
    for (unsigned i = 0; i < sizeof contexts; i++) contexts[i] = (uint8_t)image_random(&seed);
    struct pixel_reader readers[2];
    size_t size = 128 + image_random(&seed) % (sizeof stream - 128);
    unsigned lanes_log2 = 3 + round % 3;
    uint32_t columns = 1 + image_random(&seed) % 300;
    for (unsigned k = 0; k < 2; k++) {
      assert_true(pixel_reader_init(&readers[k], slice_of(stream, size), lanes_log2));
      (k == 0 ? &pixel_kernels_plain : fast)
          ->read_row(&readers[k], slots, columns, contexts, round % 4, codes[k], marks[k]);
    }
    assert_int_equal(readers[0].failed, readers[1].failed);
    assert_memory_equal(readers[0].states, readers[1].states, 4u << lanes_log2);
    assert_int_equal(readers[0].end - readers[0].next, readers[1].end - readers[1].next);
    assert_memory_equal(codes[0], codes[1], columns * 2);
    assert_memory_equal(marks[0], marks[1], columns * 2);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_frames_are_coded_alike),
      cmocka_unit_test(test_blocks_are_restored_alike),
      cmocka_unit_test(test_contexts_and_residuals_are_found_alike),
      cmocka_unit_test(test_any_stream_is_read_alike),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
