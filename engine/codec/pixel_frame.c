/*
 * Frames of planes: the encoder's and the decoder's way through rows.
 *
 * Invariants
 *  1. Contexts of a row come from marks of the two rows above alone, so a row's contexts are known before any of its
 *     residuals; that is what lets a row be decoded many pixels at a time.
 *  2. The decoder's memory is at most a few rows more than some multiple of the stated raw size.
 */
#include "codec/pixel_frame.h"

#include "base/bytes.h"
#include "codec/pixel_bits.h"
#include "codec/pixel_kernels.h"
#include "codec/pixel_model.h"
#include "codec/pixel_predict.h"

/* Room for the parameters of a plane: 16 clusters of 65 weights at 13 bits and less than 200 bytes besides. */
#define PARAMETER_BYTES_MAX 2048u

#define LAYOUT_BYTES_MAX 16u

static size_t layout_write(const struct pixel_layout *layout, uint8_t *out) {
  struct pixel_bits bits = {.out = out, .size = LAYOUT_BYTES_MAX};
  pixel_bits_put(&bits, layout->word_bytes >> 1, 2);
  pixel_bits_put(&bits, layout->samples, 2);
  pixel_bits_put(&bits, layout->planar, 1);
  pixel_bits_put(&bits, layout->big_endian, 1);
  pixel_bits_put(&bits, layout->subtract, 1);
  pixel_bits_put(&bits, layout->split, 5);
  pixel_bits_put_golomb(&bits, layout->rows, 8);
  pixel_bits_put_golomb(&bits, layout->columns, 8);
  return pixel_bits_bytes(&bits);
}

static size_t layout_parse(struct pixel_layout *layout, struct cas_slice coded, size_t raw_size) {
  struct pixel_bits bits = {.in = coded.data, .size = coded.size};
  uint32_t word = pixel_bits_get(&bits, 2);
  *layout = (struct pixel_layout){.word_bytes = (uint8_t)(word == 3 ? 0 : 1u << word)};
  layout->samples = (uint8_t)pixel_bits_get(&bits, 2);
  layout->planar = pixel_bits_get(&bits, 1);
  layout->big_endian = pixel_bits_get(&bits, 1);
  layout->subtract = pixel_bits_get(&bits, 1);
  layout->split = (uint8_t)pixel_bits_get(&bits, 5);
  layout->rows = pixel_bits_get_golomb(&bits, 8);
  layout->columns = pixel_bits_get_golomb(&bits, 8);
  if (bits.failed || !pixel_layout_valid(layout, raw_size)) return 0;
  return pixel_bits_bytes(&bits);
}

/* Rows of 16 bit elements with margins, cut from one allocation that begins as zeros. */
struct rows {
  uint16_t *memory;
  size_t stride;
};

static void rows_fini(struct rows *rows) { free(rows->memory); }
#define CLEANUP_ROWS __attribute__((cleanup(rows_fini)))

static bool rows_init(struct rows *rows, uint32_t columns, uint32_t count) {
  rows->stride = (size_t)columns + 2 * PIXEL_MARGIN;
  rows->memory = calloc(count * rows->stride, sizeof *rows->memory);
  return rows->memory != NULL;
}

static uint16_t *rows_at(const struct rows *rows, uint32_t index) {
  return rows->memory + index * rows->stride + PIXEL_MARGIN;
}

/* Of three rows in turn, the one `back` rows above row `y`; those above the plane are zeros as they began. */
static uint16_t *ring_at(const struct rows *rows, uint32_t y, unsigned back) {
  return rows_at(rows, (y + 3 - back) % 3);
}

/* What an encoder keeps of a plane between its passes. */
struct plane_work {
  const struct pixel_kernels *kernels;
  struct pixel_plane plane;
  uint32_t rows;
  uint32_t columns;
  uint16_t *samples; /* then residual codes, in place */
  uint8_t *tokens;
  uint8_t *chain;              /* positions in the chain, then clusters */
  struct pixel_counts *counts; /* two */
};

/* Two tables in turn: a count that was just written is slow to read again, and flat regions repeat theirs. */
static void count_row(struct pixel_counts counts[2], const uint8_t *tokens, const uint8_t *chain, uint32_t columns) {
  uint32_t x = 0;
  for (; x + 1 < columns; x += 2) {
    counts[0].of[chain[x]][tokens[x]]++;
    counts[1].of[chain[x + 1]][tokens[x + 1]]++;
  }
  if (x < columns) counts[0].of[chain[x]][tokens[x]]++;
}

static void counts_add(struct pixel_counts counts[2]) {
  for (unsigned i = 0; i < PIXEL_CHAIN_MAX; i++)
    for (unsigned t = 0; t < PIXEL_TOKENS; t++) counts[0].of[i][t] += counts[1].of[i][t];
}

static void class_of_chain_fill(const struct pixel_plane *plane, uint8_t class_of_chain[128]) {
  memset(class_of_chain, 0, 128);
  for (unsigned spikes = 0; spikes < 7; spikes++)
    for (unsigned level = 0; level < plane->levels; level++)
      class_of_chain[pixel_plane_chain_at(plane, spikes, level)] = plane->class_of_level[level];
  class_of_chain[0] = PIXEL_CLASSES_MAX;
}

/* Replaces samples by residual codes and finds the context of each. `*modelled` is false where one has no code. */
static cas_status find_residuals(struct plane_work *work, bool *modelled) {
  CLEANUP_ROWS struct rows pixels = {0}, marks = {0};
  if (!rows_init(&pixels, work->columns, 3) || !rows_init(&marks, work->columns, 3)) return CAS_NO_MEMORY;
  const struct pixel_plane *plane = &work->plane;
  struct pixel_context_map map;
  uint8_t class_of_chain[128];
  pixel_context_map_fill(&map, plane, false);
  class_of_chain_fill(plane, class_of_chain);
  *modelled = true;
  for (uint32_t y = 0; y < work->rows && *modelled; y++) {
    uint8_t *chain = work->chain + (size_t)y * work->columns;
    uint16_t *row = ring_at(&pixels, y, 0);
    struct pixel_forward forward = {
        .plane = plane,
        .class_of_chain = class_of_chain,
        .chain = chain,
        .row = row,
        .above = {.above = ring_at(&pixels, y, 1), .above2 = ring_at(&pixels, y, y == 1 ? 1 : 2)},
        .columns = work->columns,
        .codes = work->samples + (size_t)y * work->columns,
        .marks = ring_at(&marks, y, 0),
        .tokens = work->tokens + (size_t)y * work->columns,
    };
    pixel_row_rebase(row, forward.codes, work->columns, plane->base);
    pixel_row_open(row, forward.above.above);
    pixel_row_close(row, work->columns);
    if (y == 0)
      memset(chain, 0, work->columns);
    else
      work->kernels->contexts(&map, ring_at(&marks, y, 2), ring_at(&marks, y, 1), work->columns, chain);
    *modelled = work->kernels->forward(&forward);
    memset(forward.marks + work->columns, 0, PIXEL_MARGIN * sizeof *forward.marks);
    count_row(work->counts, forward.tokens, chain, work->columns);
  }
  return CAS_OK;
}

/* Codes residuals into [out, end), from its start. Gives the bytes used, 0 where they do not fit. */
static size_t code_residuals(struct plane_work *work, uint8_t *out, uint8_t *end) {
  struct pixel_plane *plane = &work->plane;
  counts_add(work->counts);
  pixel_model_cluster(plane, work->counts);
  size_t parameters = pixel_plane_write(plane, out, (size_t)(end - out));
  pixel_symbol symbols[PIXEL_CLUSTERS_MAX * 128];
  if (parameters == 0 || !pixel_symbols_fill(plane, symbols)) return 0;
  struct pixel_writer writer;
  pixel_writer_init(&writer, plane->lanes_log2, out + parameters, end);
  size_t groups = (work->columns >> plane->lanes_log2) + 1;
  for (uint32_t y = work->rows; y-- > 0;) {
    if ((size_t)(writer.next - writer.start) < groups * (PIXEL_GROUP_BYTES >> (5 - plane->lanes_log2)) + 64) return 0;
    size_t at = (size_t)y * work->columns;
    work->kernels->write_row(&writer, symbols, plane->cluster_of, work->columns, work->samples + at, work->tokens + at,
                             work->chain + at);
  }
  uint8_t *coded = pixel_writer_finish(&writer);
  if (coded == NULL) return 0;
  memmove(out + parameters, coded, (size_t)(end - coded));
  return parameters + (size_t)(end - coded);
}

/* Encodes one plane into [out, end). `*used` is 0 where it cannot be modelled in that space. */
static cas_status encode_plane(const struct pixel_layout *layout, struct pixel_part part, const uint8_t *raw,
                               struct plane_work *work, uint8_t *out, uint8_t *end, size_t *used) {
  *used = 0;
  for (uint32_t y = 0; y < layout->rows; y++)
    pixel_layout_load(layout, part, raw, y, work->samples + (size_t)y * layout->columns);
  memset(&work->plane, 0, sizeof work->plane);
  pixel_model_range(&work->plane, work->kernels, work->samples, (size_t)layout->rows * layout->columns);
  if (work->plane.kind == PIXEL_PLANE_CONSTANT) {
    *used = pixel_plane_write(&work->plane, out, (size_t)(end - out));
    return CAS_OK;
  }
  cas_status status = pixel_model_fit(&work->plane, work->kernels, work->samples, layout->rows, layout->columns,
                                      (uint16_t *)(void *)work->tokens);
  if (status != CAS_OK) return status;
  memset(work->counts, 0, 2 * sizeof *work->counts);
  bool modelled;
  status = find_residuals(work, &modelled);
  if (status == CAS_OK && modelled) *used = code_residuals(work, out, end);
  return status;
}

/* The most that one row of a plane can take: the writer wants that much room before each row. */
static size_t row_bytes_max(const struct pixel_layout *layout) { return 4 * (size_t)layout->columns + 512; }

cas_status pixel_frame_encode(const struct pixel_kernels *kernels, const struct cas_pixel_format *format,
                              struct cas_slice raw, struct cas_buffer *coded, bool *modelled) {
  struct pixel_layout layout;
  *modelled = false;
  if (!pixel_layout_choose(&layout, format, raw)) return CAS_OK;
  size_t count = (size_t)layout.rows * layout.columns;
  /* One allocation of samples, tokens and contexts: it is large, and costs page faults each time. */
  CLEANUP_FREE uint8_t *memory = malloc(4 * count);
  CLEANUP_FREE struct pixel_counts *counts = malloc(2 * sizeof *counts);
  if (memory == NULL || counts == NULL) return CAS_NO_MEMORY;
  size_t space = raw.size + LAYOUT_BYTES_MAX + PARAMETER_BYTES_MAX + row_bytes_max(&layout);
  cas_status status = cas_buffer_reserve(coded, coded->size + space);
  if (status != CAS_OK) return status;
  uint8_t *out = coded->data + coded->size;
  uint8_t *end = out + space;
  out += layout_write(&layout, out);
  struct plane_work work = {
      .kernels = kernels,
      .rows = layout.rows,
      .columns = layout.columns,
      .samples = (uint16_t *)(void *)memory,
      .tokens = memory + 2 * count,
      .chain = memory + 3 * count,
      .counts = counts,
  };
  unsigned parts = pixel_layout_parts(&layout);
  for (unsigned i = 0; i < parts; i++) {
    bool last = i + 1 == parts;
    if (!last) out += 4;
    if (out >= end) return CAS_OK;
    size_t used;
    status = encode_plane(&layout, pixel_layout_part(&layout, i), raw.data, &work, out, end, &used);
    if (status != CAS_OK || used == 0) return status;
    if (!last) store_u32(out - 4, (uint32_t)used);
    out += used;
  }
  size_t total = (size_t)(out - coded->data) - coded->size;
  if (total >= raw.size) return CAS_OK;
  coded->size += total;
  *modelled = true;
  return CAS_OK;
}

/* What the decoder of a plane needs besides its parameters. */
struct plane_reader {
  const struct pixel_kernels *kernels;
  struct pixel_reader reader;
  struct rows samples; /* two rows above, then those of a block */
  struct rows codes;   /* those of a block */
  struct rows marks;   /* three in turn */
  uint8_t *contexts;   /* those of a block */
  pixel_slot *slots;
};

static void plane_reader_fini(struct plane_reader *work) {
  rows_fini(&work->samples);
  rows_fini(&work->codes);
  rows_fini(&work->marks);
  free(work->contexts);
  free(work->slots);
}

static bool plane_reader_init(struct plane_reader *work, const struct pixel_plane *plane, uint32_t block_rows,
                              uint32_t columns) {
  if (!rows_init(&work->samples, columns, 2 + block_rows) || !rows_init(&work->codes, columns, block_rows) ||
      !rows_init(&work->marks, columns, 3))
    return false;
  work->contexts = calloc(block_rows, work->codes.stride);
  work->slots = malloc((size_t)plane->clusters * PIXEL_PROBABILITY_ONE * sizeof *work->slots);
  return work->contexts != NULL && work->slots != NULL;
}

static void read_block(struct plane_reader *work, const struct pixel_context_map *map,
                       const struct pixel_block *block) {
  const struct pixel_plane *plane = block->plane;
  for (uint32_t i = 0; i < block->rows; i++) {
    uint32_t y = block->first_row + i;
    uint8_t *contexts = work->contexts + i * block->stride + PIXEL_MARGIN;
    uint16_t *marks = ring_at(&work->marks, y, 0);
    if (y == 0)
      memset(contexts, plane->cluster_of[0] | PIXEL_CLASSES_MAX << 4, block->columns);
    else
      work->kernels->contexts(map, ring_at(&work->marks, y, 2), ring_at(&work->marks, y, 1), block->columns, contexts);
    work->kernels->read_row(&work->reader, work->slots, block->columns, contexts, plane->mark_shift,
                            rows_at(&work->codes, i), marks);
    memset(marks + block->columns, 0, PIXEL_MARGIN * sizeof *marks);
    if (work->reader.failed) return;
  }
}

static cas_status decode_rows(const struct pixel_kernels *kernels, const struct pixel_layout *layout,
                              struct pixel_part part, const struct pixel_plane *plane, struct cas_slice coded,
                              uint8_t *raw) {
  __attribute__((cleanup(plane_reader_fini))) struct plane_reader work = {.kernels = kernels};
  uint32_t block_rows = layout->rows < PIXEL_BLOCK_ROWS ? layout->rows : PIXEL_BLOCK_ROWS;
  if (!plane_reader_init(&work, plane, block_rows, layout->columns)) return CAS_NO_MEMORY;
  if (!pixel_reader_init(&work.reader, coded, plane->lanes_log2)) return CAS_CORRUPT;
  struct pixel_context_map map;
  pixel_slots_fill(plane, work.slots);
  pixel_context_map_fill(&map, plane, true);
  struct pixel_block block = {
      .plane = plane,
      .columns = layout->columns,
      .stride = work.codes.stride,
      .codes = rows_at(&work.codes, 0),
      .contexts = work.contexts + PIXEL_MARGIN,
      .samples = rows_at(&work.samples, 2),
  };
  size_t row_bytes = block.stride * sizeof *block.samples;
  for (uint32_t y = 0; y < layout->rows; y += block.rows) {
    block.first_row = y;
    block.rows = layout->rows - y < block_rows ? layout->rows - y : block_rows;
    read_block(&work, &map, &block);
    if (work.reader.failed) return CAS_CORRUPT;
    work.kernels->restore(&block);
    for (uint32_t i = 0; i < block.rows; i++)
      pixel_layout_store(layout, part, raw, y + i, rows_at(&work.samples, 2 + i), plane->base);
    /* The last two rows are those above the next block; a last block of one row has no next. */
    memmove(work.samples.memory, (uint8_t *)work.samples.memory + block.rows * row_bytes, 2 * row_bytes);
  }
  return pixel_reader_finished(&work.reader) ? CAS_OK : CAS_CORRUPT;
}

static cas_status decode_plane(const struct pixel_kernels *kernels, const struct pixel_layout *layout,
                               struct pixel_part part, struct cas_slice coded, uint8_t *raw) {
  struct pixel_plane plane;
  size_t parameters = pixel_plane_parse(&plane, coded);
  if (parameters == 0) return CAS_CORRUPT;
  struct cas_slice rest = slice_of(coded.data + parameters, coded.size - parameters);
  if (plane.kind != PIXEL_PLANE_CONSTANT) return decode_rows(kernels, layout, part, &plane, rest, raw);
  if (rest.size != 0) return CAS_CORRUPT;
  CLEANUP_FREE uint16_t *zeros = calloc(layout->columns, sizeof *zeros);
  if (zeros == NULL) return CAS_NO_MEMORY;
  for (uint32_t y = 0; y < layout->rows; y++) pixel_layout_store(layout, part, raw, y, zeros, plane.base);
  return CAS_OK;
}

cas_status pixel_frame_decode(const struct pixel_kernels *kernels, struct cas_slice coded, uint8_t *raw,
                              size_t raw_size) {
  struct pixel_layout layout;
  size_t used = layout_parse(&layout, coded, raw_size);
  if (used == 0) return CAS_CORRUPT;
  struct cas_slice rest = slice_of(coded.data + used, coded.size - used);
  unsigned parts = pixel_layout_parts(&layout);
  for (unsigned i = 0; i < parts; i++) {
    size_t size = rest.size;
    if (i + 1 < parts) {
      if (rest.size < 4) return CAS_CORRUPT;
      size = load_u32(rest.data);
      rest = slice_of(rest.data + 4, rest.size - 4);
      if (size > rest.size) return CAS_CORRUPT;
    }
    cas_status status = decode_plane(kernels, &layout, pixel_layout_part(&layout, i), slice_of(rest.data, size), raw);
    if (status != CAS_OK) return status;
    rest = slice_of(rest.data + size, rest.size - size);
  }
  return CAS_OK;
}
