/*
 * Fitting a plane's predictors and thresholds to a sample of its rows.
 *
 * Every few rows one is sampled together with the two above it: the median predictor's residuals there stand for the
 * marks that contexts are made of, and the differences to the neighbours are what the linear predictors are fitted on
 * (weighted least squares: large residuals weigh less, as they cost only the logarithm of their size).
 */
#include "codec/pixel_model.h"

#include "codec/pixel_predict.h"

/* Pixels that are sampled: a 16th of the plane, within these. Six unknowns of six classes settle with the most. */
#define SAMPLES_MIN 2048u
#define SAMPLES_MAX 8192u

/* Pixels among which the most frequent value is looked for. */
#define SPIKE_SAMPLES 4096u

/* Arrays of 2 bytes for each sample. */
#define SAMPLE_ARRAYS 9u

/* Columns of a sampled row that are used, at most. */
#define SAMPLED_COLUMNS_MAX 2048u

/* Sizes are shifted until their mean is below this: well below the largest mark. */
#define MARK_MEAN_MAX 48

/* The taps and the bias. */
#define UNKNOWNS (PIXEL_TAPS + 1)

void pixel_model_range(struct pixel_plane *plane, const struct pixel_kernels *kernels, const uint16_t *samples,
                       size_t count) {
  struct pixel_range range = kernels->range(samples, count);
  bool is_signed = range.signed_high - range.signed_low < range.high - range.low;
  plane->base = is_signed ? (uint16_t)range.signed_low : range.low;
  plane->kind = range.high == range.low ? PIXEL_PLANE_CONSTANT : PIXEL_PLANE_MEDIAN;
}

/* The most frequent of some samples; the lowest, which clipping makes frequent, where none stands out. */
static uint16_t spike_of(const uint16_t *samples, size_t count) {
  enum { BUCKETS = 4096 };
  uint16_t value[BUCKETS] = {0};
  uint16_t times[BUCKETS] = {0};
  size_t step = count / SPIKE_SAMPLES | 1;
  uint16_t best = 0, best_times = 0;
  for (size_t i = 0; i < count; i += step) {
    unsigned bucket = samples[i] % BUCKETS;
    if (times[bucket] == 0) value[bucket] = samples[i];
    if (value[bucket] != samples[i]) {
      times[bucket]--;
      continue;
    }
    if (++times[bucket] > best_times) {
      best_times = times[bucket];
      best = samples[i];
    }
  }
  return best;
}

/*
 * Sampled pixels, an array for each thing known of them. Differences are from the left neighbour; spikes are not
 * sampled, since their residuals are not coded.
 */
struct fit {
  const struct pixel_kernels *kernels;
  struct pixel_plane *plane;
  const uint16_t *samples;
  uint32_t columns;
  size_t capacity;
  size_t count;
  int16_t *differences[PIXEL_TAPS];
  int16_t *target;       /* the sample's own difference */
  uint16_t *size_sum;    /* what the context would be */
  uint16_t *median_size; /* of the median predictor's residual */
  uint16_t *by_level;    /* indices, in the order of their levels */
  size_t level_start[PIXEL_LEVELS_MAX + 1];
};

/* Three rows with margins: pixels, codes and marks of the median predictor. */
struct sampled_rows {
  uint16_t pixels[4][SAMPLED_COLUMNS_MAX + 2 * PIXEL_MARGIN];
  uint16_t codes[3][SAMPLED_COLUMNS_MAX + 2 * PIXEL_MARGIN];
  uint16_t marks[3][SAMPLED_COLUMNS_MAX + 2 * PIXEL_MARGIN];
};

/* Fills the rows around `row` in columns [from, from + width). */
static void load_rows(const struct fit *fit, uint32_t row, uint32_t from, uint32_t width, struct sampled_rows *rows) {
  static const uint8_t no_classes[128];
  uint8_t scratch[SAMPLED_COLUMNS_MAX + PIXEL_MARGIN] = {0}; /* contexts, which are not used, then tokens */
  struct pixel_plane median = *fit->plane;
  median.kind = PIXEL_PLANE_MEDIAN;
  for (unsigned i = 0; i < 4; i++) {
    uint16_t *at = rows->pixels[i] + PIXEL_MARGIN;
    pixel_row_rebase(at, fit->samples + (size_t)(row - 3 + i) * fit->columns + from, width, fit->plane->base);
    at[-1] = at[-2] = at[0];
    at[width] = at[width - 1];
  }
  for (unsigned i = 0; i < 3; i++) {
    struct pixel_forward forward = {
        .plane = &median,
        .class_of_chain = no_classes,
        .chain = scratch,
        .row = rows->pixels[i + 1] + PIXEL_MARGIN,
        .above = {.above = rows->pixels[i] + PIXEL_MARGIN, .above2 = rows->pixels[i] + PIXEL_MARGIN},
        .columns = width,
        .codes = rows->codes[i] + PIXEL_MARGIN,
        .marks = rows->marks[i] + PIXEL_MARGIN,
        .tokens = scratch,
    };
    (void)fit->kernels->forward(&forward);
  }
}

/* Samples the inner pixels of one row, which has three rows above it. */
static void sample_row(struct fit *fit, uint32_t row, uint32_t from, uint32_t width, struct sampled_rows *rows) {
  load_rows(fit, row, from, width, rows);
  const uint16_t *at = rows->pixels[3] + PIXEL_MARGIN, *n = rows->pixels[2] + PIXEL_MARGIN;
  const uint16_t *nn = rows->pixels[1] + PIXEL_MARGIN, *codes = rows->codes[2] + PIXEL_MARGIN;
  const uint16_t *marks = rows->marks[1] + PIXEL_MARGIN, *marks2 = rows->marks[0] + PIXEL_MARGIN;
  size_t count = fit->count;
  for (uint32_t x = 2; x + 2 < width; x++) {
    uint16_t w = at[x - 1];
    unsigned sum = 2u * marks[x] + marks[x - 1] + marks[x + 1] + marks[x - 2] + marks[x + 2] + marks2[x];
    fit->differences[0][count] = (int16_t)(n[x] - w);
    fit->differences[1][count] = (int16_t)(n[x - 1] - w);
    fit->differences[2][count] = (int16_t)(n[x + 1] - w);
    fit->differences[3][count] = (int16_t)(at[x - 2] - w);
    fit->differences[4][count] = (int16_t)(nn[x] - w);
    fit->target[count] = (int16_t)(at[x] - w);
    fit->size_sum[count] = sum & 0x7ff;
    fit->median_size[count] = (uint16_t)((codes[x] + 1u) >> 1);
    count += codes[x] != PIXEL_CODE_SPIKE;
  }
  fit->count = count;
}

/* Sets thresholds so that as many samples fall into each level, and orders the samples by level. */
static void set_thresholds(struct fit *fit) {
  struct pixel_plane *plane = fit->plane;
  uint32_t starts[0x800 + 1] = {0};
  for (size_t i = 0; i < fit->count; i++) starts[fit->size_sum[i] + 1]++;
  unsigned set = 0, quantile = 1;
  for (unsigned sum = 0; sum < 0x800; sum++) {
    starts[sum + 1] += starts[sum];
    while (quantile < plane->levels && starts[sum + 1] * (size_t)plane->levels >= quantile * fit->count) {
      if (sum < 0x7ff && (set == 0 || plane->thresholds[set - 1] != sum + 1))
        plane->thresholds[set++] = (uint16_t)(sum + 1);
      quantile++;
    }
  }
  plane->levels = (uint8_t)(set + 1);
  for (unsigned i = 0; i < plane->levels; i++) fit->level_start[i + 1] = starts[i < set ? plane->thresholds[i] : 0x800];
  for (size_t i = 0; i < fit->count; i++) fit->by_level[starts[fit->size_sum[i]]++] = (uint16_t)i;
}

/* Solves the symmetric normal equations in place, A = L D L'; false where they are singular. */
static bool solve(double matrix[UNKNOWNS][UNKNOWNS], double right[UNKNOWNS]) {
  for (unsigned j = 0; j < UNKNOWNS; j++) {
    for (unsigned k = 0; k < j; k++) matrix[j][j] -= matrix[j][k] * matrix[j][k] * matrix[k][k];
    if (!(matrix[j][j] > 1e-9)) return false;
    for (unsigned i = j + 1; i < UNKNOWNS; i++) {
      for (unsigned k = 0; k < j; k++) matrix[i][j] -= matrix[i][k] * matrix[j][k] * matrix[k][k];
      matrix[i][j] /= matrix[j][j];
    }
  }
  for (unsigned i = 0; i < UNKNOWNS; i++)
    for (unsigned k = 0; k < i; k++) right[i] -= matrix[i][k] * right[k];
  for (unsigned i = UNKNOWNS; i-- > 0;) {
    right[i] /= matrix[i][i];
    for (unsigned k = i + 1; k < UNKNOWNS; k++) right[i] -= matrix[k][i] * right[k];
  }
  return true;
}

static int16_t to_byte(double value) {
  double rounded = value < 0 ? value - 0.5 : value + 0.5;
  if (!(rounded > -127)) return -127;
  if (rounded > 127) return 127;
  return (int16_t)rounded;
}

#define PRODUCTS (UNKNOWNS * (UNKNOWNS + 1) / 2 + UNKNOWNS)
#define BATCH 16

/* Adds the products of BATCH samples: rows of the lower triangle, then the right side. */
static void add_products(float row[UNKNOWNS + 1][BATCH], const float weight[BATCH], float sums[PRODUCTS][BATCH]) {
  unsigned at = 0;
  for (unsigned a = 0; a <= UNKNOWNS; a++) {
    float weighted[BATCH];
    for (unsigned i = 0; i < BATCH; i++) weighted[i] = row[a][i] * weight[i];
    for (unsigned b = 0; b <= a && b < UNKNOWNS; b++, at++)
      for (unsigned i = 0; i < BATCH; i++) sums[at][i] += weighted[i] * row[b][i];
  }
}

/* Fits one class to the samples by_level[from, to); too few of them predict W + N - NW. */
static void fit_class(const struct fit *fit, size_t from, size_t to, float mean_size, struct pixel_class *class) {
  float sums[PRODUCTS][BATCH] = {{0}};
  for (size_t i = from; i < to; i += BATCH) {
    float row[UNKNOWNS + 1][BATCH], weight[BATCH];
    for (unsigned j = 0; j < BATCH; j++) {
      size_t at = fit->by_level[i + j < to ? i + j : i];
      for (unsigned tap = 0; tap < PIXEL_TAPS; tap++) row[tap][j] = fit->differences[tap][at];
      row[PIXEL_TAPS][j] = 1;
      row[UNKNOWNS][j] = fit->target[at];
      weight[j] = i + j < to ? 1 / (fit->median_size[at] + 1 + mean_size / 8) : 0;
    }
    add_products(row, weight, sums);
  }
  double matrix[UNKNOWNS][UNKNOWNS], right[UNKNOWNS], trace = 0;
  unsigned at = 0;
  for (unsigned a = 0; a <= UNKNOWNS; a++)
    for (unsigned b = 0; b <= a && b < UNKNOWNS; b++, at++) {
      double sum = 0;
      for (unsigned i = 0; i < BATCH; i++) sum += (double)sums[at][i];
      if (a < UNKNOWNS)
        matrix[a][b] = sum;
      else
        right[b] = sum;
    }
  for (unsigned a = 0; a < UNKNOWNS; a++) trace += matrix[a][a];
  for (unsigned a = 0; a < UNKNOWNS; a++) matrix[a][a] += trace * 1e-6;
  *class = (struct pixel_class){.taps = {64, -64, 0, 0, 0}};
  if (to - from < 4 * UNKNOWNS || !solve(matrix, right)) return;
  for (unsigned j = 0; j < PIXEL_TAPS; j++) class->taps[j] = to_byte(right[j] * (1 << PIXEL_TAP_BITS));
  class->bias = to_byte(right[PIXEL_TAPS] * (1 << (PIXEL_TAP_BITS - 3)));
}

/* About the bits of a residual in 2^23ths: the exponent and mantissa of a float are its logarithm, by straight lines.
 */
static uint32_t cost_of(unsigned size) {
  float value = (float)(2 * size + 1);
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits - 0x3f800000;
}

/* Size of a class's residual for a sample. */
static unsigned linear_size(const struct fit *fit, const struct pixel_class *class, size_t at) {
  int32_t sum = class->bias * 8 + (1 << (PIXEL_TAP_BITS - 1));
  for (unsigned j = 0; j < PIXEL_TAPS; j++) sum += class->taps[j] * fit->differences[j][at];
  int32_t residual = fit->target[at] - (sum >> PIXEL_TAP_BITS);
  unsigned size = (unsigned)(residual < 0 ? -residual : residual);
  return size < UINT16_MAX ? size : UINT16_MAX;
}

/*
 * Takes the linear predictors where they leave less, and scales the thresholds, which were set on the median
 * predictor's residuals, to theirs.
 */
static void choose_predictor(const struct fit *fit) {
  struct pixel_plane *plane = fit->plane;
  uint64_t median_cost = 0, linear_cost = 0;
  double scale[PIXEL_LEVELS_MAX];
  for (unsigned level = 0; level < plane->levels; level++) {
    const struct pixel_class *class = &plane->class_of[plane->class_of_level[level]];
    uint64_t median_sum = 0, linear_sum = 0;
    for (size_t i = fit->level_start[level]; i < fit->level_start[level + 1]; i++) {
      size_t at = fit->by_level[i];
      unsigned size = linear_size(fit, class, at);
      median_cost += cost_of(fit->median_size[at]);
      linear_cost += cost_of(size);
      median_sum += fit->median_size[at];
      linear_sum += size;
    }
    scale[level] = median_sum > 0 ? (double)linear_sum / (double)median_sum : 1;
  }
  if (linear_cost >= median_cost - median_cost / 256) {
    plane->classes = 1;
    memset(plane->class_of_level, 0, sizeof plane->class_of_level);
    return;
  }
  plane->kind = PIXEL_PLANE_LINEAR;
  for (unsigned i = 0; i + 1 < plane->levels; i++) {
    unsigned threshold = (unsigned)(plane->thresholds[i] * scale[i] + 0.5);
    unsigned least = i > 0 ? plane->thresholds[i - 1] + 1u : 1u;
    if (threshold < least) threshold = least;
    plane->thresholds[i] = (uint16_t)(threshold > 0x7ff ? 0x7ff : threshold);
  }
}

/* Levels and classes that a plane of `count` pixels may have. */
static void set_sizes(struct pixel_plane *plane, size_t count) {
  plane->levels = count >= 32768 ? 12 : count >= 8192 ? 8 : count >= 1024 ? 5 : 2;
  plane->classes = count >= 131072 ? 6 : count >= 16384 ? 3 : 1;
}

static void sample_rows(struct fit *fit, uint32_t rows, struct sampled_rows *scratch) {
  uint32_t width = fit->columns < SAMPLED_COLUMNS_MAX ? fit->columns : SAMPLED_COLUMNS_MAX;
  if (width > fit->capacity) width = (uint32_t)fit->capacity;
  uint32_t from = (fit->columns - width) / 2;
  uint32_t step = (uint32_t)((rows - 3) / (fit->capacity / width) + 1);
  fit->count = 0;
  for (uint32_t row = 3 + step / 2; row < rows && fit->count + width <= fit->capacity; row += step)
    sample_row(fit, row, from, width, scratch);
}

static double mean_median_size(const struct fit *fit) {
  uint64_t sum = 0;
  for (size_t i = 0; i < fit->count; i++) sum += fit->median_size[i];
  return fit->count > 0 ? (double)sum / (double)fit->count : 0;
}

/* Cuts the arrays from `scratch`, of 2 bytes for each pixel. */
static void fit_init(struct fit *fit, uint16_t *scratch, size_t pixels) {
  size_t capacity = pixels / 16;
  if (capacity < SAMPLES_MIN) capacity = SAMPLES_MIN;
  if (capacity > SAMPLES_MAX) capacity = SAMPLES_MAX;
  if (capacity > pixels / SAMPLE_ARRAYS) capacity = pixels / SAMPLE_ARRAYS;
  fit->capacity = capacity;
  for (unsigned j = 0; j < PIXEL_TAPS; j++) fit->differences[j] = (int16_t *)(scratch + j * capacity);
  fit->target = (int16_t *)(scratch + 5 * capacity);
  fit->size_sum = scratch + 6 * capacity;
  fit->median_size = scratch + 7 * capacity;
  fit->by_level = scratch + 8 * capacity;
}

cas_status pixel_model_fit(struct pixel_plane *plane, const struct pixel_kernels *kernels, const uint16_t *samples,
                           uint32_t rows, uint32_t columns, uint16_t *scratch) {
  size_t count = (size_t)rows * columns;
  plane->spike = (uint16_t)(spike_of(samples, count) - plane->base);
  plane->mark_shift = 0;
  plane->levels = 1;
  plane->classes = 1;
  struct fit fit = {.kernels = kernels, .plane = plane, .samples = samples, .columns = columns};
  fit_init(&fit, scratch, count);
  if (rows < 4 || columns < 5 || fit.capacity < 16) return CAS_OK;
  CLEANUP_FREE struct sampled_rows *rows_scratch = malloc(sizeof *rows_scratch);
  if (rows_scratch == NULL) return CAS_NO_MEMORY;
  sample_rows(&fit, rows, rows_scratch);
  if (fit.count < 16) return CAS_OK;
  set_sizes(plane, count);
  double mean_size = mean_median_size(&fit);
  if (mean_size > MARK_MEAN_MAX) {
    while (mean_size / (1 << plane->mark_shift) > MARK_MEAN_MAX && plane->mark_shift < 12) plane->mark_shift++;
    sample_rows(&fit, rows, rows_scratch);
  }
  set_thresholds(&fit);
  if (plane->classes > plane->levels) plane->classes = plane->levels;
  for (unsigned i = 0; i < plane->levels; i++) plane->class_of_level[i] = (uint8_t)(i * plane->classes / plane->levels);
  for (unsigned i = 0, end; i < plane->levels; i = end) {
    for (end = i + 1; end < plane->levels && plane->class_of_level[end] == plane->class_of_level[i];) end++;
    fit_class(&fit, fit.level_start[i], fit.level_start[end], (float)mean_size,
              &plane->class_of[plane->class_of_level[i]]);
  }
  choose_predictor(&fit);
  return CAS_OK;
}
