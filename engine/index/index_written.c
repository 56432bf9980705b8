/*
 * Owns a blocked Bloom filter (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007): all
 * bits of a key lie in one cache line.
 */
#include "index/index_written.h"

#include <stdlib.h>

#define LINE_BYTES 64u
#define BITS_EACH 5u
#define BIT_NUMBER_BITS 9u /* of one bit among the 512 of a line */

struct line {
  uint64_t words[LINE_BYTES / sizeof(uint64_t)];
};

struct index_written {
  size_t line_count;
  struct line *lines;
};

/* A line, and the numbers of bits in it. */
struct place {
  size_t line;
  uint64_t bits;
};

/* Mixed twice, since a key's hash need be good in its lower half only. */
static struct place place_of(const struct index_written *written, uint64_t hash) {
  hash = (hash ^ hash >> 32) * 0x9E3779B97F4A7C15u;
  hash ^= hash >> 29;
  const uint64_t bits = hash * 0xBF58476D1CE4E5B9u;
  return (struct place){.line = (size_t)((unsigned __int128)hash * written->line_count >> 64), .bits = bits >> 16};
}

cas_status index_written_create(size_t bytes, struct index_written **written) {
  struct index_written *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  created->line_count = bytes / LINE_BYTES + 1;
  created->lines = calloc(created->line_count, sizeof *created->lines);
  if (created->lines == NULL) {
    free(created);
    return CAS_NO_MEMORY;
  }
  *written = created;
  return CAS_OK;
}

void index_written_destroy(struct index_written *written) {
  if (written == NULL) return;
  free(written->lines);
  free(written);
}

void index_written_add(struct index_written *written, uint64_t hash) {
  const struct place place = place_of(written, hash);
  struct line *line = &written->lines[place.line];
  for (unsigned i = 0; i < BITS_EACH; i++) {
    const unsigned bit = (unsigned)(place.bits >> (i * BIT_NUMBER_BITS)) & ((1u << BIT_NUMBER_BITS) - 1);
    line->words[bit / 64] |= (uint64_t)1 << bit % 64;
  }
}

bool index_written_may_have(const struct index_written *written, uint64_t hash) {
  const struct place place = place_of(written, hash);
  const struct line *line = &written->lines[place.line];
  for (unsigned i = 0; i < BITS_EACH; i++) {
    const unsigned bit = (unsigned)(place.bits >> (i * BIT_NUMBER_BITS)) & ((1u << BIT_NUMBER_BITS) - 1);
    if (!(line->words[bit / 64] >> bit % 64 & 1)) return false;
  }
  return true;
}
