#include "dicom/charset.h"

static bool is_continuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

size_t utf8_character_bytes(struct cas_slice bytes) {
  if (bytes.size == 0) return 0;
  const uint8_t *p = bytes.data;
  if (p[0] < 0x80) return 1;
  if (p[0] < 0xC2 || p[0] > 0xF4 || bytes.size < 2 || !is_continuation(p[1])) return 0;
  if (p[0] < 0xE0) return 2;
  if (bytes.size < 3 || !is_continuation(p[2])) return 0;
  if (p[0] < 0xF0) {
    bool is_overlong = p[0] == 0xE0 && p[1] < 0xA0;
    bool is_surrogate = p[0] == 0xED && p[1] > 0x9F;
    return is_overlong || is_surrogate ? 0 : 3;
  }
  if (bytes.size < 4 || !is_continuation(p[3])) return 0;
  bool is_overlong = p[0] == 0xF0 && p[1] < 0x90;
  bool is_beyond = p[0] == 0xF4 && p[1] > 0x8F;
  return is_overlong || is_beyond ? 0 : 4;
}

cas_status utf8_append(struct cas_buffer *utf8, uint32_t code_point) {
  uint8_t bytes[4];
  size_t size;
  if (code_point < 0x80) {
    bytes[0] = (uint8_t)code_point;
    size = 1;
  } else if (code_point < 0x800) {
    bytes[0] = (uint8_t)(0xC0 | code_point >> 6);
    bytes[1] = (uint8_t)(0x80 | (code_point & 0x3F));
    size = 2;
  } else if (code_point < 0x10000) {
    bytes[0] = (uint8_t)(0xE0 | code_point >> 12);
    bytes[1] = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
    bytes[2] = (uint8_t)(0x80 | (code_point & 0x3F));
    size = 3;
  } else {
    bytes[0] = (uint8_t)(0xF0 | code_point >> 18);
    bytes[1] = (uint8_t)(0x80 | (code_point >> 12 & 0x3F));
    bytes[2] = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
    bytes[3] = (uint8_t)(0x80 | (code_point & 0x3F));
    size = 4;
  }
  return cas_buffer_append(utf8, slice_of(bytes, size));
}
