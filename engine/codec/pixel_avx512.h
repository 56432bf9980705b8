/*
 * What the AVX-512 kernels share: the instruction sets they need, and prediction for 32 samples at once.
 *
 * Every function gives exactly what its namesake in pixel_predict.h and pixel_kernels.c gives.
 */
#ifndef CODEC_PIXEL_AVX512_H
#define CODEC_PIXEL_AVX512_H

#if defined(__x86_64__)

#include <immintrin.h>

#include "codec/pixel_kernels.h"

/* Ice Lake and Zen 4 or later. */
#define PIXEL_AVX512                                                                                                   \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd,avx512vbmi,avx512vbmi2,bmi2,popcnt")))
#define PIXEL_AVX512_INLINE static inline __attribute__((always_inline)) PIXEL_AVX512

/* Predictor parameters in lanes of 32 bits by class: taps of two neighbours each, the last with the bias. */
struct pixel_taps {
  __m512i n_nw;
  __m512i ne_ww;
  __m512i nn_bias;
};

struct pixel_neighbours {
  __m512i w, n, nw, ne, ww, nn;
};

PIXEL_AVX512_INLINE struct pixel_taps pixel_taps_load(const struct pixel_plane *plane) {
  int16_t pairs[3][32] = {{0}};
  for (unsigned i = 0; i < 16; i++) {
    /* Lanes from PIXEL_CLASSES_MAX on are the left neighbour: no taps, but the half that rounds. */
    static const struct pixel_class left = {.taps = {0}, .bias = 0};
    const struct pixel_class *class = i < PIXEL_CLASSES_MAX ? &plane->class_of[i] : &left;
    pairs[0][2 * i] = class->taps[0];
    pairs[0][2 * i + 1] = class->taps[1];
    pairs[1][2 * i] = class->taps[2];
    pairs[1][2 * i + 1] = class->taps[3];
    pairs[2][2 * i] = class->taps[4];
    pairs[2][2 * i + 1] = (int16_t)(class->bias * 8 + (1 << (PIXEL_TAP_BITS - 1)));
  }
  return (struct pixel_taps){_mm512_loadu_si512(pairs[0]), _mm512_loadu_si512(pairs[1]), _mm512_loadu_si512(pairs[2])};
}

/* `classes_low` and `classes_high`: class of each lane, 32 bits each, in the order of unpacklo and unpackhi. */
PIXEL_AVX512_INLINE __m512i pixel_predict_linear_32(const struct pixel_taps *taps, __m512i classes_low,
                                                    __m512i classes_high, const struct pixel_neighbours *at) {
  __m512i one = _mm512_set1_epi16(1);
  __m512i n = _mm512_sub_epi16(at->n, at->w), nw = _mm512_sub_epi16(at->nw, at->w);
  __m512i ne = _mm512_sub_epi16(at->ne, at->w), ww = _mm512_sub_epi16(at->ww, at->w);
  __m512i nn = _mm512_sub_epi16(at->nn, at->w);
  __m512i a = _mm512_permutexvar_epi32(classes_low, taps->n_nw);
  __m512i b = _mm512_permutexvar_epi32(classes_low, taps->ne_ww);
  __m512i c = _mm512_permutexvar_epi32(classes_low, taps->nn_bias);
  __m512i low = _mm512_madd_epi16(a, _mm512_unpacklo_epi16(n, nw));
  low = _mm512_add_epi32(low, _mm512_madd_epi16(c, _mm512_unpacklo_epi16(nn, one)));
  low = _mm512_add_epi32(low, _mm512_madd_epi16(b, _mm512_unpacklo_epi16(ne, ww)));
  a = _mm512_permutexvar_epi32(classes_high, taps->n_nw);
  b = _mm512_permutexvar_epi32(classes_high, taps->ne_ww);
  c = _mm512_permutexvar_epi32(classes_high, taps->nn_bias);
  __m512i high = _mm512_madd_epi16(a, _mm512_unpackhi_epi16(n, nw));
  high = _mm512_add_epi32(high, _mm512_madd_epi16(c, _mm512_unpackhi_epi16(nn, one)));
  high = _mm512_add_epi32(high, _mm512_madd_epi16(b, _mm512_unpackhi_epi16(ne, ww)));
  low = _mm512_srai_epi32(low, PIXEL_TAP_BITS);
  high = _mm512_srai_epi32(high, PIXEL_TAP_BITS);
  return _mm512_add_epi16(at->w, _mm512_packs_epi32(low, high));
}

PIXEL_AVX512_INLINE __m512i pixel_predict_median_32(const struct pixel_neighbours *at) {
  __m512i low = _mm512_min_epu16(at->w, at->n), high = _mm512_max_epu16(at->w, at->n);
  __m512i middle = _mm512_min_epu16(_mm512_max_epu16(at->nw, low), high);
  return _mm512_sub_epi16(_mm512_add_epi16(at->w, at->n), middle);
}

/* Marks of 32 codes. */
PIXEL_AVX512_INLINE __m512i pixel_marks_32(__m512i codes, __m128i mark_shift) {
  __m512i sizes = _mm512_srl_epi16(_mm512_avg_epu16(codes, _mm512_setzero_si512()), mark_shift);
  sizes = _mm512_min_epu16(sizes, _mm512_set1_epi16((short)PIXEL_MARK_SIZE_MAX));
  __mmask32 spikes = _mm512_cmpeq_epi16_mask(codes, _mm512_set1_epi16((short)PIXEL_CODE_SPIKE));
  return _mm512_mask_mov_epi16(sizes, spikes, _mm512_set1_epi16((short)PIXEL_MARK_SPIKE));
}

void pixel_avx512_contexts(const struct pixel_context_map *map, const uint16_t *above2, const uint16_t *above,
                           uint32_t columns, uint8_t *values);
bool pixel_avx512_forward(const struct pixel_forward *forward);
void pixel_avx512_restore(const struct pixel_block *block);
void pixel_avx512_read_row(struct pixel_reader *reader, const pixel_slot *slots, uint32_t columns,
                           const uint8_t *contexts, unsigned mark_shift, uint16_t *codes, uint16_t *marks);
void pixel_avx512_write_row(struct pixel_writer *writer, const pixel_symbol *symbols, const uint8_t *cluster_of,
                            uint32_t columns, const uint16_t *codes, const uint8_t *tokens, const uint8_t *chain);

#endif
#endif
