/*
 * The constants of a coded frame's bytes, as docs/format-pixel.md describes them.
 */
#ifndef CODEC_PIXEL_FORMAT_H
#define CODEC_PIXEL_FORMAT_H

/* The first byte of every coded frame. */
enum pixel_method {
  PIXEL_METHOD_RAW = 0,   /* the bytes themselves */
  PIXEL_METHOD_ZSTD = 1,  /* one zstd frame */
  PIXEL_METHOD_MODEL = 2, /* planes of predicted, context coded samples */
};

/* The first byte of every plane of a modelled frame. */
enum pixel_plane_kind {
  PIXEL_PLANE_CONSTANT = 0,
  PIXEL_PLANE_MEDIAN = 1, /* the median edge predictor */
  PIXEL_PLANE_LINEAR = 2, /* linear predictors fitted to the plane, one for each class of activity */
};

/* Residuals are zigzag codes. The last code stands for the plane's spike, its most frequent value. */
#define PIXEL_CODE_SPIKE 0xffffu

/* Tokens: 0 is the spike, 1 to 16 the codes 0 to 15, then four for each octave with raw low bits. */
#define PIXEL_TOKENS 65
#define PIXEL_TOKENS_PLAIN 17

/* What one residual leaves to its neighbours' contexts: its size up to 255, or this for a spike. The weights of the
 * six neighbours add up to 7, so that a sum of marks keeps spikes (from bit 11) and sizes (below) apart. */
#define PIXEL_MARK_SPIKE 0x800u
#define PIXEL_MARK_SIZE_MAX 255u
#define PIXEL_MARK_SUMS 0x4000u

/* Contexts before clustering stand in one chain: the first row, then four groups of levels for more and more spikes
 * among the neighbours, then all neighbours spikes. */
#define PIXEL_LEVELS_MAX 16u
#define PIXEL_GROUPS 4u
#define PIXEL_CHAIN_MAX (2 + PIXEL_GROUPS * PIXEL_LEVELS_MAX)
#define PIXEL_CLUSTERS_MAX 16u
#define PIXEL_CLASSES_MAX 8u

/* Linear predictors: taps on the differences of N, NW, NE, WW and NN from W in 64ths, and a bias in 8ths. */
#define PIXEL_TAPS 5
#define PIXEL_TAP_BITS 6

/* Entropy coding: rANS with 32 bit states of 16 bit words, probabilities in 2048ths. */
#define PIXEL_PROBABILITY_BITS 11
#define PIXEL_PROBABILITY_ONE (1u << PIXEL_PROBABILITY_BITS)
#define PIXEL_LANES_MAX 32u
#define PIXEL_STATE_MIN (1u << 16)

/* Frequencies are stated as levels, four to an octave. */
#define PIXEL_WEIGHT_LEVELS 50u

#define PIXEL_ZSTD_LEVEL 3

/* What is tried with zstd to see whether a frame suits it. */
#define PIXEL_TRIAL_BYTES_MIN 256u
#define PIXEL_TRIAL_BYTES_MAX 8192u

#endif
