/*
 * The AVX-512 kernels of the entropy coder: 16 states in a vector, one or two vectors.
 *
 * Fewer than 16 states are left to plain C: they are for planes of a few kilobytes.
 */
#include "codec/pixel_avx512.h"

#if defined(__x86_64__)

/* Fills the states below their range from the stream, in the order of their lanes. */
PIXEL_AVX512_INLINE __m512i refill(__m512i state, const uint8_t **next) {
  __mmask16 below = _mm512_cmplt_epu32_mask(state, _mm512_set1_epi32(PIXEL_STATE_MIN));
  __m512i words = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)*next));
  __m512i filled = _mm512_or_si512(_mm512_slli_epi32(state, 16), _mm512_maskz_expand_epi32(below, words));
  *next += 2 * _mm_popcnt_u32(below);
  return _mm512_mask_mov_epi32(state, below, filled);
}

/* The token step: the new state before it is filled. Lanes outside `in` stay as they are, with token 0. */
PIXEL_AVX512_INLINE __m512i read_tokens(__m512i state, const pixel_slot *slots, __m128i contexts, __mmask16 in,
                                        __m512i *tokens) {
  __m512i slot = _mm512_and_si512(state, _mm512_set1_epi32(PIXEL_PROBABILITY_ONE - 1));
  __m512i cluster = _mm512_and_si512(_mm512_cvtepu8_epi32(contexts), _mm512_set1_epi32(15));
  slot = _mm512_or_si512(slot, _mm512_slli_epi32(cluster, PIXEL_PROBABILITY_BITS));
  __m512i entry = _mm512_i32gather_epi32(slot, slots, 4);
  __m512i frequency = _mm512_and_si512(entry, _mm512_set1_epi32(0xfff));
  __m512i offset = _mm512_and_si512(_mm512_srli_epi32(entry, 12), _mm512_set1_epi32(0xfff));
  __m512i next = _mm512_mullo_epi32(frequency, _mm512_srli_epi32(state, PIXEL_PROBABILITY_BITS));
  *tokens = _mm512_maskz_srli_epi32(in, entry, 24);
  return _mm512_mask_add_epi32(state, in, next, offset);
}

/* The raw bits of tokens that have some: codes, and the new state before it is filled. */
PIXEL_AVX512_INLINE __m512i read_raw(__m512i state, __m512i tokens, __m512i *codes) {
  __mmask16 has = _mm512_cmpge_epu32_mask(tokens, _mm512_set1_epi32(PIXEL_TOKENS_PLAIN));
  __m512i above = _mm512_sub_epi32(tokens, _mm512_set1_epi32(PIXEL_TOKENS_PLAIN - 8));
  __m512i raw_bits = _mm512_maskz_srli_epi32(has, above, 2);
  __m512i lead = _mm512_add_epi32(_mm512_and_si512(above, _mm512_set1_epi32(3)), _mm512_set1_epi32(4));
  __m512i next = _mm512_srlv_epi32(state, raw_bits);
  __m512i raw = _mm512_sub_epi32(state, _mm512_sllv_epi32(next, raw_bits));
  __m512i plain = _mm512_sub_epi32(tokens, _mm512_set1_epi32(1));
  *codes = _mm512_mask_or_epi32(plain, has, _mm512_sllv_epi32(lead, raw_bits), raw);
  return next;
}

PIXEL_AVX512_INLINE void read_group_32(__m512i state[2], const uint8_t **next, const pixel_slot *slots,
                                       __m256i contexts, __mmask32 in, __m512i *codes) {
  __m512i tokens[2];
  state[0] = read_tokens(state[0], slots, _mm256_castsi256_si128(contexts), (__mmask16)in, &tokens[0]);
  state[1] = read_tokens(state[1], slots, _mm256_extracti128_si256(contexts, 1), (__mmask16)(in >> 16), &tokens[1]);
  state[0] = refill(state[0], next);
  state[1] = refill(state[1], next);
  __m512i code[2] = {_mm512_sub_epi32(tokens[0], _mm512_set1_epi32(1)),
                     _mm512_sub_epi32(tokens[1], _mm512_set1_epi32(1))};
  __m512i most = _mm512_max_epu32(tokens[0], tokens[1]);
  if (_mm512_cmpge_epu32_mask(most, _mm512_set1_epi32(PIXEL_TOKENS_PLAIN)) != 0) {
    state[0] = refill(read_raw(state[0], tokens[0], &code[0]), next);
    state[1] = refill(read_raw(state[1], tokens[1], &code[1]), next);
  }
  *codes =
      _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(code[0])), _mm512_cvtepi32_epi16(code[1]), 1);
}

PIXEL_AVX512_INLINE void store_codes(__m512i codes, __m128i mark_shift, __mmask32 in, uint16_t *code_at,
                                     uint16_t *mark_at) {
  _mm512_mask_storeu_epi16(code_at, in, codes);
  _mm512_mask_storeu_epi16(mark_at, in, pixel_marks_32(codes, mark_shift));
}

PIXEL_AVX512_INLINE void read_row_32(struct pixel_reader *reader, const pixel_slot *slots, uint32_t columns,
                                     const uint8_t *contexts, __m128i mark_shift, uint16_t *codes, uint16_t *marks) {
  __m512i state[2] = {_mm512_loadu_si512(reader->states), _mm512_loadu_si512(reader->states + 16)};
  for (uint32_t x = 0; x < columns; x += 32) {
    if (!pixel_reader_ready(reader)) break;
    const uint8_t *next = reader->next;
    uint32_t rest = columns - x;
    __m512i code;
    if (rest >= 32) {
      __m256i context = _mm256_loadu_si256((const __m256i *)(const void *)(contexts + x));
      read_group_32(state, &next, slots, context, UINT32_MAX, &code);
      _mm512_storeu_si512(codes + x, code);
      _mm512_storeu_si512(marks + x, pixel_marks_32(code, mark_shift));
    } else {
      __mmask32 in = (1u << rest) - 1;
      read_group_32(state, &next, slots, _mm256_maskz_loadu_epi8(in, contexts + x), in, &code);
      store_codes(code, mark_shift, in, codes + x, marks + x);
    }
    reader->next = next;
  }
  _mm512_storeu_si512(reader->states, state[0]);
  _mm512_storeu_si512(reader->states + 16, state[1]);
}

PIXEL_AVX512_INLINE void read_row_16(struct pixel_reader *reader, const pixel_slot *slots, uint32_t columns,
                                     const uint8_t *contexts, __m128i mark_shift, uint16_t *codes, uint16_t *marks) {
  __m512i state = _mm512_loadu_si512(reader->states);
  for (uint32_t x = 0; x < columns; x += 16) {
    if (!pixel_reader_ready(reader)) break;
    uint32_t rest = columns - x;
    __mmask16 in = rest >= 16 ? UINT16_MAX : (__mmask16)((1u << rest) - 1);
    const uint8_t *next = reader->next;
    __m512i tokens, code;
    state = refill(read_tokens(state, slots, _mm_maskz_loadu_epi8(in, contexts + x), in, &tokens), &next);
    state = refill(read_raw(state, tokens, &code), &next);
    reader->next = next;
    store_codes(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(code)), mark_shift, in, codes + x, marks + x);
  }
  _mm512_storeu_si512(reader->states, state);
}

PIXEL_AVX512 void pixel_avx512_read_row(struct pixel_reader *reader, const pixel_slot *slots, uint32_t columns,
                                        const uint8_t *contexts, unsigned mark_shift, uint16_t *codes,
                                        uint16_t *marks) {
  __m128i shift = _mm_cvtsi32_si128((int)mark_shift);
  if (reader->lanes_log2 == 5)
    read_row_32(reader, slots, columns, contexts, shift, codes, marks);
  else if (reader->lanes_log2 == 4)
    read_row_16(reader, slots, columns, contexts, shift, codes, marks);
  else
    pixel_kernels_plain.read_row(reader, slots, columns, contexts, mark_shift, codes, marks);
}

/* Moves the low words of the states in `overflow` out, below `next`, in the order of their lanes. */
PIXEL_AVX512_INLINE __m512i emit(__m512i state, __mmask16 overflow, uint8_t **next) {
  unsigned count = (unsigned)_mm_popcnt_u32(overflow);
  __m256i words = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(overflow, state));
  *next -= 2 * count;
  _mm256_mask_storeu_epi16(*next, (__mmask16)((1u << count) - 1), words);
  return _mm512_mask_srli_epi32(state, overflow, state, 16);
}

PIXEL_AVX512_INLINE __m512i write_raw(__m512i state, __m512i tokens, __m512i codes, uint8_t **next) {
  __mmask16 has = _mm512_cmpge_epu32_mask(tokens, _mm512_set1_epi32(PIXEL_TOKENS_PLAIN));
  __m512i above = _mm512_sub_epi32(tokens, _mm512_set1_epi32(PIXEL_TOKENS_PLAIN - 8));
  __m512i raw_bits = _mm512_maskz_srli_epi32(has, above, 2);
  __m512i free_bits = _mm512_sub_epi32(_mm512_set1_epi32(32), raw_bits);
  /* A shift by 32 gives 0, so lanes without raw bits never overflow. */
  __mmask16 overflow = _mm512_test_epi32_mask(_mm512_srlv_epi32(state, free_bits), _mm512_set1_epi32(-1));
  state = emit(state, overflow, next);
  __m512i mask = _mm512_sub_epi32(_mm512_sllv_epi32(_mm512_set1_epi32(1), raw_bits), _mm512_set1_epi32(1));
  return _mm512_or_si512(_mm512_sllv_epi32(state, raw_bits), _mm512_and_si512(codes, mask));
}

/*
 * The token step, in lanes `in`: state / frequency * 2048 + state % frequency + start, which is
 * state + start + quotient * (2048 - frequency).
 *
 * The state is below frequency * 2^21, so a quotient by floats is off by less than 0.4; less 0.4 and rounded down it is
 * right or one too small.
 */
PIXEL_AVX512_INLINE __m512i write_tokens(__m512i state, __m512i tokens, const pixel_symbol *symbols, __m128i clusters,
                                         __mmask16 in, uint8_t **next) {
  __m512i index = _mm512_or_si512(_mm512_slli_epi32(_mm512_cvtepu8_epi32(clusters), 7), tokens);
  __m512i symbol = _mm512_mask_i32gather_epi32(_mm512_set1_epi32(1), in, index, symbols, 4);
  __m512i frequency = _mm512_and_si512(symbol, _mm512_set1_epi32(0xffff));
  __m512i start = _mm512_srli_epi32(symbol, 16);
  __m512i rest = _mm512_sub_epi32(_mm512_set1_epi32(PIXEL_PROBABILITY_ONE), frequency);
  __m512 reciprocal = _mm512_div_ps(_mm512_set1_ps(1), _mm512_cvtepi32_ps(frequency));
  __mmask16 overflow =
      _mm512_mask_cmpge_epu32_mask(in, _mm512_srli_epi32(state, 32 - PIXEL_PROBABILITY_BITS), frequency);
  state = emit(state, overflow, next);
  __m512 ratio = _mm512_fmsub_ps(_mm512_cvtepu32_ps(state), reciprocal, _mm512_set1_ps(0.4f));
  __m512i quotient = _mm512_cvttps_epi32(ratio);
  __m512i remainder = _mm512_sub_epi32(state, _mm512_mullo_epi32(quotient, frequency));
  __m512i result = _mm512_add_epi32(_mm512_add_epi32(state, start), _mm512_mullo_epi32(quotient, rest));
  __mmask16 short_by_one = _mm512_cmpge_epu32_mask(remainder, frequency);
  result = _mm512_mask_add_epi32(result, short_by_one, result, rest);
  return _mm512_mask_mov_epi32(state, in, result);
}

/* One group of 16 times `vectors` lanes, of which those in `in` have pixels. */
PIXEL_AVX512_INLINE void write_group(__m512i *state, unsigned vectors, uint8_t **next, const pixel_symbol *symbols,
                                     const __m512i cluster_of[2], __mmask32 in, const uint16_t *codes,
                                     const uint8_t *tokens, const uint8_t *chain) {
  __m512i token[2], code[2];
  __m128i cluster[2];
  for (unsigned v = 0; v < vectors; v++) {
    __mmask16 lanes = (__mmask16)(in >> 16 * v);
    token[v] = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(lanes, tokens + 16 * v));
    code[v] = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, codes + 16 * v));
    __m512i place = _mm512_castsi128_si512(_mm_maskz_loadu_epi8(lanes, chain + 16 * v));
    cluster[v] = _mm512_castsi512_si128(_mm512_permutex2var_epi8(cluster_of[0], place, cluster_of[1]));
  }
  /* Background and noise floors have no raw bits for whole groups. */
  __m512i most = vectors == 2 ? _mm512_max_epu32(token[0], token[1]) : token[0];
  if (_mm512_cmpge_epu32_mask(most, _mm512_set1_epi32(PIXEL_TOKENS_PLAIN)) != 0)
    for (unsigned v = vectors; v-- > 0;) state[v] = write_raw(state[v], token[v], code[v], next);
  for (unsigned v = vectors; v-- > 0;)
    state[v] = write_tokens(state[v], token[v], symbols, cluster[v], (__mmask16)(in >> 16 * v), next);
}

PIXEL_AVX512_INLINE void write_row(struct pixel_writer *writer, unsigned vectors, const pixel_symbol *symbols,
                                   const uint8_t *cluster_of, uint32_t columns, const uint16_t *codes,
                                   const uint8_t *tokens, const uint8_t *chain) {
  uint32_t lanes = 16 * vectors;
  __m512i map[2] = {_mm512_loadu_si512(cluster_of), _mm512_loadu_si512(cluster_of + 64)};
  __m512i state[2];
  for (unsigned v = 0; v < vectors; v++) state[v] = _mm512_loadu_si512(writer->states + 16 * v);
  uint8_t *next = writer->next;
  uint32_t x = (columns - 1) & ~(lanes - 1);
  uint32_t rest = columns - x;
  write_group(state, vectors, &next, symbols, map, rest >= 32 ? UINT32_MAX : (1u << rest) - 1, codes + x, tokens + x,
              chain + x);
  while (x > 0) {
    x -= lanes;
    write_group(state, vectors, &next, symbols, map, UINT32_MAX, codes + x, tokens + x, chain + x);
  }
  writer->next = next;
  for (unsigned v = 0; v < vectors; v++) _mm512_storeu_si512(writer->states + 16 * v, state[v]);
}

PIXEL_AVX512 void pixel_avx512_write_row(struct pixel_writer *writer, const pixel_symbol *symbols,
                                         const uint8_t *cluster_of, uint32_t columns, const uint16_t *codes,
                                         const uint8_t *tokens, const uint8_t *chain) {
  if (writer->lanes_log2 == 5)
    write_row(writer, 2, symbols, cluster_of, columns, codes, tokens, chain);
  else if (writer->lanes_log2 == 4)
    write_row(writer, 1, symbols, cluster_of, columns, codes, tokens, chain);
  else
    pixel_kernels_plain.write_row(writer, symbols, cluster_of, columns, codes, tokens, chain);
}

#endif
