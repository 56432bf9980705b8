/*
 * Helpers over slices and buffers that only the engine needs, and the little endian byte order of everything on disk.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cassette/bytes.h"

/* Frees a malloc'ed pointer, or a buffer, when the variable goes out of scope. */
#define CLEANUP_FREE __attribute__((cleanup(bytes_cleanup_free)))
#define CLEANUP_BUFFER __attribute__((cleanup(cas_buffer_fini)))

static inline void bytes_cleanup_free(void *pointer) { free(*(void **)pointer); }

static inline struct cas_slice slice_of(const void *data, size_t size) {
  return (struct cas_slice){.data = (const uint8_t *)data, .size = size};
}

static inline struct cas_slice slice_of_buffer(const struct cas_buffer *buffer) {
  return (struct cas_slice){.data = buffer->data, .size = buffer->size};
}

static inline bool slice_equal(struct cas_slice a, struct cas_slice b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool hash_equal(const struct cas_hash *a, const struct cas_hash *b) {
  return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Little endian integers at any address. */
static inline uint16_t load_u16(const uint8_t *p) { return (uint16_t)(p[0] | (unsigned)p[1] << 8); }
static inline uint32_t load_u32(const uint8_t *p) { return load_u16(p) | (uint32_t)load_u16(p + 2) << 16; }
static inline uint64_t load_u64(const uint8_t *p) { return load_u32(p) | (uint64_t)load_u32(p + 4) << 32; }
static inline void store_u16(uint8_t *p, uint16_t v) {
  p[0] = (uint8_t)v;
  p[1] = (uint8_t)(v >> 8);
}
static inline void store_u32(uint8_t *p, uint32_t v) {
  store_u16(p, (uint16_t)v);
  store_u16(p + 2, (uint16_t)(v >> 16));
}
static inline void store_u64(uint8_t *p, uint64_t v) {
  store_u32(p, (uint32_t)v);
  store_u32(p + 4, (uint32_t)(v >> 32));
}

#endif
