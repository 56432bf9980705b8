/*
 * Random numbers for tests that say how to repeat them: CASSETTE_SEED gives the seed, CASSETTE_ROUNDS the number of
 * rounds.
 */
#ifndef SUPPORT_TEST_RANDOM_H
#define SUPPORT_TEST_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct test_random {
  uint64_t state;
};

/* splitmix64. */
static inline uint64_t test_random_next(struct test_random *random) {
  uint64_t z = random->state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/* One of 0 to below - 1. */
static inline uint64_t test_random_below(struct test_random *random, uint64_t below) {
  return test_random_next(random) % below;
}

/* The seed from the environment, or one from the clock; says it on standard error. */
static inline uint64_t test_random_seed(const char *test) {
  const char *text = getenv("CASSETTE_SEED");
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec;
  fprintf(stderr, "%s: CASSETTE_SEED=%llu\n", test, (unsigned long long)seed);
  return seed;
}

static inline uint64_t test_random_rounds(uint64_t otherwise) {
  const char *text = getenv("CASSETTE_ROUNDS");
  return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

#endif
