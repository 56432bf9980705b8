/*
 * The AVX-512 kernel that restores samples: 32 rows at once, each two samples behind the one above it.
 *
 * At step t lane i works on column t - 2 i of row i, so that all its neighbours in the row above, up to NE, were found
 * one step before. Codes and classes come in skewed tiles of 32 by 32 that are transposed, and samples leave by
 * the same way.
 *
 *   step t:   NE = the samples of step t - 1, one lane up; the lowest lane takes it from the row above the block
 *             N = NE of step t - 1, NW = NE of step t - 2, NN = NE of step t - 3, one lane up
 *             W, WW = the lane's own samples of the steps t - 1 and t - 2
 *
 * Left of its first column a lane holds its NE, and right of its last column its W: just what pixel_row_open and
 * pixel_row_close put there.
 */
#include "codec/pixel_avx512.h"
#include "codec/pixel_predict.h"

#if defined(__x86_64__)

#define LANES 32u
#define LAG 2u

/* Transposes 16 rows of 16 elements. */
PIXEL_AVX512_INLINE void transpose_16(const uint16_t *in, size_t in_stride, uint16_t *out, size_t out_stride) {
  __m256i a[16], b[16];
  for (unsigned i = 0; i < 16; i++) a[i] = _mm256_loadu_si256((const __m256i *)(const void *)(in + i * in_stride));
  for (unsigned i = 0; i < 8; i++) {
    b[2 * i] = _mm256_unpacklo_epi16(a[2 * i], a[2 * i + 1]);
    b[2 * i + 1] = _mm256_unpackhi_epi16(a[2 * i], a[2 * i + 1]);
  }
  for (unsigned i = 0; i < 4; i++)
    for (unsigned j = 0; j < 2; j++) {
      a[4 * i + 2 * j] = _mm256_unpacklo_epi32(b[4 * i + j], b[4 * i + 2 + j]);
      a[4 * i + 2 * j + 1] = _mm256_unpackhi_epi32(b[4 * i + j], b[4 * i + 2 + j]);
    }
  for (unsigned i = 0; i < 2; i++)
    for (unsigned j = 0; j < 4; j++) {
      b[8 * i + 2 * j] = _mm256_unpacklo_epi64(a[8 * i + j], a[8 * i + 4 + j]);
      b[8 * i + 2 * j + 1] = _mm256_unpackhi_epi64(a[8 * i + j], a[8 * i + 4 + j]);
    }
  for (unsigned i = 0; i < 8; i++) {
    __m256i low = _mm256_permute2x128_si256(b[i], b[8 + i], 0x20);
    __m256i high = _mm256_permute2x128_si256(b[i], b[8 + i], 0x31);
    _mm256_storeu_si256((__m256i *)(void *)(out + i * out_stride), low);
    _mm256_storeu_si256((__m256i *)(void *)(out + (i + 8) * out_stride), high);
  }
}

/* Reads the skewed tile whose lowest lane begins at `in`; rows from `rows` on repeat the last. */
PIXEL_AVX512_INLINE void tile_in(const uint16_t *in, size_t stride, uint32_t rows, uint16_t tile[LANES][LANES]) {
  for (unsigned half = 0; half < LANES; half += 16) {
    uint16_t lines[16][LANES];
    for (unsigned i = 0; i < 16; i++) {
      unsigned lane = half + i < rows ? half + i : rows - 1;
      _mm512_storeu_si512(lines[i], _mm512_loadu_si512(in + lane * stride - (size_t)LAG * (half + i)));
    }
    transpose_16(lines[0], LANES, &tile[0][half], LANES);
    transpose_16(&lines[0][16], LANES, &tile[16][half], LANES);
  }
}

PIXEL_AVX512_INLINE void tile_in_classes(const uint8_t *in, size_t stride, uint32_t rows, uint16_t tile[LANES][LANES]) {
  for (unsigned half = 0; half < LANES; half += 16) {
    uint16_t lines[16][LANES];
    for (unsigned i = 0; i < 16; i++) {
      unsigned lane = half + i < rows ? half + i : rows - 1;
      const uint8_t *at = in + lane * stride - (size_t)LAG * (half + i);
      __m512i wide = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)at));
      _mm512_storeu_si512(lines[i], _mm512_srli_epi16(wide, 4));
    }
    transpose_16(lines[0], LANES, &tile[0][half], LANES);
    transpose_16(&lines[0][16], LANES, &tile[16][half], LANES);
  }
}

PIXEL_AVX512_INLINE void tile_out(uint16_t tile[LANES][LANES], uint16_t *out, size_t stride, uint32_t rows) {
  for (unsigned half = 0; half < LANES && half < rows; half += 16) {
    uint16_t lines[16][LANES];
    transpose_16(&tile[0][half], LANES, lines[0], LANES);
    transpose_16(&tile[16][half], LANES, &lines[0][16], LANES);
    for (unsigned i = 0; i < 16 && half + i < rows; i++)
      _mm512_storeu_si512(out + (half + i) * stride - (size_t)LAG * (half + i), _mm512_loadu_si512(lines[i]));
  }
}

/* The samples of the last steps. */
struct front {
  __m512i w, ww;         /* of steps t - 1 and t - 2 */
  __m512i ne1, ne2, ne3; /* NE of steps t - 1, t - 2 and t - 3 */
};

/* Every lane's value one lane up, and `lowest` in the lowest lane. */
PIXEL_AVX512_INLINE __m512i lane_up(__m512i value, uint16_t lowest) {
  static const uint16_t order[LANES] = {32, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
                                        15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30};
  return _mm512_permutex2var_epi16(value, _mm512_loadu_si512(order), _mm512_set1_epi16((short)lowest));
}

/* Lanes whose column is not yet the first, and those whose column is past the last, at step t. */
PIXEL_AVX512_INLINE __mmask32 lanes_before(uint32_t t) {
  return t >= LAG * (LANES - 1) ? 0 : UINT32_MAX << (t / LAG + 1);
}

PIXEL_AVX512_INLINE __mmask32 lanes_after(uint32_t t, uint32_t columns) {
  if (t < columns) return 0;
  uint32_t lane = (t - columns) / LAG;
  return lane >= LANES - 1 ? UINT32_MAX : (2u << lane) - 1;
}

PIXEL_AVX512_INLINE __m512i step(struct front *front, const struct pixel_taps *taps, bool linear, bool first_block,
                                 __m512i ne, __m512i nn, __m512i classes, __m512i codes, __m512i spike) {
  struct pixel_neighbours at = {.w = front->w, .n = front->ne1, .nw = front->ne2, .ne = ne, .ww = front->ww, .nn = nn};
  __m512i predicted;
  if (linear) {
    /* The second row of a plane has no row two above. */
    if (first_block) at.nn = _mm512_mask_mov_epi16(at.nn, 2, at.n);
    __m512i zero = _mm512_setzero_si512();
    predicted =
        pixel_predict_linear_32(taps, _mm512_unpacklo_epi16(classes, zero), _mm512_unpackhi_epi16(classes, zero), &at);
  } else {
    predicted = pixel_predict_median_32(&at);
  }
  __m512i sign = _mm512_sub_epi16(_mm512_setzero_si512(), _mm512_and_si512(codes, _mm512_set1_epi16(1)));
  __m512i residual = _mm512_xor_si512(_mm512_srli_epi16(codes, 1), sign);
  __mmask32 is_spike = _mm512_cmpeq_epi16_mask(codes, _mm512_set1_epi16((short)PIXEL_CODE_SPIKE));
  return _mm512_mask_mov_epi16(_mm512_add_epi16(predicted, residual), is_spike, spike);
}

PIXEL_AVX512_INLINE void restore_block(const struct pixel_block *block, bool linear, bool first_block) {
  struct pixel_taps taps = pixel_taps_load(block->plane);
  __m512i spike = _mm512_set1_epi16((short)block->plane->spike);
  const uint16_t *above = block->samples - block->stride, *above2 = above - block->stride;
  /* The lowest lane begins in its first column. */
  pixel_row_open(block->samples, above);
  struct front front = {
      .w = _mm512_set1_epi16((short)above[0]),
      .ww = _mm512_set1_epi16((short)above[-1]),
      .ne1 = _mm512_set1_epi16((short)above[0]),
      .ne2 = _mm512_set1_epi16((short)above[-1]),
      .ne3 = _mm512_setzero_si512(),
  };
  uint32_t steps = block->columns + LAG * LANES;
  for (uint32_t t0 = 0; t0 < steps; t0 += LANES) {
    uint16_t codes[LANES][LANES], classes[LANES][LANES], samples[LANES][LANES];
    tile_in(block->codes + t0, block->stride, block->rows, codes);
    if (linear) tile_in_classes(block->contexts + t0, block->stride, block->rows, classes);
    for (uint32_t j = 0; j < LANES; j++) {
      uint32_t t = t0 + j;
      /* Past its end, the row above repeats its last sample: pixel_row_close. */
      uint32_t column = t < block->columns ? t : block->columns - 1;
      __m512i ne = lane_up(front.w, above[column + 1]);
      __m512i nn = lane_up(front.ne3, above2[column]);
      __m512i sample =
          step(&front, &taps, linear, first_block, ne, nn,
               linear ? _mm512_loadu_si512(classes[j]) : _mm512_setzero_si512(), _mm512_loadu_si512(codes[j]), spike);
      sample = _mm512_mask_mov_epi16(sample, lanes_before(t), ne);
      sample = _mm512_mask_mov_epi16(sample, lanes_after(t, block->columns), front.w);
      _mm512_storeu_si512(samples[j], sample);
      front.ne3 = front.ne2;
      front.ne2 = front.ne1;
      front.ne1 = ne;
      front.ww = front.w;
      front.w = sample;
    }
    tile_out(samples, block->samples + t0, block->stride, block->rows);
  }
}

PIXEL_AVX512 void pixel_avx512_restore(const struct pixel_block *block) {
  bool linear = block->plane->kind == PIXEL_PLANE_LINEAR;
  if (linear && block->first_row == 0)
    restore_block(block, true, true);
  else if (linear)
    restore_block(block, true, false);
  else
    restore_block(block, false, false);
}

#endif
