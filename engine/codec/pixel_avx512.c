/*
 * The AVX-512 kernels for contexts and for the encoder's residuals, and the table of them all.
 */
#include "codec/pixel_avx512.h"

#if defined(__x86_64__)

PIXEL_AVX512 static struct pixel_range range(const uint16_t *samples, size_t count) {
  __m512i low = _mm512_set1_epi16(-1), high = _mm512_setzero_si512();
  __m512i signed_low = _mm512_set1_epi16(INT16_MAX), signed_high = _mm512_set1_epi16(INT16_MIN);
  for (size_t i = 0; i < count; i += 32) {
    /* What is short of a vector is filled up with the first sample. */
    __mmask32 in = count - i >= 32 ? UINT32_MAX : (1u << (count - i)) - 1;
    __m512i value = _mm512_mask_loadu_epi16(_mm512_set1_epi16((short)samples[0]), in, samples + i);
    low = _mm512_min_epu16(low, value);
    high = _mm512_max_epu16(high, value);
    signed_low = _mm512_min_epi16(signed_low, value);
    signed_high = _mm512_max_epi16(signed_high, value);
  }
  uint16_t lanes[4][32];
  _mm512_storeu_si512(lanes[0], low);
  _mm512_storeu_si512(lanes[1], high);
  _mm512_storeu_si512(lanes[2], signed_low);
  _mm512_storeu_si512(lanes[3], signed_high);
  return (struct pixel_range){
      .low = pixel_kernels_plain.range(lanes[0], 32).low,
      .high = pixel_kernels_plain.range(lanes[1], 32).high,
      .signed_low = pixel_kernels_plain.range(lanes[2], 32).signed_low,
      .signed_high = pixel_kernels_plain.range(lanes[3], 32).signed_high,
  };
}

/* Places of a row's elements past its end may be read and written: every row has that room. */
PIXEL_AVX512 void pixel_avx512_contexts(const struct pixel_context_map *map, const uint16_t *above2,
                                        const uint16_t *above, uint32_t columns, uint8_t *values) {
  __m512i thresholds = _mm512_loadu_si512(map->thresholds);
  __m512i table_low = _mm512_loadu_si512(map->value_of), table_high = _mm512_loadu_si512(map->value_of + 64);
  for (uint32_t x = 0; x < columns; x += 32) {
    const uint16_t *at = above + x;
    __m512i sum = _mm512_slli_epi16(_mm512_loadu_si512(at), 1);
    sum = _mm512_add_epi16(sum, _mm512_add_epi16(_mm512_loadu_si512(at - 1), _mm512_loadu_si512(at + 1)));
    sum = _mm512_add_epi16(sum, _mm512_add_epi16(_mm512_loadu_si512(at - 2), _mm512_loadu_si512(at + 2)));
    sum = _mm512_add_epi16(sum, _mm512_loadu_si512(above2 + x));
    __m512i sizes = _mm512_and_si512(sum, _mm512_set1_epi16(0x7ff));
    /* How many of 15 thresholds are not above the sum: a binary search over 16 levels. */
    __m512i level = _mm512_setzero_si512();
    for (int step = 8; step > 0; step >>= 1) {
      __m512i probe = _mm512_add_epi16(level, _mm512_set1_epi16((short)(step - 1)));
      __mmask32 above_it = _mm512_cmpge_epu16_mask(sizes, _mm512_permutexvar_epi16(probe, thresholds));
      level = _mm512_mask_add_epi16(level, above_it, level, _mm512_set1_epi16((short)step));
    }
    __m512i spikes = _mm512_slli_epi16(_mm512_srli_epi16(sum, 11), 4);
    __m512i index = _mm512_or_si512(spikes, level);
    __m256i value = _mm512_cvtepi16_epi8(_mm512_permutex2var_epi8(table_low, index, table_high));
    uint32_t rest = columns - x;
    if (rest >= 32)
      _mm256_storeu_si256((__m256i *)(void *)(values + x), value);
    else
      _mm256_mask_storeu_epi8(values + x, (1u << rest) - 1, value);
  }
}

/* Tokens of 16 codes in lanes of 32 bits; spikes are mended by the caller. */
PIXEL_AVX512_INLINE __m512i tokens_16(__m512i codes) {
  __m512i octave = _mm512_sub_epi32(_mm512_set1_epi32(31), _mm512_lzcnt_epi32(codes));
  __m512i raw_bits = _mm512_sub_epi32(octave, _mm512_set1_epi32(2));
  __m512i quarter = _mm512_and_si512(_mm512_srlv_epi32(codes, raw_bits), _mm512_set1_epi32(3));
  __m512i high = _mm512_add_epi32(_mm512_slli_epi32(raw_bits, 2), quarter);
  high = _mm512_add_epi32(high, _mm512_set1_epi32(PIXEL_TOKENS_PLAIN - 8));
  __mmask16 plain = _mm512_cmplt_epu32_mask(codes, _mm512_set1_epi32(16));
  return _mm512_mask_add_epi32(high, plain, codes, _mm512_set1_epi32(1));
}

PIXEL_AVX512_INLINE bool forward_row(const struct pixel_forward *f, bool linear) {
  struct pixel_taps taps = pixel_taps_load(f->plane);
  __m512i spike = _mm512_set1_epi16((short)f->plane->spike);
  __m512i all = _mm512_set1_epi16((short)PIXEL_CODE_SPIKE);
  __m128i mark_shift = _mm_cvtsi32_si128(f->plane->mark_shift);
  __m512i class_low = _mm512_loadu_si512(f->class_of_chain), class_high = _mm512_loadu_si512(f->class_of_chain + 64);
  uint32_t lost = 0;
  for (uint32_t x = 0; x < f->columns; x += 32) {
    uint32_t rest = f->columns - x;
    __mmask32 in = rest >= 32 ? UINT32_MAX : (1u << rest) - 1;
    const uint16_t *row = f->row + x, *above = f->above.above + x;
    __m512i sample = _mm512_loadu_si512(row);
    struct pixel_neighbours at = {
        .w = _mm512_loadu_si512(row - 1),
        .n = _mm512_loadu_si512(above),
        .nw = _mm512_loadu_si512(above - 1),
    };
    __m512i predicted;
    if (linear) {
      at.ne = _mm512_loadu_si512(above + 1);
      at.ww = _mm512_loadu_si512(row - 2);
      at.nn = _mm512_loadu_si512(f->above.above2 + x);
      __m512i chain = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(in, f->chain + x));
      __m512i class = _mm512_and_si512(_mm512_permutex2var_epi8(class_low, chain, class_high), _mm512_set1_epi16(255));
      __m512i zero = _mm512_setzero_si512();
      predicted =
          pixel_predict_linear_32(&taps, _mm512_unpacklo_epi16(class, zero), _mm512_unpackhi_epi16(class, zero), &at);
    } else {
      predicted = pixel_predict_median_32(&at);
    }
    __m512i residual = _mm512_sub_epi16(sample, predicted);
    __m512i code = _mm512_xor_si512(_mm512_add_epi16(residual, residual), _mm512_srai_epi16(residual, 15));
    __mmask32 is_spike = _mm512_cmpeq_epi16_mask(sample, spike);
    lost |= _mm512_cmpeq_epi16_mask(code, all) & ~is_spike & in;
    code = _mm512_mask_mov_epi16(code, is_spike, all);
    __m256i low = _mm512_cvtepi32_epi16(tokens_16(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(code))));
    __m256i high = _mm512_cvtepi32_epi16(tokens_16(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(code, 1))));
    __m512i token = _mm512_maskz_mov_epi16(_mm512_cmpneq_epi16_mask(code, all),
                                           _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1));
    _mm512_storeu_si512(f->marks + x, pixel_marks_32(code, mark_shift));
    if (rest >= 32) {
      _mm512_storeu_si512(f->codes + x, code);
      _mm256_storeu_si256((__m256i *)(void *)(f->tokens + x), _mm512_cvtepi16_epi8(token));
    } else {
      _mm512_mask_storeu_epi16(f->codes + x, in, code);
      _mm256_mask_storeu_epi8(f->tokens + x, in, _mm512_cvtepi16_epi8(token));
    }
  }
  return lost == 0;
}

PIXEL_AVX512 bool pixel_avx512_forward(const struct pixel_forward *forward) {
  return forward->plane->kind == PIXEL_PLANE_LINEAR ? forward_row(forward, true) : forward_row(forward, false);
}

static const struct pixel_kernels kernels = {
    .name = "avx512",
    .range = range,
    .contexts = pixel_avx512_contexts,
    .forward = pixel_avx512_forward,
    .read_row = pixel_avx512_read_row,
    .restore = pixel_avx512_restore,
    .write_row = pixel_avx512_write_row,
};

const struct pixel_kernels *pixel_kernels_avx512(void) {
  bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vbmi") &&
             __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi2");
  return has ? &kernels : NULL;
}

#else

const struct pixel_kernels *pixel_kernels_avx512(void) { return NULL; }

#endif
