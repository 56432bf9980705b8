/*
 * The entropy coder of a plane: rANS with 1 to 32 interleaved states over one stream of 16 bit words.
 *
 * Each row is coded from the left in groups of as many pixels as there are states; the last group may be short. In a
 * group all tokens come first, then all raw low bits, each renormalising its state from the common stream. The
 * encoder runs the same steps backwards, from the last pixel of the plane to the first.
 *
 * Threads: a reader belongs to one thread; tables are read only once made.
 */
#ifndef CODEC_PIXEL_RANS_H
#define CODEC_PIXEL_RANS_H

#include "codec/pixel_plane.h"

/* One slot of a decoding table: frequency in bits 0 to 11, slot less start in 12 to 23, token in 24 to 31. */
typedef uint32_t pixel_slot;

/* One token of an encoding table. */
struct pixel_symbol {
  uint64_t reciprocal; /* of the frequency, rounded up, in 2^43ths */
  uint32_t frequency;
  uint32_t start;
};

struct pixel_reader {
  const uint8_t *next;
  const uint8_t *end;
  uint32_t states[PIXEL_LANES_MAX];
  bool failed; /* the stream was too short */
};

/* The token of a residual code, and how many low bits of the code go with it. */
static inline unsigned pixel_token_of(uint32_t code, unsigned *raw_bits) {
  if (code == PIXEL_CODE_SPIKE) {
    *raw_bits = 0;
    return 0;
  }
  if (code < 16) {
    *raw_bits = 0;
    return code + 1;
  }
  unsigned octave = 31 - (unsigned)__builtin_clz(code);
  *raw_bits = octave - 2;
  return PIXEL_TOKENS_PLAIN + (octave - 4) * 4 + (code >> (octave - 2) & 3);
}

/* The mark of a residual code. */
static inline uint16_t pixel_mark_of(uint16_t code, unsigned mark_shift) {
  if (code == PIXEL_CODE_SPIKE)
    return PIXEL_MARK_SPIKE;
  unsigned size = (code + 1u) >> 1 >> mark_shift;
  return (uint16_t)(size < PIXEL_MARK_SIZE_MAX ? size : PIXEL_MARK_SIZE_MAX);
}

/* Fills PIXEL_PROBABILITY_ONE slots for each cluster. */
void pixel_slots_fill(const struct pixel_plane *plane, pixel_slot *slots);

/* Fills PIXEL_TOKENS symbols for each cluster. False where the weights give no frequencies. */
bool pixel_symbols_fill(const struct pixel_plane *plane, struct pixel_symbol *symbols);

/*
 * Codes `rows` rows of `columns` residual codes; `clusters` has the cluster of each. Words go before `end`, downwards;
 * gives the first byte of the coded plane, or NULL where it would go below `start`.
 */
uint8_t *pixel_rans_encode(const struct pixel_symbol *symbols, unsigned lanes_log2, uint32_t rows, uint32_t columns,
                           const uint16_t *codes, const uint8_t *clusters, uint8_t *start, uint8_t *end);

/* Begins a coded plane: takes the states. False where they are missing or out of range. */
bool pixel_reader_init(struct pixel_reader *reader, struct cas_slice coded, unsigned lanes_log2);

/* Decodes one row; `contexts` has the cluster of each pixel in its low four bits. Fills codes and marks. */
void pixel_reader_row(struct pixel_reader *reader, const pixel_slot *slots, unsigned lanes_log2, uint32_t columns,
                      const uint8_t *contexts, unsigned mark_shift, uint16_t *codes, uint16_t *marks);

/* True where the whole stream was used up and every state is back where the encoder began. */
bool pixel_reader_finished(const struct pixel_reader *reader, unsigned lanes_log2);

#endif
