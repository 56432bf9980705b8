/*
 * Fitting a plane's predictors and thresholds to a sample of its rows.
 *
 * Every few rows one is sampled together with the two above it: the median predictor's residuals there stand for the
 * marks that contexts are made of, and the differences to the neighbours are what the linear predictors are fitted on
 * (weighted least squares: large residuals weigh less, as they cost only the logarithm of their size).
 */
#include "codec/pixel_model.h"

#include "codec/pixel_predict.h"
#include "codec/pixel_rans.h"

/* Pixels that are sampled, at most, and pixels from which on more of each parameter pays for its bytes. */
#define SAMPLES_MAX 12288u
#define UNKNOWNS (PIXEL_TAPS + 1)

/* Columns of a sampled row that are used, at most: longer rows are cut. */
#define SAMPLED_COLUMNS_MAX 4096u

void pixel_model_range(struct pixel_plane *plane, uint16_t *samples, size_t count) {
  uint16_t low = UINT16_MAX, high = 0;
  int16_t signed_low = INT16_MAX, signed_high = INT16_MIN;
  for (size_t i = 0; i < count; i++) {
    int16_t value = (int16_t)samples[i];
    low = samples[i] < low ? samples[i] : low;
    high = samples[i] > high ? samples[i] : high;
    signed_low = value < signed_low ? value : signed_low;
    signed_high = value > signed_high ? value : signed_high;
  }
  bool is_signed = signed_high - signed_low < high - low;
  plane->base = is_signed ? (uint16_t)signed_low : low;
  unsigned range = is_signed ? (unsigned)(signed_high - signed_low) : (unsigned)(high - low);
  plane->kind = range == 0 ? PIXEL_PLANE_CONSTANT : PIXEL_PLANE_MEDIAN;
  plane->spike = 0;
  if (range == 0) return;
  for (size_t i = 0; i < count; i++) samples[i] = (uint16_t)(samples[i] - plane->base);
}

/* The most frequent of some samples; the lowest, which clipping makes frequent, where none stands out. */
static uint16_t spike_of(const uint16_t *samples, size_t count) {
  enum { BUCKETS = 4096 };
  uint16_t value[BUCKETS] = {0};
  uint16_t times[BUCKETS] = {0};
  size_t step = count / SAMPLES_MAX | 1;
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

/* One sampled pixel: differences from W, and what the context would be. */
struct sample {
  float differences[PIXEL_TAPS];
  float target;
  float weight;
  uint16_t size_sum;
  uint16_t median_size; /* of the median predictor's residual */
  uint8_t level;
  bool is_spike;
};

struct fit {
  struct pixel_plane *plane;
  const uint16_t *samples;
  uint32_t columns;
  struct sample *sampled;
  size_t count;
};

/* Codes of the median predictor for columns [from, from + width) of a row that is not the first. */
static void median_codes(const struct fit *fit, uint32_t row, uint32_t from, uint32_t width, uint16_t *codes) {
  const uint16_t *at = fit->samples + (size_t)row * fit->columns + from;
  const uint16_t *above = at - fit->columns;
  for (uint32_t x = 0; x < width; x++) {
    uint16_t w = from + x > 0 ? at[(ptrdiff_t)x - 1] : above[x];
    uint16_t nw = from + x > 0 ? above[(ptrdiff_t)x - 1] : above[x];
    uint16_t residual = (uint16_t)(at[x] - pixel_predict_median(w, above[x], nw));
    codes[x] = at[x] == fit->plane->spike ? (uint16_t)PIXEL_CODE_SPIKE : pixel_code_of(residual);
  }
}

/* Samples the inner pixels of one row, which has two rows above it. */
static void sample_row(struct fit *fit, uint32_t row, uint32_t from, uint32_t width, uint16_t *scratch) {
  uint16_t *codes[3];
  for (unsigned i = 0; i < 3; i++) {
    codes[i] = scratch + i * SAMPLED_COLUMNS_MAX;
    if (i < 2 && row < 3 - i)
      memset(codes[i], 0, width * sizeof *codes[i]);
    else
      median_codes(fit, row - 2 + i, from, width, codes[i]);
  }
  const uint16_t *at = fit->samples + (size_t)row * fit->columns + from;
  for (unsigned i = 0; i < 2; i++)
    for (uint32_t x = 0; x < width; x++) codes[i][x] = pixel_mark_of(codes[i][x], fit->plane->mark_shift);
  for (uint32_t x = 2; x + 2 < width; x++) {
    unsigned sum =
        2u * codes[1][x] + codes[1][x - 1] + codes[1][x + 1] + codes[1][x - 2] + codes[1][x + 2] + codes[0][x];
    const uint16_t *n = at + x - fit->columns;
    uint16_t w = at[x - 1];
    unsigned size = codes[2][x] == PIXEL_CODE_SPIKE ? 0 : (codes[2][x] + 1u) >> 1;
    fit->sampled[fit->count++] = (struct sample){
        .differences = {(int16_t)(n[0] - w), (int16_t)(n[-1] - w), (int16_t)(n[1] - w), (int16_t)(at[x - 2] - w),
                        (int16_t)(n[-(ptrdiff_t)fit->columns] - w)},
        .target = (int16_t)(at[x] - w),
        .size_sum = sum & 0x7ff,
        .median_size = (uint16_t)(size < UINT16_MAX ? size : UINT16_MAX),
        .is_spike = at[x] == fit->plane->spike,
    };
  }
}

/* Sets thresholds so that as many samples fall into each level. */
static void set_thresholds(struct fit *fit) {
  struct pixel_plane *plane = fit->plane;
  uint32_t histogram[0x800] = {0};
  for (size_t i = 0; i < fit->count; i++) histogram[fit->sampled[i].size_sum]++;
  size_t seen = 0;
  unsigned set = 0, quantile = 1;
  for (unsigned sum = 0; sum < 0x7ff && quantile < plane->levels; sum++) {
    seen += histogram[sum];
    while (quantile < plane->levels && seen * plane->levels >= quantile * fit->count) {
      if (set == 0 || plane->thresholds[set - 1] != sum + 1) plane->thresholds[set++] = (uint16_t)(sum + 1);
      quantile++;
    }
  }
  plane->levels = (uint8_t)(set + 1);
  for (size_t i = 0; i < fit->count; i++)
    fit->sampled[i].level = (uint8_t)pixel_plane_level(plane, fit->sampled[i].size_sum);
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

static int8_t to_byte(double value) {
  double rounded = value < 0 ? value - 0.5 : value + 0.5;
  if (!(rounded > -127)) return -127;
  if (rounded > 127) return 127;
  return (int8_t)rounded;
}

/* Fits one class; a class without enough samples predicts W + N - NW. */
static void fit_class(struct fit *fit, unsigned class_index) {
  struct pixel_plane *plane = fit->plane;
  double matrix[UNKNOWNS][UNKNOWNS] = {{0}};
  double right[UNKNOWNS] = {0};
  size_t used = 0;
  for (size_t i = 0; i < fit->count; i++) {
    const struct sample *sample = &fit->sampled[i];
    if (sample->is_spike || plane->class_of_level[sample->level] != class_index) continue;
    float row[UNKNOWNS];
    memcpy(row, sample->differences, sizeof sample->differences);
    row[PIXEL_TAPS] = 1;
    for (unsigned a = 0; a < UNKNOWNS; a++) {
      float weighted = row[a] * sample->weight;
      for (unsigned b = 0; b <= a; b++) matrix[a][b] += (double)(weighted * row[b]);
      right[a] += (double)(weighted * sample->target);
    }
    used++;
  }
  struct pixel_class *class = &plane->class_of[class_index];
  *class = (struct pixel_class){.taps = {64, -64, 0, 0, 0}};
  double trace = 0;
  for (unsigned a = 0; a < UNKNOWNS; a++) trace += matrix[a][a];
  for (unsigned a = 0; a < UNKNOWNS; a++) matrix[a][a] += trace * 1e-6;
  if (used < 4 * UNKNOWNS || !solve(matrix, right)) return;
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

/* Size of the fitted predictor's residual for a sample. */
static unsigned linear_size(const struct pixel_plane *plane, const struct sample *sample) {
  const struct pixel_class *class = &plane->class_of[plane->class_of_level[sample->level]];
  int32_t sum = class->bias * 8 + (1 << (PIXEL_TAP_BITS - 1));
  for (unsigned j = 0; j < PIXEL_TAPS; j++) sum += class->taps[j] * (int32_t)sample->differences[j];
  int32_t residual = (int32_t)sample->target - (sum >> PIXEL_TAP_BITS);
  unsigned size = (unsigned)(residual < 0 ? -residual : residual);
  return size < UINT16_MAX ? size : UINT16_MAX;
}

/*
 * Takes the linear predictors where they leave less, and scales the thresholds, which were set on the median
 * predictor's residuals, to theirs.
 */
static void choose_predictor(struct fit *fit) {
  struct pixel_plane *plane = fit->plane;
  double median_cost = 0, linear_cost = 0;
  double median_sum[PIXEL_CLASSES_MAX] = {0}, linear_sum[PIXEL_CLASSES_MAX] = {0};
  for (size_t i = 0; i < fit->count; i++) {
    const struct sample *sample = &fit->sampled[i];
    if (sample->is_spike) continue;
    unsigned size = linear_size(plane, sample);
    unsigned class = plane->class_of_level[sample->level];
    median_cost += cost_of(sample->median_size);
    linear_cost += cost_of(size);
    median_sum[class] += sample->median_size;
    linear_sum[class] += size;
  }
  if (linear_cost >= median_cost * 0.995) {
    plane->classes = 1;
    memset(plane->class_of_level, 0, sizeof plane->class_of_level);
    return;
  }
  plane->kind = PIXEL_PLANE_LINEAR;
  for (unsigned i = 0; i + 1 < plane->levels; i++) {
    unsigned class = plane->class_of_level[i];
    double scale = median_sum[class] > 0 ? linear_sum[class] / median_sum[class] : 1;
    unsigned threshold = (unsigned)(plane->thresholds[i] * scale + 0.5);
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

/* The shift that keeps usual residuals well below the largest mark. */
static void set_mark_shift(struct fit *fit) {
  uint64_t sum = 0, count = 0;
  size_t total = fit->count;
  for (size_t i = 0; i < total; i++) {
    if (fit->sampled[i].is_spike) continue;
    sum += fit->sampled[i].median_size;
    count++;
  }
  unsigned shift = 0;
  while (shift < 12 && count > 0 && (sum / count) >> shift > 48) shift++;
  fit->plane->mark_shift = (uint8_t)shift;
}

static void sample_rows(struct fit *fit, uint32_t rows, uint16_t *scratch) {
  uint32_t width = fit->columns < SAMPLED_COLUMNS_MAX ? fit->columns : SAMPLED_COLUMNS_MAX;
  uint32_t from = (fit->columns - width) / 2;
  uint32_t wanted = SAMPLES_MAX / width;
  uint32_t step = (rows - 2) / wanted + 1;
  fit->count = 0;
  for (uint32_t row = 2 + step / 2; row < rows && fit->count + width <= SAMPLES_MAX; row += step)
    sample_row(fit, row, from, width, scratch);
}

cas_status pixel_model_fit(struct pixel_plane *plane, const uint16_t *samples, uint32_t rows, uint32_t columns) {
  size_t count = (size_t)rows * columns;
  plane->spike = spike_of(samples, count);
  set_sizes(plane, count);
  plane->mark_shift = 0;
  CLEANUP_FREE struct sample *sampled = malloc(SAMPLES_MAX * sizeof *sampled);
  CLEANUP_FREE uint16_t *scratch = malloc(3 * SAMPLED_COLUMNS_MAX * sizeof *scratch);
  if (sampled == NULL || scratch == NULL) return CAS_NO_MEMORY;
  struct fit fit = {.plane = plane, .samples = samples, .columns = columns, .sampled = sampled};
  if (rows > 2) sample_rows(&fit, rows, scratch);
  if (fit.count < 16) {
    plane->levels = 1;
    plane->classes = 1;
    return CAS_OK;
  }
  set_mark_shift(&fit);
  if (plane->mark_shift > 0) sample_rows(&fit, rows, scratch);
  double mean = 0;
  for (size_t i = 0; i < fit.count; i++) mean += sampled[i].median_size;
  mean /= (double)fit.count;
  for (size_t i = 0; i < fit.count; i++) sampled[i].weight = 1.0f / (sampled[i].median_size + 1.0f + (float)mean / 8);
  set_thresholds(&fit);
  if (plane->classes > plane->levels) plane->classes = plane->levels;
  for (unsigned i = 0; i < plane->levels; i++) plane->class_of_level[i] = (uint8_t)(i * plane->classes / plane->levels);
  for (unsigned i = 0; i < plane->classes; i++) fit_class(&fit, i);
  choose_predictor(&fit);
  return CAS_OK;
}
