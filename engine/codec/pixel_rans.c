/*
 * rANS over interleaved states: the tables, the encoder, and the decoder in plain C.
 *
 * Invariants
 *  1. A state is in [2^16, 2^32) between steps; one word at a time keeps it there, since no step takes more than 16
 *     bits from it.
 *  2. The decoder never reads past `end`: a missing word is a zero and sets `failed`.
 *
 * Source: J. Duda, "Asymmetric numeral systems", arXiv:1311.2540; F. Giesen, "Interleaved entropy coders",
 * arXiv:1402.3392.
 */
#include "codec/pixel_rans.h"

void pixel_slots_fill(const struct pixel_plane *plane, pixel_slot *slots) {
  for (unsigned c = 0; c < plane->clusters; c++) {
    uint16_t frequencies[PIXEL_TOKENS];
    (void)pixel_plane_frequencies(plane, c, frequencies);
    for (unsigned token = 0; token < plane->tokens; token++) {
      uint32_t frequency = frequencies[token];
      pixel_slot slot = frequency | token << 24;
      for (unsigned i = 0; i < frequency; i++)
        *slots++ = slot | i << 12;
    }
  }
}

bool pixel_symbols_fill(const struct pixel_plane *plane, struct pixel_symbol *symbols) {
  for (unsigned c = 0; c < plane->clusters; c++) {
    uint16_t frequencies[PIXEL_TOKENS];
    if (!pixel_plane_frequencies(plane, c, frequencies))
      return false;
    uint32_t start = 0;
    for (unsigned token = 0; token < PIXEL_TOKENS; token++) {
      uint32_t frequency = frequencies[token];
      symbols[c * PIXEL_TOKENS + token] = (struct pixel_symbol){
          .reciprocal = frequency > 0 ? (UINT64_C(1) << 43) / frequency + 1 : 0,
          .frequency = frequency,
          .start = start,
      };
      start += frequency;
    }
  }
  return true;
}

/* Moves the low word of a state out where `overflow` says so. */
static inline uint32_t emit(uint32_t state, bool overflow, uint8_t **next) {
  store_u16(*next - 2, (uint16_t)state);
  *next -= overflow ? 2 : 0;
  return overflow ? state >> 16 : state;
}

/* One group: `count` pixels, backwards. The space below `next` was checked. */
static uint8_t *encode_group(const struct pixel_symbol *symbols, uint32_t *states, unsigned count,
                             const uint16_t *codes, const uint8_t *clusters, uint8_t *next) {
  uint8_t tokens[PIXEL_LANES_MAX];
  for (unsigned i = count; i-- > 0;) {
    unsigned raw_bits;
    tokens[i] = (uint8_t)pixel_token_of(codes[i], &raw_bits);
    uint64_t state = emit(states[i], raw_bits > 0 && states[i] >> (32 - raw_bits) != 0, &next);
    states[i] = (uint32_t)(state << raw_bits) | (codes[i] & ((1u << raw_bits) - 1));
    if (raw_bits == 0)
      states[i] = (uint32_t)state;
  }
  for (unsigned i = count; i-- > 0;) {
    const struct pixel_symbol *symbol = &symbols[clusters[i] * PIXEL_TOKENS + tokens[i]];
    uint32_t state = emit(states[i], states[i] >> (32 - PIXEL_PROBABILITY_BITS) >= symbol->frequency, &next);
    /* The state is below frequency << 21, so that the product has no more than 64 bits and the quotient is exact. */
    uint32_t quotient = (uint32_t)(state * symbol->reciprocal >> 43);
    states[i] = (quotient << PIXEL_PROBABILITY_BITS) + (state - quotient * symbol->frequency) + symbol->start;
  }
  return next;
}

uint8_t *pixel_rans_encode(const struct pixel_symbol *symbols, unsigned lanes_log2, uint32_t rows, uint32_t columns,
                           const uint16_t *codes, const uint8_t *clusters, uint8_t *start, uint8_t *end) {
  uint32_t states[PIXEL_LANES_MAX];
  unsigned lanes = 1u << lanes_log2;
  for (unsigned i = 0; i < lanes; i++)
    states[i] = PIXEL_STATE_MIN;
  uint8_t *next = end;
  for (uint32_t y = rows; y-- > 0;) {
    for (uint32_t x = (columns - 1) & ~(lanes - 1);; x -= lanes) {
      if ((size_t)(next - start) < 4 * PIXEL_LANES_MAX + 2)
        return NULL;
      size_t at = (size_t)y * columns + x;
      uint32_t count = columns - x < lanes ? columns - x : lanes;
      next = encode_group(symbols, states, count, codes + at, clusters + at, next);
      if (x == 0)
        break;
    }
  }
  if ((size_t)(next - start) < 4 * lanes)
    return NULL;
  for (unsigned i = lanes; i-- > 0;) {
    next -= 4;
    store_u32(next, states[i]);
  }
  return next;
}

bool pixel_reader_init(struct pixel_reader *reader, struct cas_slice coded, unsigned lanes_log2) {
  unsigned lanes = 1u << lanes_log2;
  if (coded.size < 4 * lanes)
    return false;
  for (unsigned i = 0; i < lanes; i++) {
    reader->states[i] = load_u32(coded.data + 4 * i);
    if (reader->states[i] < PIXEL_STATE_MIN)
      return false;
  }
  reader->next = coded.data + 4 * lanes;
  reader->end = coded.data + coded.size;
  reader->failed = false;
  return true;
}

/* Fills a state that fell below its range; `room` says that the words were checked. */
static inline uint32_t refill(struct pixel_reader *reader, uint32_t state, bool room) {
  if (room) {
    uint32_t filled = state << 16 | load_u16(reader->next);
    bool below = state < PIXEL_STATE_MIN;
    reader->next += below ? 2 : 0;
    return below ? filled : state;
  }
  if (state >= PIXEL_STATE_MIN)
    return state;
  if (reader->end - reader->next < 2) {
    reader->failed = true;
    return state << 16;
  }
  uint32_t word = load_u16(reader->next);
  reader->next += 2;
  return state << 16 | word;
}

static inline __attribute__((always_inline)) void decode_group(struct pixel_reader *reader, const pixel_slot *slots,
                                                               unsigned count, const uint8_t *contexts,
                                                               unsigned mark_shift, uint16_t *codes, uint16_t *marks,
                                                               bool room) {
  uint32_t *states = reader->states;
  uint8_t tokens[PIXEL_LANES_MAX];
  for (unsigned i = 0; i < count; i++) {
    uint32_t slot = states[i] & (PIXEL_PROBABILITY_ONE - 1);
    pixel_slot entry = slots[(size_t)(contexts[i] & 15) << PIXEL_PROBABILITY_BITS | slot];
    uint32_t state = (entry & 0xfff) * (states[i] >> PIXEL_PROBABILITY_BITS) + (entry >> 12 & 0xfff);
    tokens[i] = (uint8_t)(entry >> 24);
    states[i] = refill(reader, state, room);
  }
  for (unsigned i = 0; i < count; i++) {
    uint32_t code = tokens[i] - 1u;
    if (tokens[i] >= PIXEL_TOKENS_PLAIN) {
      unsigned raw_bits = ((tokens[i] - PIXEL_TOKENS_PLAIN) >> 2) + 2;
      uint32_t lead = 4 + ((tokens[i] - PIXEL_TOKENS_PLAIN) & 3);
      code = lead << raw_bits | (states[i] & ((1u << raw_bits) - 1));
      states[i] = refill(reader, states[i] >> raw_bits, room);
    }
    codes[i] = (uint16_t)code;
    marks[i] = pixel_mark_of((uint16_t)code, mark_shift);
  }
}

void pixel_reader_row(struct pixel_reader *reader, const pixel_slot *slots, unsigned lanes_log2, uint32_t columns,
                      const uint8_t *contexts, unsigned mark_shift, uint16_t *codes, uint16_t *marks) {
  unsigned lanes = 1u << lanes_log2;
  for (uint32_t x = 0; x < columns; x += lanes) {
    unsigned count = columns - x < lanes ? columns - x : lanes;
    if (reader->end - reader->next >= (ptrdiff_t)(4 * PIXEL_LANES_MAX + 2))
      decode_group(reader, slots, count, contexts + x, mark_shift, codes + x, marks + x, true);
    else
      decode_group(reader, slots, count, contexts + x, mark_shift, codes + x, marks + x, false);
  }
}

bool pixel_reader_finished(const struct pixel_reader *reader, unsigned lanes_log2) {
  if (reader->failed || reader->next != reader->end)
    return false;
  for (unsigned i = 0; i < 1u << lanes_log2; i++)
    if (reader->states[i] != PIXEL_STATE_MIN)
      return false;
  return true;
}
