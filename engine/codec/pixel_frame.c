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
#include "codec/pixel_format.h"
#include "codec/pixel_model.h"
#include "codec/pixel_predict.h"
#include "codec/pixel_rans.h"

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
  if (bits.failed || !pixel_layout_valid(layout, raw_size))
    return 0;
  return pixel_bits_bytes(&bits);
}

/* Three rows in turn, each with margins; the one that is worked on and the two above it. */
struct ring {
  uint16_t *rows[3];
  uint16_t *memory;
};

static void ring_fini(struct ring *ring) { free(ring->memory); }
#define CLEANUP_RING __attribute__((cleanup(ring_fini)))

static bool ring_init(struct ring *ring, uint32_t columns) {
  size_t stride = (size_t)columns + 2 * PIXEL_MARGIN;
  ring->memory = calloc(3 * stride, sizeof *ring->memory);
  if (ring->memory == NULL)
    return false;
  for (unsigned i = 0; i < 3; i++)
    ring->rows[i] = ring->memory + i * stride + PIXEL_MARGIN;
  return true;
}

/* The row `back` rows above row `y`; rows above the plane are zeros as the ring began. */
static uint16_t *ring_row(const struct ring *ring, uint32_t y, unsigned back) { return ring->rows[(y + 3 - back) % 3]; }

static struct pixel_rows rows_above(const struct ring *ring, uint32_t y) {
  return (struct pixel_rows){.above = ring_row(ring, y, 1), .above2 = ring_row(ring, y, y == 1 ? 1 : 2)};
}

/* What an encoder keeps of a plane between its passes. */
struct plane_work {
  struct pixel_plane plane;
  uint32_t rows;
  uint32_t columns;
  uint16_t *samples; /* then residual codes, in place */
  uint8_t *chain;    /* positions in the chain, then clusters */
  struct pixel_counts *counts;
};

static void count_row(struct pixel_counts *counts, const uint16_t *codes, const uint8_t *chain, uint32_t columns) {
  for (uint32_t x = 0; x < columns; x++) {
    unsigned raw_bits;
    counts->of[chain[x]][pixel_token_of(codes[x], &raw_bits)]++;
  }
}

/* Replaces samples by residual codes and finds the context of each. `*modelled` is false where one has no code. */
static cas_status find_residuals(struct plane_work *work, bool *modelled) {
  CLEANUP_RING struct ring pixels = {0}, marks = {0};
  CLEANUP_FREE uint16_t *sums = malloc(work->columns * sizeof *sums);
  CLEANUP_FREE uint8_t *classes = malloc(work->columns);
  CLEANUP_FREE uint8_t *table = malloc(PIXEL_MARK_SUMS);
  if (sums == NULL || classes == NULL || table == NULL)
    return CAS_NO_MEMORY;
  if (!ring_init(&pixels, work->columns) || !ring_init(&marks, work->columns))
    return CAS_NO_MEMORY;
  const struct pixel_plane *plane = &work->plane;
  pixel_plane_fill(plane, false, table);
  uint8_t class_of_chain[PIXEL_CHAIN_MAX] = {0};
  for (unsigned spikes = 0; spikes < 7; spikes++)
    for (unsigned level = 0; level < plane->levels; level++)
      class_of_chain[pixel_plane_chain_at(plane, spikes, level)] = plane->class_of_level[level];
  class_of_chain[0] = PIXEL_CLASSES_MAX;
  *modelled = true;
  for (uint32_t y = 0; y < work->rows && *modelled; y++) {
    uint16_t *codes = work->samples + (size_t)y * work->columns;
    uint8_t *chain = work->chain + (size_t)y * work->columns;
    uint16_t *row = ring_row(&pixels, y, 0);
    memcpy(row, codes, work->columns * sizeof *row);
    pixel_row_open(row, ring_row(&pixels, y, 1));
    pixel_row_close(row, work->columns);
    if (y == 0) {
      memset(chain, 0, work->columns);
    } else {
      pixel_mark_sums(ring_row(&marks, y, 2), ring_row(&marks, y, 1), work->columns, sums);
      for (uint32_t x = 0; x < work->columns; x++)
        chain[x] = table[sums[x]];
    }
    for (uint32_t x = 0; x < work->columns; x++)
      classes[x] = class_of_chain[chain[x]];
    *modelled = pixel_row_residuals(plane, row, rows_above(&pixels, y), classes, work->columns, codes);
    uint16_t *row_marks = ring_row(&marks, y, 0);
    for (uint32_t x = 0; x < work->columns; x++)
      row_marks[x] = pixel_mark_of(codes[x], plane->mark_shift);
    count_row(work->counts, codes, chain, work->columns);
  }
  return CAS_OK;
}

/* Codes residuals into [out, end), from its start. Gives the bytes used, 0 where they do not fit. */
static cas_status code_residuals(struct plane_work *work, uint8_t *out, uint8_t *end, size_t *used) {
  *used = 0;
  struct pixel_plane *plane = &work->plane;
  pixel_model_cluster(plane, work->counts);
  size_t parameters = pixel_plane_write(plane, out, (size_t)(end - out));
  if (parameters == 0)
    return CAS_OK;
  CLEANUP_FREE struct pixel_symbol *symbols = malloc(plane->clusters * PIXEL_TOKENS * sizeof *symbols);
  if (symbols == NULL)
    return CAS_NO_MEMORY;
  if (!pixel_symbols_fill(plane, symbols))
    return CAS_OK;
  size_t count = (size_t)work->rows * work->columns;
  for (size_t i = 0; i < count; i++)
    work->chain[i] = plane->cluster_of[work->chain[i]];
  uint8_t *coded = pixel_rans_encode(symbols, plane->lanes_log2, work->rows, work->columns, work->samples, work->chain,
                                     out + parameters, end);
  if (coded == NULL)
    return CAS_OK;
  memmove(out + parameters, coded, (size_t)(end - coded));
  *used = parameters + (size_t)(end - coded);
  return CAS_OK;
}

/* Encodes one plane into [out, end). `*used` is 0 where it cannot be modelled in that space. */
static cas_status encode_plane(const struct pixel_layout *layout, struct pixel_part part, const uint8_t *raw,
                               struct plane_work *work, uint8_t *out, uint8_t *end, size_t *used) {
  size_t count = (size_t)layout->rows * layout->columns;
  *used = 0;
  for (uint32_t y = 0; y < layout->rows; y++)
    pixel_layout_load(layout, part, raw, y, work->samples + (size_t)y * layout->columns);
  memset(&work->plane, 0, sizeof work->plane);
  pixel_model_range(&work->plane, work->samples, count);
  if (work->plane.kind == PIXEL_PLANE_CONSTANT) {
    *used = pixel_plane_write(&work->plane, out, (size_t)(end - out));
    return CAS_OK;
  }
  cas_status status = pixel_model_fit(&work->plane, work->samples, layout->rows, layout->columns);
  if (status != CAS_OK)
    return status;
  memset(work->counts, 0, sizeof *work->counts);
  bool modelled;
  status = find_residuals(work, &modelled);
  if (status != CAS_OK || !modelled)
    return status;
  return code_residuals(work, out, end, used);
}

cas_status pixel_frame_encode(const struct cas_pixel_format *format, struct cas_slice raw, struct cas_buffer *coded,
                              bool *modelled) {
  struct pixel_layout layout;
  *modelled = false;
  if (!pixel_layout_choose(&layout, format, raw))
    return CAS_OK;
  size_t count = (size_t)layout.rows * layout.columns;
  CLEANUP_FREE uint16_t *samples = malloc(count * sizeof *samples);
  CLEANUP_FREE uint8_t *chain = malloc(count);
  CLEANUP_FREE struct pixel_counts *counts = malloc(sizeof *counts);
  if (samples == NULL || chain == NULL || counts == NULL)
    return CAS_NO_MEMORY;
  cas_status status = cas_buffer_reserve(coded, coded->size + raw.size + LAYOUT_BYTES_MAX + PARAMETER_BYTES_MAX);
  if (status != CAS_OK)
    return status;
  uint8_t *out = coded->data + coded->size;
  uint8_t *end = out + raw.size + LAYOUT_BYTES_MAX + PARAMETER_BYTES_MAX;
  out += layout_write(&layout, out);
  struct plane_work work = {
      .rows = layout.rows, .columns = layout.columns, .samples = samples, .chain = chain, .counts = counts};
  unsigned parts = pixel_layout_parts(&layout);
  for (unsigned i = 0; i < parts; i++) {
    bool last = i + 1 == parts;
    if (!last)
      out += 4;
    if (out >= end)
      return CAS_OK;
    size_t used;
    status = encode_plane(&layout, pixel_layout_part(&layout, i), raw.data, &work, out, end, &used);
    if (status != CAS_OK || used == 0)
      return status;
    if (!last)
      store_u32(out - 4, (uint32_t)used);
    out += used;
  }
  size_t total = (size_t)(out - coded->data) - coded->size;
  if (total >= raw.size)
    return CAS_OK;
  coded->size += total;
  *modelled = true;
  return CAS_OK;
}

/* What the decoder of a plane needs besides its parameters. */
struct plane_reader {
  struct pixel_reader reader;
  struct ring pixels;
  struct ring marks;
  pixel_slot *slots;
  uint16_t *sums;
  uint16_t *codes;
  uint8_t *contexts;
  uint8_t *classes;
  uint8_t *table;
};

static void plane_reader_fini(struct plane_reader *work) {
  ring_fini(&work->pixels);
  ring_fini(&work->marks);
  free(work->slots);
  free(work->sums);
  free(work->codes);
  free(work->contexts);
  free(work->classes);
  free(work->table);
}

static bool plane_reader_init(struct plane_reader *work, const struct pixel_plane *plane, uint32_t columns) {
  work->slots = malloc((size_t)plane->clusters * PIXEL_PROBABILITY_ONE * sizeof *work->slots);
  work->sums = malloc(columns * sizeof *work->sums);
  work->codes = malloc(columns * sizeof *work->codes);
  work->contexts = malloc(columns);
  work->classes = malloc(columns);
  work->table = malloc(PIXEL_MARK_SUMS);
  return work->slots != NULL && work->sums != NULL && work->codes != NULL && work->contexts != NULL &&
         work->classes != NULL && work->table != NULL && ring_init(&work->pixels, columns) &&
         ring_init(&work->marks, columns);
}

static void find_contexts(struct plane_reader *work, const struct pixel_plane *plane, uint32_t y, uint32_t columns) {
  if (y == 0) {
    memset(work->contexts, plane->cluster_of[0], columns);
    memset(work->classes, PIXEL_CLASSES_MAX, columns);
    return;
  }
  pixel_mark_sums(ring_row(&work->marks, y, 2), ring_row(&work->marks, y, 1), columns, work->sums);
  for (uint32_t x = 0; x < columns; x++) {
    uint8_t context = work->table[work->sums[x]];
    work->contexts[x] = context;
    work->classes[x] = context >> 4;
  }
}

static cas_status decode_rows(const struct pixel_layout *layout, struct pixel_part part,
                              const struct pixel_plane *plane, struct cas_slice coded, uint8_t *raw) {
  __attribute__((cleanup(plane_reader_fini))) struct plane_reader work = {0};
  uint32_t columns = layout->columns;
  if (!plane_reader_init(&work, plane, columns))
    return CAS_NO_MEMORY;
  if (!pixel_reader_init(&work.reader, coded, plane->lanes_log2))
    return CAS_CORRUPT;
  pixel_slots_fill(plane, work.slots);
  pixel_plane_fill(plane, true, work.table);
  for (uint32_t y = 0; y < layout->rows; y++) {
    find_contexts(&work, plane, y, columns);
    pixel_reader_row(&work.reader, work.slots, plane->lanes_log2, columns, work.contexts, plane->mark_shift, work.codes,
                     ring_row(&work.marks, y, 0));
    if (work.reader.failed)
      return CAS_CORRUPT;
    uint16_t *row = ring_row(&work.pixels, y, 0);
    pixel_row_restore(plane, row, rows_above(&work.pixels, y), work.classes, columns, work.codes);
    pixel_layout_store(layout, part, raw, y, row, plane->base);
  }
  return pixel_reader_finished(&work.reader, plane->lanes_log2) ? CAS_OK : CAS_CORRUPT;
}

static cas_status decode_plane(const struct pixel_layout *layout, struct pixel_part part, struct cas_slice coded,
                               uint8_t *raw) {
  struct pixel_plane plane;
  size_t parameters = pixel_plane_parse(&plane, coded);
  if (parameters == 0)
    return CAS_CORRUPT;
  struct cas_slice rest = slice_of(coded.data + parameters, coded.size - parameters);
  if (plane.kind != PIXEL_PLANE_CONSTANT)
    return decode_rows(layout, part, &plane, rest, raw);
  if (rest.size != 0)
    return CAS_CORRUPT;
  CLEANUP_FREE uint16_t *zeros = calloc(layout->columns, sizeof *zeros);
  if (zeros == NULL)
    return CAS_NO_MEMORY;
  for (uint32_t y = 0; y < layout->rows; y++)
    pixel_layout_store(layout, part, raw, y, zeros, plane.base);
  return CAS_OK;
}

cas_status pixel_frame_decode(struct cas_slice coded, uint8_t *raw, size_t raw_size) {
  struct pixel_layout layout;
  size_t used = layout_parse(&layout, coded, raw_size);
  if (used == 0)
    return CAS_CORRUPT;
  struct cas_slice rest = slice_of(coded.data + used, coded.size - used);
  unsigned parts = pixel_layout_parts(&layout);
  for (unsigned i = 0; i < parts; i++) {
    size_t size = rest.size;
    if (i + 1 < parts) {
      if (rest.size < 4)
        return CAS_CORRUPT;
      size = load_u32(rest.data);
      rest = slice_of(rest.data + 4, rest.size - 4);
      if (size > rest.size)
        return CAS_CORRUPT;
    }
    cas_status status = decode_plane(&layout, pixel_layout_part(&layout, i), slice_of(rest.data, size), raw);
    if (status != CAS_OK)
      return status;
    rest = slice_of(rest.data + size, rest.size - size);
  }
  return CAS_OK;
}
