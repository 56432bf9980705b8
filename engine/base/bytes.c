#include "cassette/bytes.h"

#include <stdlib.h>
#include <string.h>

static const size_t capacity_min = 256;

cas_status cas_buffer_reserve(struct cas_buffer *buffer, size_t capacity) {
  if (capacity <= buffer->capacity) return CAS_OK;
  size_t grown = buffer->capacity + buffer->capacity / 2;
  if (grown < capacity) grown = capacity;
  if (grown < capacity_min) grown = capacity_min;
  uint8_t *data = realloc(buffer->data, grown);
  if (data == NULL) return CAS_NO_MEMORY;
  buffer->data = data;
  buffer->capacity = grown;
  return CAS_OK;
}

cas_status cas_buffer_append(struct cas_buffer *buffer, struct cas_slice bytes) {
  if (bytes.size == 0) return CAS_OK;
  if (bytes.size > SIZE_MAX - buffer->size) return CAS_NO_MEMORY;
  cas_status status = cas_buffer_reserve(buffer, buffer->size + bytes.size);
  if (status != CAS_OK) return status;
  memcpy(buffer->data + buffer->size, bytes.data, bytes.size);
  buffer->size += bytes.size;
  return CAS_OK;
}

void cas_buffer_fini(struct cas_buffer *buffer) {
  free(buffer->data);
  *buffer = (struct cas_buffer){0};
}

void cas_hash_format(const struct cas_hash *hash, char text[33]) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < sizeof hash->bytes; i++) {
    text[2 * i] = digits[hash->bytes[i] >> 4];
    text[2 * i + 1] = digits[hash->bytes[i] & 15];
  }
  text[32] = '\0';
}
