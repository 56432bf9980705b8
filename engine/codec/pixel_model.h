/*
 * The encoder's choice of a plane's parameters: from a sample of its rows before it is coded, and from the counts of
 * its tokens after.
 *
 * Nothing here is part of the format: any parameters decode. Threads: plain values, no sharing.
 */
#ifndef CODEC_PIXEL_MODEL_H
#define CODEC_PIXEL_MODEL_H

#include "codec/pixel_kernels.h"

/* Counts of tokens for each place in the chain of contexts. */
struct pixel_counts {
  uint32_t of[PIXEL_CHAIN_MAX][PIXEL_TOKENS];
};

/* Sets base, and kind to constant or median. */
void pixel_model_range(struct pixel_plane *plane, const struct pixel_kernels *kernels, const uint16_t *samples,
                       size_t count);

/*
 * Sets spike, predictor, classes, thresholds and mark shift from some rows of the plane. `scratch` has room for one
 * element for each pixel. CAS_NO_MEMORY only.
 */
cas_status pixel_model_fit(struct pixel_plane *plane, const struct pixel_kernels *kernels, const uint16_t *samples,
                           uint32_t rows, uint32_t columns, uint16_t *scratch);

/* Merges contexts into clusters while that saves bits, and sets clusters, tokens, weights and lanes. */
void pixel_model_cluster(struct pixel_plane *plane, const struct pixel_counts *counts);

#endif
