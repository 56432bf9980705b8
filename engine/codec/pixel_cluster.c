/*
 * Merging contexts into clusters: neighbours in the chain, the pair first whose merging saves most bits, for as long
 * as there are too many clusters or the statement of a table costs more than it saves.
 */
#include "codec/pixel_model.h"

/* One stretch of the chain. */
struct stretch {
  uint32_t counts[PIXEL_TOKENS];
  uint32_t total;
  double bits;    /* what its tokens cost with frequencies of their own */
  double saved;   /* by merging with the next stretch */
  unsigned first; /* position in the chain */
};

/* Bits that stating one more cluster takes, for each token in use: measured over CT and MR. */
#define BITS_PER_WEIGHT 3.5

/* The binary logarithm, 0 for 0, to about 1e-8: the mantissa by the first terms of the inverse hyperbolic tangent. */
static double logarithm(uint32_t value) {
  double number = value + (value == 0);
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  int exponent = (int)(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffff) | UINT64_C(1023) << 52;
  memcpy(&number, &bits, sizeof number);
  double t = (number - 1.4142135623730951) / (number + 1.4142135623730951);
  double square = t * t;
  return exponent + 0.5 +
         t * (2.8853900817779268 +
              square * (0.9617966939259756 + square * (0.5770780163555854 + square * 0.41219858311113244)));
}

static double bits_of(const uint32_t *counts, uint32_t total, unsigned tokens) {
  double bits = total * logarithm(total);
  double used = 0;
  for (unsigned i = 0; i < tokens; i++) {
    bits -= counts[i] * logarithm(counts[i]);
    used += counts[i] != 0;
  }
  return bits + used * BITS_PER_WEIGHT;
}

static double merged_bits(const struct stretch *a, const struct stretch *b, unsigned tokens) {
  uint32_t counts[PIXEL_TOKENS];
  for (unsigned i = 0; i < tokens; i++) counts[i] = a->counts[i] + b->counts[i];
  return bits_of(counts, a->total + b->total, tokens);
}

static void weigh(struct stretch *stretches, unsigned count, unsigned i, unsigned tokens) {
  if (i + 1 >= count) return;
  struct stretch *a = &stretches[i], *b = &stretches[i + 1];
  a->saved = a->bits + b->bits - merged_bits(a, b, tokens);
}

static unsigned merge_all(struct stretch *stretches, unsigned count, unsigned tokens) {
  for (unsigned i = 0; i < count; i++) weigh(stretches, count, i, tokens);
  while (count > 1) {
    unsigned best = 0;
    for (unsigned i = 1; i + 1 < count; i++)
      if (stretches[i].saved > stretches[best].saved) best = i;
    if (count <= PIXEL_CLUSTERS_MAX && stretches[best].saved <= 0) break;
    struct stretch *a = &stretches[best], *b = &stretches[best + 1];
    for (unsigned i = 0; i < tokens; i++) a->counts[i] += b->counts[i];
    a->bits = a->bits + b->bits - a->saved;
    a->total += b->total;
    memmove(b, b + 1, (count - best - 2) * sizeof *b);
    count--;
    weigh(stretches, count, best, tokens);
    if (best > 0) weigh(stretches, count, best - 1, tokens);
  }
  return count;
}

static unsigned tokens_in(const struct pixel_counts *counts, unsigned chain_length) {
  for (unsigned token = PIXEL_TOKENS; token > 1; token--)
    for (unsigned i = 0; i < chain_length; i++)
      if (counts->of[i][token - 1] != 0) return token;
  return 1;
}

static double raw_bytes(const struct pixel_counts *counts, unsigned chain_length, unsigned tokens) {
  double bits = 0;
  for (unsigned i = 0; i < chain_length; i++)
    for (unsigned t = PIXEL_TOKENS_PLAIN; t < tokens; t++) bits += (double)counts->of[i][t] * pixel_raw_bits(t);
  return bits / 8;
}

/* A state costs three bytes, and is worth a percent of the size at most: many states are for speed. */
static uint8_t lanes_log2_for(double bytes) {
  if (bytes >= 16384) return 5;
  if (bytes >= 6144) return 4;
  if (bytes >= 2048) return 3;
  return bytes >= 512 ? 2 : 1;
}

void pixel_model_cluster(struct pixel_plane *plane, const struct pixel_counts *counts) {
  unsigned length = pixel_chain_length(plane);
  unsigned tokens = tokens_in(counts, length);
  struct stretch stretches[PIXEL_CHAIN_MAX];
  unsigned count = 0;
  for (unsigned i = 0; i < length; i++) {
    struct stretch *stretch = &stretches[count];
    stretch->total = 0;
    stretch->first = i;
    for (unsigned t = 0; t < tokens; t++) stretch->total += counts->of[i][t];
    if (stretch->total == 0) continue;
    memcpy(stretch->counts, counts->of[i], sizeof stretch->counts);
    stretch->bits = bits_of(stretch->counts, stretch->total, tokens);
    count++;
  }
  count = merge_all(stretches, count, tokens);
  double bits = 0;
  for (unsigned i = 0; i < count; i++) bits += stretches[i].bits;
  plane->lanes_log2 = lanes_log2_for(bits / 8 + raw_bytes(counts, length, tokens));
  plane->tokens = (uint8_t)tokens;
  plane->clusters = (uint8_t)count;
  unsigned at = 0;
  for (unsigned i = 0; i < length; i++) {
    if (at + 1 < count && stretches[at + 1].first <= i) at++;
    plane->cluster_of[i] = (uint8_t)at;
  }
  for (unsigned c = 0; c < count; c++)
    for (unsigned t = 0; t < tokens; t++)
      plane->weights[c][t] = pixel_weight_level(stretches[c].counts[t], stretches[c].total);
}
