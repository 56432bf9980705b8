/*
 * rANS over interleaved states: the tables, and one group at a time in plain C.
 *
 * Invariants
 *  1. A state is in [2^16, 2^32) between steps; one word at a time keeps it there, since no step takes more than 16
 *     bits from it.
 *  2. A group never reads more than PIXEL_GROUP_BYTES, nor writes more.
 *  3. In the tail, `next` may run past `end` by one group, over zeros; then the stream has failed.
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
      for (unsigned i = 0; i < frequency; i++) slots[i] = slot | i << 12;
      slots += frequency;
    }
  }
}

bool pixel_symbols_fill(const struct pixel_plane *plane, pixel_symbol *symbols) {
  for (unsigned c = 0; c < plane->clusters; c++) {
    uint16_t frequencies[PIXEL_TOKENS];
    if (!pixel_plane_frequencies(plane, c, frequencies)) return false;
    uint32_t start = 0;
    for (unsigned token = 0; token < plane->tokens; token++) {
      symbols[c * 128 + token] = frequencies[token] | start << 16;
      start += frequencies[token];
    }
  }
  return true;
}

void pixel_writer_init(struct pixel_writer *writer, unsigned lanes_log2, uint8_t *start, uint8_t *end) {
  writer->start = start;
  writer->next = end;
  writer->lanes_log2 = lanes_log2;
  for (unsigned i = 0; i < PIXEL_LANES_MAX; i++) writer->states[i] = PIXEL_STATE_MIN;
}

uint8_t *pixel_writer_finish(struct pixel_writer *writer) {
  size_t lanes = (size_t)1 << writer->lanes_log2;
  if ((size_t)(writer->next - writer->start) < 4 * lanes) return NULL;
  for (size_t i = lanes; i-- > 0;) {
    writer->next -= 4;
    store_u32(writer->next, writer->states[i]);
  }
  return writer->next;
}

/* Moves the low word of a state out where it would overflow. */
static inline uint32_t emit(uint32_t state, bool overflow, uint8_t **next) {
  if (!overflow) return state;
  *next -= 2;
  store_u16(*next, (uint16_t)state);
  return state >> 16;
}

void pixel_writer_group(struct pixel_writer *writer, const pixel_symbol *symbols, const uint8_t *cluster_of,
                        unsigned count, const uint16_t *codes, const uint8_t *tokens, const uint8_t *chain) {
  uint8_t *next = writer->next;
  uint32_t *states = writer->states;
  for (unsigned i = count; i-- > 0;) {
    unsigned raw_bits = pixel_raw_bits(tokens[i]);
    if (raw_bits == 0) continue;
    uint32_t state = emit(states[i], states[i] >> (32 - raw_bits) != 0, &next);
    states[i] = state << raw_bits | (codes[i] & ((1u << raw_bits) - 1));
  }
  for (unsigned i = count; i-- > 0;) {
    pixel_symbol symbol = symbols[(size_t)cluster_of[chain[i]] << 7 | tokens[i]];
    uint32_t frequency = symbol & 0xffff;
    uint32_t state = emit(states[i], states[i] >> (32 - PIXEL_PROBABILITY_BITS) >= frequency, &next);
    states[i] = (state / frequency << PIXEL_PROBABILITY_BITS) + state % frequency + (symbol >> 16);
  }
  writer->next = next;
}

bool pixel_reader_init(struct pixel_reader *reader, struct cas_slice coded, unsigned lanes_log2) {
  size_t lanes = (size_t)1 << lanes_log2;
  if (coded.size < 4 * lanes) return false;
  for (size_t i = 0; i < lanes; i++) {
    reader->states[i] = load_u32(coded.data + 4 * i);
    if (reader->states[i] < PIXEL_STATE_MIN) return false;
  }
  reader->next = coded.data + 4 * lanes;
  reader->end = coded.data + coded.size;
  reader->lanes_log2 = lanes_log2;
  reader->in_tail = false;
  reader->failed = false;
  return true;
}

bool pixel_reader_turn(struct pixel_reader *reader) {
  if (!reader->in_tail) {
    size_t rest = (size_t)(reader->end - reader->next);
    memset(reader->tail, 0, sizeof reader->tail);
    if (rest > 0) memcpy(reader->tail, reader->next, rest);
    reader->next = reader->tail;
    reader->end = reader->tail + rest;
    reader->in_tail = true;
  }
  if (reader->next > reader->end) reader->failed = true;
  return !reader->failed;
}

/* Fills a state that fell below its range. */
static inline uint32_t refill(const uint8_t **next, uint32_t state) {
  uint32_t filled = state << 16 | load_u16(*next);
  bool below = state < PIXEL_STATE_MIN;
  *next += below ? 2 : 0;
  return below ? filled : state;
}

void pixel_reader_group(struct pixel_reader *reader, const pixel_slot *slots, unsigned count, const uint8_t *contexts,
                        unsigned mark_shift, uint16_t *codes, uint16_t *marks) {
  uint32_t *states = reader->states;
  const uint8_t *next = reader->next;
  uint8_t tokens[PIXEL_LANES_MAX];
  for (unsigned i = 0; i < count; i++) {
    uint32_t slot = states[i] & (PIXEL_PROBABILITY_ONE - 1);
    pixel_slot entry = slots[(size_t)(contexts[i] & 15) << PIXEL_PROBABILITY_BITS | slot];
    uint32_t state = (entry & 0xfff) * (states[i] >> PIXEL_PROBABILITY_BITS) + (entry >> 12 & 0xfff);
    tokens[i] = (uint8_t)(entry >> 24);
    states[i] = refill(&next, state);
  }
  for (unsigned i = 0; i < count; i++) {
    uint32_t code = tokens[i] - 1u;
    if (tokens[i] >= PIXEL_TOKENS_PLAIN) {
      unsigned raw_bits = pixel_raw_bits(tokens[i]);
      uint32_t lead = 4 + ((tokens[i] - PIXEL_TOKENS_PLAIN) & 3u);
      code = lead << raw_bits | (states[i] & ((1u << raw_bits) - 1));
      states[i] = refill(&next, states[i] >> raw_bits);
    }
    codes[i] = (uint16_t)code;
    marks[i] = pixel_mark_of((uint16_t)code, mark_shift);
  }
  reader->next = next;
}

bool pixel_reader_finished(const struct pixel_reader *reader) {
  if (reader->failed || reader->next != reader->end) return false;
  for (unsigned i = 0; i < 1u << reader->lanes_log2; i++)
    if (reader->states[i] != PIXEL_STATE_MIN) return false;
  return true;
}
