/*
 * Bytes: a slice is borrowed, a buffer is owned. The type says who frees.
 */
#ifndef CASSETTE_BYTES_H
#define CASSETTE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "cassette/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Borrowed bytes. `data` may be NULL only where `size` is 0. */
struct cas_slice {
  const uint8_t *data;
  size_t size;
};

/* Owned bytes from malloc. Zero-initialised is an empty buffer. */
struct cas_buffer {
  uint8_t *data;
  size_t size;     /* bytes in use */
  size_t capacity; /* bytes allocated */
};

/* XXH3-128 of some bytes, in canonical (big endian) form. A name, not a proof of equality. */
struct cas_hash {
  uint8_t bytes[16];
};

/* Makes room for at least `capacity` bytes in all. CAS_NO_MEMORY leaves the buffer as it was. */
CAS_API CAS_MUST_USE cas_status cas_buffer_reserve(struct cas_buffer *buffer, size_t capacity);

/* Copies `bytes` to the end. CAS_NO_MEMORY leaves the buffer as it was. */
CAS_API CAS_MUST_USE cas_status cas_buffer_append(struct cas_buffer *buffer, struct cas_slice bytes);

/* Frees the bytes and makes the buffer empty; may be called again. */
CAS_API void cas_buffer_fini(struct cas_buffer *buffer);

/* Writes 32 lower case hexadecimal digits and a NUL. */
CAS_API void cas_hash_format(const struct cas_hash *hash, char text[33]);

#ifdef __cplusplus
}
#endif
#endif
