/*
 * One plane of samples: its parameters, which stand before its entropy coded residuals, and what is derived from them.
 *
 * A plane is `rows` times `columns` samples of 16 bits, all arithmetic modulo 65536. docs/format-pixel.md defines
 * every field. Threads: plain values, no sharing.
 */
#ifndef CODEC_PIXEL_PLANE_H
#define CODEC_PIXEL_PLANE_H

#include "base/bytes.h"
#include "codec/pixel_format.h"

/* Taps and bias are signed bytes in the stream. */
struct pixel_class {
  int16_t taps[PIXEL_TAPS]; /* N, NW, NE, WW, NN, in 64ths of their difference from W */
  int16_t bias;             /* in 8ths of a sample step */
};

struct pixel_plane {
  uint8_t kind;                              /* enum pixel_plane_kind */
  uint16_t base;                             /* added to every sample; the whole plane where it is constant */
  uint16_t spike;                            /* the most frequent sample, less the base */
  uint8_t mark_shift;                        /* residual sizes lose these low bits before they become marks */
  uint8_t lanes_log2;                        /* entropy coder states: 0 to 5 */
  uint8_t levels;                            /* 1 to PIXEL_LEVELS_MAX */
  uint16_t thresholds[PIXEL_LEVELS_MAX - 1]; /* ascending; a sum of sizes at or above one is in the next level */
  uint8_t classes;                           /* 1 to PIXEL_CLASSES_MAX; 1 where the predictor is the median */
  uint8_t class_of_level[PIXEL_LEVELS_MAX];
  struct pixel_class class_of[PIXEL_CLASSES_MAX];
  uint8_t clusters;                                  /* 1 to PIXEL_CLUSTERS_MAX */
  uint8_t cluster_of[128];                           /* ascending along the chain */
  uint8_t tokens;                                    /* 1 to PIXEL_TOKENS: tokens from here on do not occur */
  uint8_t weights[PIXEL_CLUSTERS_MAX][PIXEL_TOKENS]; /* frequency levels */
};

/* Positions in the chain of contexts. */
static inline unsigned pixel_chain_length(const struct pixel_plane *plane) { return 2 + PIXEL_GROUPS * plane->levels; }

/* The level of a sum of sizes. */
unsigned pixel_plane_level(const struct pixel_plane *plane, unsigned size_sum);

/* The position in the chain for a weighted count of spikes (0 to 7) and a level, in any row but the first. */
unsigned pixel_plane_chain_at(const struct pixel_plane *plane, unsigned spikes, unsigned level);

/* Frequencies of one cluster, adding up to PIXEL_PROBABILITY_ONE. False where no token has a weight. */
bool pixel_plane_frequencies(const struct pixel_plane *plane, unsigned cluster, uint16_t frequencies[PIXEL_TOKENS]);

/* The smallest level whose weight is nearest to `count` parts of `total`; at least 1 for a count above 0. */
uint8_t pixel_weight_level(uint32_t count, uint32_t total);

/* The bits that the weights of one cluster take, those of the cluster before it given (or NULL). */
unsigned pixel_plane_weight_bits(const uint8_t *weights, const uint8_t *before, unsigned tokens);

/* Writes the parameters to `out`; gives the bytes used, 0 where `size` is too small. */
size_t pixel_plane_write(const struct pixel_plane *plane, uint8_t *out, size_t size);

/* Reads and checks parameters; gives the bytes used, 0 where they are not valid. */
size_t pixel_plane_parse(struct pixel_plane *plane, struct cas_slice coded);

#endif
