/*
 * The entropy coder of a plane: rANS with 1 to 32 interleaved states over one stream of 16 bit words.
 *
 * Each row is coded from the left in groups of as many pixels as there are states; the last group may be short. In a
 * group all tokens come first, then all raw low bits, each renormalising its state from the common stream. The
 * encoder runs the same steps backwards, from the last pixel of the plane to the first.
 *
 * Threads: a reader or writer belongs to one thread; tables are read only once made.
 */
#ifndef CODEC_PIXEL_RANS_H
#define CODEC_PIXEL_RANS_H

#include "codec/pixel_plane.h"

/* One slot of a decoding table: frequency in bits 0 to 11, slot less start in 12 to 23, token in 24 to 31. */
typedef uint32_t pixel_slot;

/* One token of an encoding table: frequency in bits 0 to 15, start in 16 to 31. */
typedef uint32_t pixel_symbol;

/* Words that one group can take or give, in bytes: two for each state, twice. */
#define PIXEL_GROUP_BYTES (4 * PIXEL_LANES_MAX)

/*
 * Where decoding stands. Within a group the kernels read words without checking: the last words of the stream are
 * read from a copy that has room behind it, and pixel_reader_ready before each group tells when they are used up.
 */
struct pixel_reader {
  const uint8_t *next;
  const uint8_t *end;
  unsigned lanes_log2;
  bool in_tail; /* next and end are in `tail` */
  bool failed;  /* the stream was too short */
  uint32_t states[PIXEL_LANES_MAX];
  uint8_t tail[3 * PIXEL_GROUP_BYTES + 64];
};

struct pixel_writer {
  uint8_t *start; /* the lowest byte that may be used */
  uint8_t *next;  /* words go below this, downwards */
  unsigned lanes_log2;
  uint32_t states[PIXEL_LANES_MAX];
};

/* The token of a residual code. */
static inline unsigned pixel_token_of(uint32_t code) {
  if (code == PIXEL_CODE_SPIKE) return 0;
  if (code < 16) return code + 1;
  unsigned octave = 31 - (unsigned)__builtin_clz(code);
  return PIXEL_TOKENS_PLAIN + (octave - 4) * 4 + (code >> (octave - 2) & 3);
}

/* How many low bits of the code go with a token. */
static inline unsigned pixel_raw_bits(unsigned token) {
  return token < PIXEL_TOKENS_PLAIN ? 0 : ((token - PIXEL_TOKENS_PLAIN) >> 2) + 2;
}

/* The mark of a residual code. */
static inline uint16_t pixel_mark_of(uint16_t code, unsigned mark_shift) {
  if (code == PIXEL_CODE_SPIKE) return PIXEL_MARK_SPIKE;
  unsigned size = (code + 1u) >> 1 >> mark_shift;
  return (uint16_t)(size < PIXEL_MARK_SIZE_MAX ? size : PIXEL_MARK_SIZE_MAX);
}

/* Fills PIXEL_PROBABILITY_ONE slots for each cluster. */
void pixel_slots_fill(const struct pixel_plane *plane, pixel_slot *slots);

/* Fills 128 symbols for each cluster. False where the weights give no frequencies. */
bool pixel_symbols_fill(const struct pixel_plane *plane, pixel_symbol *symbols);

/* Begins to write words in [start, end). */
void pixel_writer_init(struct pixel_writer *writer, unsigned lanes_log2, uint8_t *start, uint8_t *end);

/* Puts the states in front; gives the first byte of the coded plane, or NULL where there is no room. */
uint8_t *pixel_writer_finish(struct pixel_writer *writer);

/* One group in plain C: `count` pixels. */
void pixel_writer_group(struct pixel_writer *writer, const pixel_symbol *symbols, const uint8_t *cluster_of,
                        unsigned count, const uint16_t *codes, const uint8_t *tokens, const uint8_t *chain);

/* Begins a coded plane: takes the states. False where they are missing or out of range. */
bool pixel_reader_init(struct pixel_reader *reader, struct cas_slice coded, unsigned lanes_log2);

/* Goes over to the copy of the last words. False where they are used up. */
bool pixel_reader_turn(struct pixel_reader *reader);

/* True where a group can be read without checks. */
static inline bool pixel_reader_ready(struct pixel_reader *reader) {
  return reader->end - reader->next >= (ptrdiff_t)(PIXEL_GROUP_BYTES + 64) || pixel_reader_turn(reader);
}

/* One group in plain C: `count` pixels. */
void pixel_reader_group(struct pixel_reader *reader, const pixel_slot *slots, unsigned count, const uint8_t *contexts,
                        unsigned mark_shift, uint16_t *codes, uint16_t *marks);

/* True where the whole stream was used up and every state is back where the encoder began. */
bool pixel_reader_finished(const struct pixel_reader *reader);

#endif
