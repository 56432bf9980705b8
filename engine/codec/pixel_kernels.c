/*
 * The inner loops in plain C, and the choice of kernels.
 */
#include "codec/pixel_kernels.h"

#include "codec/pixel_predict.h"

void pixel_context_map_fill(struct pixel_context_map *map, const struct pixel_plane *plane, bool clustered) {
  unsigned start = 0;
  for (unsigned level = 0; level < plane->levels; level++) {
    unsigned end = level + 1u < plane->levels ? plane->thresholds[level] : 0x800;
    memset(map->level_of + start, (int)level, end - start);
    start = end;
    for (unsigned spikes = 0; spikes < 8; spikes++) {
      unsigned chain = pixel_plane_chain_at(plane, spikes, level);
      unsigned value = clustered ? plane->cluster_of[chain] | (unsigned)plane->class_of_level[level] << 4 : chain;
      map->value_of[spikes * 16 + level] = (uint8_t)value;
    }
  }
  memset(map->thresholds, 0xff, sizeof map->thresholds);
  memcpy(map->thresholds, plane->thresholds, (plane->levels - 1u) * sizeof *map->thresholds);
}

static struct pixel_range range(const uint16_t *samples, size_t count) {
  struct pixel_range found = {UINT16_MAX, 0, INT16_MAX, INT16_MIN};
  for (size_t i = 0; i < count; i++) {
    int16_t value = (int16_t)samples[i];
    found.low = samples[i] < found.low ? samples[i] : found.low;
    found.high = samples[i] > found.high ? samples[i] : found.high;
    found.signed_low = value < found.signed_low ? value : found.signed_low;
    found.signed_high = value > found.signed_high ? value : found.signed_high;
  }
  return found;
}

static void contexts(const struct pixel_context_map *map, const uint16_t *above2, const uint16_t *above,
                     uint32_t columns, uint8_t *values) {
  for (ptrdiff_t x = 0; x < (ptrdiff_t)columns; x++) {
    unsigned sum = 2u * above[x] + above[x - 1] + above[x + 1] + above[x - 2] + above[x + 2] + above2[x];
    values[x] = map->value_of[(sum >> 11) << 4 | map->level_of[sum & 0x7ff]];
  }
}

static const struct pixel_class class_left = {.taps = {0}, .bias = 0};

static inline uint16_t predict(const struct pixel_plane *plane, const uint16_t *row, struct pixel_rows above,
                               unsigned class_index, ptrdiff_t x) {
  const uint16_t *n = above.above;
  if (plane->kind == PIXEL_PLANE_MEDIAN) return pixel_predict_median(row[x - 1], n[x], n[x - 1]);
  const struct pixel_class *class = class_index < PIXEL_CLASSES_MAX ? &plane->class_of[class_index] : &class_left;
  return pixel_predict_linear(class, row[x - 1], n[x], n[x - 1], n[x + 1], row[x - 2], above.above2[x]);
}

static bool forward(const struct pixel_forward *f) {
  unsigned lost = 0;
  for (uint32_t x = 0; x < f->columns; x++) {
    uint16_t predicted = predict(f->plane, f->row, f->above, f->class_of_chain[f->chain[x]], x);
    uint16_t code = pixel_code_of((uint16_t)(f->row[x] - predicted));
    bool is_spike = f->row[x] == f->plane->spike;
    lost |= !is_spike & (code == PIXEL_CODE_SPIKE);
    f->codes[x] = is_spike ? (uint16_t)PIXEL_CODE_SPIKE : code;
    f->marks[x] = pixel_mark_of(f->codes[x], f->plane->mark_shift);
    f->tokens[x] = (uint8_t)pixel_token_of(f->codes[x]);
  }
  return lost == 0;
}

static void read_row(struct pixel_reader *reader, const pixel_slot *slots, uint32_t columns,
                     const uint8_t *row_contexts, unsigned mark_shift, uint16_t *codes, uint16_t *marks) {
  uint32_t lanes = 1u << reader->lanes_log2;
  for (uint32_t x = 0; x < columns; x += lanes) {
    if (!pixel_reader_ready(reader)) return;
    uint32_t count = columns - x < lanes ? columns - x : lanes;
    pixel_reader_group(reader, slots, count, row_contexts + x, mark_shift, codes + x, marks + x);
  }
}

static void restore(const struct pixel_block *block) {
  for (uint32_t i = 0; i < block->rows; i++) {
    uint16_t *row = block->samples + i * block->stride;
    const uint16_t *codes = block->codes + i * block->stride;
    const uint8_t *row_contexts = block->contexts + i * block->stride;
    struct pixel_rows above = {.above = row - block->stride};
    above.above2 = block->first_row + i == 1 ? above.above : above.above - block->stride;
    pixel_row_open(row, above.above);
    for (uint32_t x = 0; x < block->columns; x++) {
      uint16_t sample =
          (uint16_t)(predict(block->plane, row, above, row_contexts[x] >> 4, x) + pixel_residual_of(codes[x]));
      row[x] = codes[x] == PIXEL_CODE_SPIKE ? block->plane->spike : sample;
    }
    pixel_row_close(row, block->columns);
  }
}

static void write_row(struct pixel_writer *writer, const pixel_symbol *symbols, const uint8_t *cluster_of,
                      uint32_t columns, const uint16_t *codes, const uint8_t *tokens, const uint8_t *chain) {
  uint32_t lanes = 1u << writer->lanes_log2;
  for (uint32_t x = (columns - 1) & ~(lanes - 1);; x -= lanes) {
    uint32_t count = columns - x < lanes ? columns - x : lanes;
    pixel_writer_group(writer, symbols, cluster_of, count, codes + x, tokens + x, chain + x);
    if (x == 0) break;
  }
}

const struct pixel_kernels pixel_kernels_plain = {
    .name = "plain",
    .range = range,
    .contexts = contexts,
    .forward = forward,
    .read_row = read_row,
    .restore = restore,
    .write_row = write_row,
};

const struct pixel_kernels *pixel_kernels_best(void) {
  const struct pixel_kernels *kernels = pixel_kernels_avx512();
  return kernels != NULL ? kernels : &pixel_kernels_plain;
}
