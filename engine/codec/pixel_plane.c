/*
 * The parameters of a plane: their bytes, and the tables that follow from them.
 *
 * Invariants
 *  1. Whatever pixel_plane_parse accepts is safe to use: every index is in range, and every cluster has frequencies
 *     that add up to PIXEL_PROBABILITY_ONE.
 *  2. Encoder and decoder derive frequencies from the same stated weights, by integers alone.
 */
#include "codec/pixel_plane.h"

#include "codec/pixel_bits.h"

unsigned pixel_plane_level(const struct pixel_plane *plane, unsigned size_sum) {
  unsigned level = 0;
  while (level + 1 < plane->levels && size_sum >= plane->thresholds[level]) level++;
  return level;
}

/* Groups descend and ascend in turn, so that neighbours in the chain are alike. */
unsigned pixel_plane_chain_at(const struct pixel_plane *plane, unsigned spikes, unsigned level) {
  if (spikes == 7) return 1 + PIXEL_GROUPS * plane->levels;
  unsigned group = (spikes + 1) / 2;
  unsigned step = group % 2 == 0 ? plane->levels - 1u - level : level;
  return 1 + group * plane->levels + step;
}

static uint32_t weight_of(unsigned level) {
  return level == 0 ? 0 : (uint32_t)(4 + ((level - 1) & 3)) << ((level - 1) >> 2);
}

uint8_t pixel_weight_level(uint32_t count, uint32_t total) {
  if (count == 0) return 0;
  /* Weights in units of a 16384th: the rarest token of a large plane keeps its place below one 2048th. */
  uint64_t scaled = (uint64_t)count * (PIXEL_PROBABILITY_ONE * 8) / total;
  unsigned level = 1;
  while (level + 1 < PIXEL_WEIGHT_LEVELS && weight_of(level) + weight_of(level + 1) <= 2 * scaled) level++;
  return (uint8_t)level;
}

bool pixel_plane_frequencies(const struct pixel_plane *plane, unsigned cluster, uint16_t frequencies[PIXEL_TOKENS]) {
  const uint8_t *levels = plane->weights[cluster];
  uint32_t sum = 0;
  unsigned largest = 0;
  for (unsigned i = 0; i < plane->tokens; i++) {
    sum += weight_of(levels[i]);
    if (levels[i] > levels[largest]) largest = i;
  }
  memset(frequencies, 0, PIXEL_TOKENS * sizeof *frequencies);
  if (sum == 0) return false;
  uint32_t used = 0;
  for (unsigned i = 0; i < plane->tokens; i++) {
    uint32_t weight = weight_of(levels[i]);
    if (weight == 0) continue;
    uint32_t frequency = (uint32_t)((uint64_t)weight * PIXEL_PROBABILITY_ONE / sum);
    frequencies[i] = (uint16_t)(frequency == 0 ? 1 : frequency);
    used += frequencies[i];
  }
  /* The largest weight takes the difference; at least a 65th of the whole, it outweighs the ones raised to 1 unless
   * nearly all tokens are rare at once, which no encoder states. */
  int32_t rest = (int32_t)PIXEL_PROBABILITY_ONE - (int32_t)used + frequencies[largest];
  if (rest < 1) return false;
  frequencies[largest] = (uint16_t)rest;
  return true;
}

/* What the level of token `i` is expected to be: the median edge predictor over the table of clusters. */
static int expected_level(const uint8_t *weights, const uint8_t *before, unsigned i) {
  int left = i > 0 ? weights[i - 1] : 0;
  if (before == NULL) return left;
  int up = before[i];
  int corner = i > 0 ? before[i - 1] : 0;
  int low = left < up ? left : up;
  int high = left < up ? up : left;
  return low + high - (corner < low ? low : corner > high ? high : corner);
}

unsigned pixel_plane_weight_bits(const uint8_t *weights, const uint8_t *before, unsigned tokens) {
  unsigned bits = 0;
  for (unsigned i = 0; i < tokens; i++) {
    uint32_t code = pixel_zigzag(weights[i] - expected_level(weights, before, i));
    bits += 2 + 2 * (31 - (unsigned)__builtin_clz((code >> 1) + 1));
  }
  return bits;
}

static void put_u16(struct pixel_bits *bits, uint16_t value) { pixel_bits_put(bits, value, 16); }

static void write_linear(const struct pixel_plane *plane, struct pixel_bits *bits) {
  pixel_bits_put(bits, plane->classes - 1u, 3);
  for (unsigned i = 1; i < plane->levels; i++)
    pixel_bits_put(bits, plane->class_of_level[i] != plane->class_of_level[i - 1], 1);
  for (unsigned i = 0; i < plane->classes; i++) {
    for (unsigned j = 0; j < PIXEL_TAPS; j++) pixel_bits_put(bits, (uint8_t)plane->class_of[i].taps[j], 8);
    pixel_bits_put(bits, (uint8_t)plane->class_of[i].bias, 8);
  }
}

size_t pixel_plane_write(const struct pixel_plane *plane, uint8_t *out, size_t size) {
  struct pixel_bits bits = {.out = out, .size = size};
  pixel_bits_put(&bits, plane->kind, 8);
  put_u16(&bits, plane->base);
  if (plane->kind != PIXEL_PLANE_CONSTANT) {
    put_u16(&bits, plane->spike);
    pixel_bits_put(&bits, plane->mark_shift, 4);
    pixel_bits_put(&bits, plane->lanes_log2, 3);
    pixel_bits_put(&bits, plane->levels - 1u, 4);
    for (unsigned i = 0; i + 1 < plane->levels; i++)
      pixel_bits_put_golomb(&bits, plane->thresholds[i] - (i > 0 ? plane->thresholds[i - 1] : 0u), 3);
    if (plane->kind == PIXEL_PLANE_LINEAR) write_linear(plane, &bits);
    for (unsigned i = 1; i < pixel_chain_length(plane); i++)
      pixel_bits_put(&bits, plane->cluster_of[i] != plane->cluster_of[i - 1], 1);
    pixel_bits_put(&bits, plane->tokens, 7);
    for (unsigned c = 0; c < plane->clusters; c++)
      for (unsigned i = 0; i < plane->tokens; i++) {
        const uint8_t *before = c > 0 ? plane->weights[c - 1] : NULL;
        pixel_bits_put_golomb(&bits, pixel_zigzag(plane->weights[c][i] - expected_level(plane->weights[c], before, i)),
                              1);
      }
  }
  return bits.failed ? 0 : pixel_bits_bytes(&bits);
}

static int16_t get_signed_byte(struct pixel_bits *bits) {
  return (int16_t)((int)(pixel_bits_get(bits, 8) ^ 0x80) - 0x80);
}

static bool parse_linear(struct pixel_plane *plane, struct pixel_bits *bits) {
  plane->classes = (uint8_t)(pixel_bits_get(bits, 3) + 1);
  for (unsigned i = 1; i < plane->levels; i++) {
    plane->class_of_level[i] = (uint8_t)(plane->class_of_level[i - 1] + pixel_bits_get(bits, 1));
    if (plane->class_of_level[i] >= plane->classes) return false;
  }
  for (unsigned i = 0; i < plane->classes; i++) {
    for (unsigned j = 0; j < PIXEL_TAPS; j++) plane->class_of[i].taps[j] = get_signed_byte(bits);
    plane->class_of[i].bias = get_signed_byte(bits);
  }
  return true;
}

static bool parse_weights(struct pixel_plane *plane, struct pixel_bits *bits) {
  plane->tokens = (uint8_t)pixel_bits_get(bits, 7);
  if (plane->tokens < 1 || plane->tokens > PIXEL_TOKENS) return false;
  for (unsigned c = 0; c < plane->clusters; c++)
    for (unsigned i = 0; i < plane->tokens; i++) {
      const uint8_t *before = c > 0 ? plane->weights[c - 1] : NULL;
      int level = expected_level(plane->weights[c], before, i) + pixel_unzigzag(pixel_bits_get_golomb(bits, 1));
      if (bits->failed || level < 0 || level >= (int)PIXEL_WEIGHT_LEVELS) return false;
      plane->weights[c][i] = (uint8_t)level;
    }
  return true;
}

static bool parse_thresholds(struct pixel_plane *plane, struct pixel_bits *bits) {
  plane->levels = (uint8_t)(pixel_bits_get(bits, 4) + 1);
  uint32_t threshold = 0;
  for (unsigned i = 0; i + 1 < plane->levels; i++) {
    threshold += pixel_bits_get_golomb(bits, 3);
    if (bits->failed || threshold > 0x7ff) return false;
    plane->thresholds[i] = (uint16_t)threshold;
  }
  return true;
}

size_t pixel_plane_parse(struct pixel_plane *plane, struct cas_slice coded) {
  struct pixel_bits bits = {.in = coded.data, .size = coded.size};
  memset(plane, 0, sizeof *plane);
  plane->kind = (uint8_t)pixel_bits_get(&bits, 8);
  plane->base = (uint16_t)pixel_bits_get(&bits, 16);
  if (plane->kind == PIXEL_PLANE_CONSTANT) return bits.failed ? 0 : pixel_bits_bytes(&bits);
  if (plane->kind != PIXEL_PLANE_MEDIAN && plane->kind != PIXEL_PLANE_LINEAR) return 0;
  plane->spike = (uint16_t)pixel_bits_get(&bits, 16);
  plane->mark_shift = (uint8_t)pixel_bits_get(&bits, 4);
  plane->lanes_log2 = (uint8_t)pixel_bits_get(&bits, 3);
  if (bits.failed || 1u << plane->lanes_log2 > PIXEL_LANES_MAX) return 0;
  if (!parse_thresholds(plane, &bits)) return 0;
  plane->classes = 1;
  if (plane->kind == PIXEL_PLANE_LINEAR && !parse_linear(plane, &bits)) return 0;
  for (unsigned i = 1; i < pixel_chain_length(plane); i++) {
    plane->cluster_of[i] = (uint8_t)(plane->cluster_of[i - 1] + pixel_bits_get(&bits, 1));
    if (plane->cluster_of[i] >= PIXEL_CLUSTERS_MAX) return 0;
  }
  plane->clusters = (uint8_t)(plane->cluster_of[pixel_chain_length(plane) - 1] + 1);
  if (!parse_weights(plane, &bits)) return 0;
  for (unsigned c = 0; c < plane->clusters; c++) {
    uint16_t frequencies[PIXEL_TOKENS];
    if (!pixel_plane_frequencies(plane, c, frequencies)) return 0;
  }
  return pixel_bits_bytes(&bits);
}
