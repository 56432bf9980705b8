/*
 * The inner loops of the pixel codec, once in plain C and once for AVX-512, and the choice between them.
 *
 * Both give the same bytes and samples for every input; tests/unit/codec/test_pixel_kernels.c compares them.
 *
 * Rows are borrowed pointers to a row's first element. The loops read and write up to PIXEL_MARGIN elements outside a
 * row on either side: every row has that room, and what stands there is theirs, but for the zeros around marks.
 *
 * Threads: kernels are constant and may be called from any thread.
 */
#ifndef CODEC_PIXEL_KERNELS_H
#define CODEC_PIXEL_KERNELS_H

#include "codec/pixel_plane.h"
#include "codec/pixel_rans.h"

/* Elements of room at either side of a row. */
#define PIXEL_MARGIN 128u

/* Rows that are restored at a time. */
#define PIXEL_BLOCK_ROWS 32u

/* From a sum of marks to a byte: level_of the sum of sizes, then value_of[spikes][level]. */
struct pixel_context_map {
  uint16_t thresholds[32]; /* as the plane's, then UINT16_MAX */
  uint8_t level_of[0x800];
  uint8_t value_of[128];
};

/* A row and those above it. In the first row both above are zeros; in the second `above2` is `above`. */
struct pixel_rows {
  const uint16_t *above2;
  const uint16_t *above;
};

/* Rows that are restored together. */
struct pixel_block {
  const struct pixel_plane *plane;
  uint32_t first_row; /* of the plane */
  uint32_t rows;      /* 1 to PIXEL_BLOCK_ROWS */
  uint32_t columns;
  size_t stride;           /* elements from row to row of the three below */
  const uint16_t *codes;   /* residual codes */
  const uint8_t *contexts; /* class in the high four bits; PIXEL_CLASSES_MAX is the left neighbour */
  uint16_t *samples;       /* out; the two rows before these are those above */
};

/* One row on the way to its codes. */
struct pixel_forward {
  const struct pixel_plane *plane;
  const uint8_t *class_of_chain; /* 128 */
  const uint8_t *chain;          /* position in the chain for each pixel */
  const uint16_t *row;           /* opened and closed */
  struct pixel_rows above;
  uint32_t columns;
  uint16_t *codes;
  uint16_t *marks;
  uint8_t *tokens;
};

/* The least and greatest of some samples, taken as unsigned and as two's complement. */
struct pixel_range {
  uint16_t low, high;
  int16_t signed_low, signed_high;
};

struct pixel_kernels {
  const char *name;
  /* The range of `count` samples, at least one. */
  struct pixel_range (*range)(const uint16_t *samples, size_t count);
  /* The value of the map for each pixel, from the marks of the two rows above it. */
  void (*contexts)(const struct pixel_context_map *map, const uint16_t *above2, const uint16_t *above, uint32_t columns,
                   uint8_t *values);
  /* Residual codes, their marks and tokens. False where a residual is -32768, which has no code. */
  bool (*forward)(const struct pixel_forward *forward);
  /* Decodes one row; the low four bits of `contexts` are the cluster. Fills codes and marks. */
  void (*read_row)(struct pixel_reader *reader, const pixel_slot *slots, uint32_t columns, const uint8_t *contexts,
                   unsigned mark_shift, uint16_t *codes, uint16_t *marks);
  /* Samples from codes. Opens and closes the rows. */
  void (*restore)(const struct pixel_block *block);
  /* Codes one row, from its right end; see pixel_rans.h. The room below writer->next was checked. `cluster_of` has
   * 128 elements, one for each position in the chain. */
  void (*write_row)(struct pixel_writer *writer, const pixel_symbol *symbols, const uint8_t *cluster_of,
                    uint32_t columns, const uint16_t *codes, const uint8_t *tokens, const uint8_t *chain);
};

extern const struct pixel_kernels pixel_kernels_plain;

/* The AVX-512 kernels, or NULL where the processor or the build has none. */
const struct pixel_kernels *pixel_kernels_avx512(void);

/* The fastest kernels of this processor. */
const struct pixel_kernels *pixel_kernels_best(void);

/* Fills a map; `clustered`: cluster | class << 4, else positions in the chain. */
void pixel_context_map_fill(struct pixel_context_map *map, const struct pixel_plane *plane, bool clustered);

#endif
