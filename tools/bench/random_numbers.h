/*
 * Numbers that look random and are the same for the same seed, on every machine. Not for secrets.
 *
 * Threads: pure functions. Source: SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number
 * generators", 2014).
 */
#ifndef RANDOM_NUMBERS_H
#define RANDOM_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

#define RANDOM_STEP UINT64_C(0x9E3779B97F4A7C15)

/* Spreads every bit of `value` over all 64. */
static inline uint64_t random_mix(uint64_t value) {
  value = (value ^ value >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  value = (value ^ value >> 27) * UINT64_C(0x94D049BB133111EB);
  return value ^ value >> 31;
}

/* The next of a sequence. */
static inline uint64_t random_next(uint64_t *state) { return random_mix(*state += RANDOM_STEP); }

/* A seed of its own for part `number` of what has `seed`. */
static inline uint64_t random_part(uint64_t seed, uint64_t number) {
  return random_mix(random_mix(seed + RANDOM_STEP) ^ (number + 1) * RANDOM_STEP);
}

/* A seed from bytes. */
static inline uint64_t random_of_bytes(uint64_t seed, const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) seed = random_mix(seed ^ bytes[i]) + RANDOM_STEP;
  return seed;
}

/* A whole number below `limit`, at least 1; evenly spread where that is far below 2^32. */
static inline uint32_t random_below(uint64_t *state, uint32_t limit) {
  return (uint32_t)((random_next(state) >> 32) * limit >> 32);
}

#endif
