/*
 * Owns the model and the rows under way. A slice is drawn row by row: levels are painted shape after shape, each over
 * the one before; noise is added; then the row is blurred with its neighbours, which rounds the edges and correlates
 * the noise, as a scanner does.
 *
 * Invariants:
 *  1. Only sums, products, quotients and square roots of doubles, which IEEE 754 fixes, and whole numbers: no function
 *     whose last bit a library chooses.
 *  2. The noise of a slice depends on the seed and its number alone.
 */
#include "phantom.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "random_numbers.h"

#define VESSELS 220
#define BLUR_CENTRE 5 /* weight of a sample beside those of its neighbours, which are 1 */
#define BLUR_SUM ((BLUR_CENTRE + 2) * (BLUR_CENTRE + 2))
#define LATTICE 24 /* cells of the tissue's texture along a side */

/* An ellipsoid. Places and radii are parts of the picture's width and height and of the body's length. */
struct shape {
  double x, y, z, rx, ry, rz;
  int level;   /* at 12 bits */
  int noise;   /* standard deviation before the blur */
  int texture; /* largest deviation of the tissue's structure */
};

struct cell {
  int level, noise, texture;
};

struct phantom {
  enum phantom_kind kind;
  uint32_t rows, columns;
  unsigned bits;
  uint64_t seed;
  struct cell *cells; /* one row of the model */
  int32_t *drawn[3];  /* rows y - 1, y, y + 1 before the blur across them */
  int32_t *noisy;
  struct shape vessels[VESSELS];
};

static const struct cell ct_air = {-40, 80, 0};
static const struct shape ct_shapes[] = {
    {0.50, 0.52, 0.5, 0.480, 0.420, 4.0, 930, 98, 10},   /* fat below the skin */
    {0.50, 0.52, 0.5, 0.455, 0.390, 4.0, 1060, 116, 26}, /* muscle */
    {0.33, 0.49, 0.5, 0.165, 0.235, 0.62, 150, 98, 60},  /* the lungs */
    {0.67, 0.49, 0.5, 0.165, 0.235, 0.62, 150, 98, 60},
    {0.54, 0.44, 0.6, 0.115, 0.115, 0.35, 1070, 116, 16}, /* heart */
    {0.50, 0.40, 0.2, 0.030, 0.040, 0.35, 1090, 116, 10}, /* great vessels */
    {0.56, 0.66, 0.5, 0.024, 0.026, 4.0, 1080, 116, 8},   /* aorta */
    {0.50, 0.34, 0.1, 0.018, 0.020, 0.35, 30, 104, 0},    /* trachea */
    {0.50, 0.72, 0.5, 0.052, 0.045, 4.0, 1260, 134, 90},  /* spine */
    {0.50, 0.72, 0.5, 0.040, 0.034, 4.0, 1160, 134, 60},
    {0.50, 0.76, 0.5, 0.016, 0.014, 4.0, 1030, 116, 0}, /* its canal */
};

static const struct cell mr_air = {0, 0, 0};
static const struct shape mr_shapes[] = {
    {0.50, 0.50, 0.50, 0.342, 0.396, 0.52, 620, 22, 80},  /* skin and fat */
    {0.50, 0.50, 0.50, 0.320, 0.375, 0.49, 130, 10, 30},  /* skull */
    {0.50, 0.50, 0.48, 0.300, 0.352, 0.46, 560, 18, 150}, /* grey matter */
    {0.50, 0.50, 0.48, 0.235, 0.285, 0.38, 760, 18, 70},  /* white matter */
    {0.46, 0.47, 0.47, 0.028, 0.095, 0.16, 190, 14, 20},  /* ventricles */
    {0.54, 0.47, 0.47, 0.028, 0.095, 0.16, 190, 14, 20},
    {0.50, 0.68, 0.70, 0.140, 0.080, 0.14, 610, 18, 140}, /* cerebellum */
};

static void place_vessels(struct phantom *phantom) {
  uint64_t random = random_part(phantom->seed, 1);
  for (size_t i = 0; i < VESSELS; i++) {
    const double side = i % 2 == 0 ? 0.33 : 0.67;
    const double x = (double)random_below(&random, 1000) / 1000 - 0.5;
    const double y = (double)random_below(&random, 1000) / 1000 - 0.5;
    const double radius = 0.003 + (double)random_below(&random, 1000) / 1000 * 0.007;
    phantom->vessels[i] = (struct shape){.x = side + 0.24 * x,
                                         .y = 0.49 + 0.34 * y,
                                         .z = (double)random_below(&random, 1000) / 1000,
                                         .rx = radius,
                                         .ry = radius * 1.2,
                                         .rz = 0.05,
                                         .level = 700 + (int)random_below(&random, 400),
                                         .noise = 108};
  }
}

cas_status phantom_create(enum phantom_kind kind, uint32_t rows, uint32_t columns, unsigned bits, uint64_t seed,
                          struct phantom **phantom) {
  struct phantom *made = calloc(1, sizeof *made);
  if (made == NULL) return CAS_NO_MEMORY;
  *made = (struct phantom){.kind = kind, .rows = rows, .columns = columns, .bits = bits, .seed = seed};
  made->cells = calloc(columns, sizeof *made->cells);
  made->noisy = calloc((size_t)columns + 2, sizeof *made->noisy);
  bool whole = made->cells != NULL && made->noisy != NULL;
  for (size_t i = 0; i < 3; i++) {
    made->drawn[i] = calloc(columns, sizeof *made->drawn[i]);
    whole = whole && made->drawn[i] != NULL;
  }
  if (!whole) {
    phantom_destroy(made);
    return CAS_NO_MEMORY;
  }
  if (kind == PHANTOM_CT) place_vessels(made);
  *phantom = made;
  return CAS_OK;
}

void phantom_destroy(struct phantom *phantom) {
  if (phantom == NULL) return;
  for (size_t i = 0; i < 3; i++) free(phantom->drawn[i]);
  free(phantom->noisy);
  free(phantom->cells);
  free(phantom);
}

/* Paints what of the shape lies in row `y` (a part of the height) of the slice at `z`. */
static void paint(struct phantom *phantom, const struct shape *shape, double y, double z) {
  const double dz = (z - shape->z) / shape->rz;
  const double dy = (y - shape->y) / shape->ry;
  const double rest = 1 - dz * dz - dy * dy;
  if (rest <= 0) return;
  const double half = shape->rx * sqrt(rest);
  const double columns = phantom->columns;
  const double first = (shape->x - half) * columns, end = (shape->x + half) * columns;
  const uint32_t from = first > 0 ? (uint32_t)first : 0;
  const uint32_t to = end < columns ? (uint32_t)end : phantom->columns;
  for (uint32_t x = from; x < to; x++)
    phantom->cells[x] = (struct cell){.level = shape->level, .noise = shape->noise, .texture = shape->texture};
}

/* A rib is a ring around the chest that slopes down: it meets a slice in one place on each side. */
static void paint_ribs(struct phantom *phantom, double y, double z) {
  for (int i = 0; i < 12; i++) {
    const double along = (z - i / 12.0) * 4; /* -1 to 1 from back to front */
    if (along < -1 || along > 1) continue;
    const double side = sqrt(1 - along * along);
    for (int sign = -1; sign <= 1; sign += 2) {
      const struct shape rib = {.x = 0.5 + sign * 0.375 * side,
                                .y = 0.5 - 0.27 * along,
                                .z = z,
                                .rx = 0.013,
                                .ry = 0.028,
                                .rz = 1,
                                .level = 1420,
                                .noise = 130,
                                .texture = 140};
      paint(phantom, &rib, y, z);
    }
  }
}

static void paint_row(struct phantom *phantom, double y, double z) {
  const bool ct = phantom->kind == PHANTOM_CT;
  for (uint32_t x = 0; x < phantom->columns; x++) phantom->cells[x] = ct ? ct_air : mr_air;
  const struct shape *shapes = ct ? ct_shapes : mr_shapes;
  const size_t count = ct ? sizeof ct_shapes / sizeof *ct_shapes : sizeof mr_shapes / sizeof *mr_shapes;
  for (size_t i = 0; i < count; i++) paint(phantom, &shapes[i], y, z);
  if (!ct) return;
  for (size_t i = 0; i < VESSELS; i++) paint(phantom, &phantom->vessels[i], y, z);
  paint_ribs(phantom, y, z);
}

/* The tissue's structure at a corner of the lattice, -256 to 255. */
static int lattice_value(const struct phantom *phantom, uint32_t x, uint32_t y, uint32_t z) {
  const uint64_t corner = (uint64_t)z << 40 | (uint64_t)y << 20 | x;
  return (int)(random_part(phantom->seed, corner) >> 55) - 256;
}

/* Between the corners, -256 to 255; `left` and `right` are those of the row. */
static int between(int from, int to, uint32_t part, uint32_t whole) {
  return from + (int)((int64_t)(to - from) * part / whole);
}

/* The sum of eight bytes: close to a normal distribution with a standard deviation of 209. */
static int normal(uint64_t random) {
  const uint64_t low = UINT64_C(0x00FF00FF00FF00FF);
  const uint64_t pairs = (random & low) + (random >> 8 & low);
  return (int)(pairs * UINT64_C(0x0001000100010001) >> 48) - 1020;
}

/* Draws a row before the blur across rows: levels, structure and noise, blurred along the row. */
static void draw_row(struct phantom *phantom, uint32_t row, double z, uint64_t random, int32_t *drawn) {
  const uint32_t columns = phantom->columns, wide = columns / LATTICE + 1, high = phantom->rows / LATTICE + 1;
  const uint32_t lattice_y = row / high, part_y = row % high, lattice_z = (uint32_t)(z * 64);
  paint_row(phantom, (row + 0.5) / phantom->rows, z);
  random = random_part(random, row);
  int left = 0, right = 0;
  for (uint32_t x = 0; x < columns; x++) {
    if (x % wide == 0) {
      const uint32_t corner = x / wide;
      left = between(lattice_value(phantom, corner, lattice_y, lattice_z),
                     lattice_value(phantom, corner, lattice_y + 1, lattice_z), part_y, high);
      right = between(lattice_value(phantom, corner + 1, lattice_y, lattice_z),
                      lattice_value(phantom, corner + 1, lattice_y + 1, lattice_z), part_y, high);
    }
    const struct cell *cell = &phantom->cells[x];
    const int structure = cell->texture * between(left, right, x % wide, wide) / 256;
    const int noise = cell->noise != 0 ? cell->noise * normal(random_next(&random)) / 209 : 0;
    phantom->noisy[x + 1] = cell->level + structure + noise;
  }
  phantom->noisy[0] = phantom->noisy[1];
  phantom->noisy[columns + 1] = phantom->noisy[columns];
  for (uint32_t x = 0; x < columns; x++)
    drawn[x] = phantom->noisy[x] + BLUR_CENTRE * phantom->noisy[x + 1] + phantom->noisy[x + 2];
}

/* Scales a value of 12 bits, BLUR_SUM times as large, to the bits wanted. */
static uint16_t sample_of(const struct phantom *phantom, int32_t sum) {
  const int32_t most = (1 << phantom->bits) - 1;
  int32_t value = phantom->bits >= 12 ? sum / BLUR_SUM : sum / BLUR_SUM >> (12 - phantom->bits);
  if (value < 0) value = 0;
  return (uint16_t)(value < most ? value : most);
}

void phantom_draw(struct phantom *phantom, uint64_t number, uint64_t count, uint16_t *samples) {
  const uint32_t rows = phantom->rows, columns = phantom->columns;
  const double z = ((double)number + 0.5) / (double)count;
  const uint64_t random = random_part(random_part(phantom->seed, 2), number);
  int32_t **drawn = phantom->drawn;
  draw_row(phantom, 0, z, random, drawn[1]);
  memcpy(drawn[0], drawn[1], columns * sizeof *drawn[0]);
  for (uint32_t row = 0; row < rows; row++) {
    if (row + 1 < rows)
      draw_row(phantom, row + 1, z, random, drawn[2]);
    else
      memcpy(drawn[2], drawn[1], columns * sizeof *drawn[2]);
    for (uint32_t x = 0; x < columns; x++)
      samples[(size_t)row * columns + x] = sample_of(phantom, drawn[0][x] + BLUR_CENTRE * drawn[1][x] + drawn[2][x]);
    int32_t *oldest = drawn[0];
    drawn[0] = drawn[1];
    drawn[1] = drawn[2];
    drawn[2] = oldest;
  }
}
