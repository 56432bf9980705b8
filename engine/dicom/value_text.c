#include "dicom/value_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/status.h"

static bool vr_is(const char vr[2], const char *name) { return vr[0] == name[0] && vr[1] == name[1]; }

static bool vr_is_any(const char vr[2], const char *const *names) {
  for (; *names != NULL; names++) {
    if (vr_is(vr, *names)) return true;
  }
  return false;
}

/* Bytes of one binary integer of this VR, 0 for a VR of text. */
static size_t integer_bytes(const char vr[2]) {
  static const char *const two[] = {"US", "SS", NULL};
  static const char *const four[] = {"UL", "SL", NULL};
  static const char *const eight[] = {"UV", "SV", NULL};
  if (vr_is_any(vr, two)) return 2;
  if (vr_is_any(vr, four)) return 4;
  return vr_is_any(vr, eight) ? 8 : 0;
}

/* A VR of bytes that are no text. */
static bool is_opaque(const char vr[2]) {
  static const char *const opaque[] = {"AT", "FL", "FD", "OB", "OD", "OF", "OL", "OV", "OW", "SQ", NULL};
  return vr_is_any(vr, opaque);
}

static uint64_t integer_load(const uint8_t *bytes, size_t size, bool big_endian) {
  uint64_t integer = 0;
  for (size_t i = 0; i < size; i++) integer = integer << 8 | bytes[big_endian ? i : size - 1 - i];
  return integer;
}

static int64_t sign_extend(uint64_t integer, size_t size) {
  unsigned shift = (unsigned)(64 - 8 * size);
  return (int64_t)(integer << shift) >> shift;
}

static cas_status integers_to_text(const struct raw_value *value, size_t size, struct cas_buffer *text) {
  bool is_signed = value->vr[0] == 'S';
  for (size_t i = 0; i + size <= value->bytes.size; i += size) {
    uint64_t integer = integer_load(value->bytes.data + i, size, value->big_endian);
    char digits[32];
    const char *separator = i == 0 ? "" : "\\";
    int length = is_signed ? snprintf(digits, sizeof digits, "%s%" PRId64, separator, sign_extend(integer, size))
                           : snprintf(digits, sizeof digits, "%s%" PRIu64, separator, integer);
    STATUS_TRY(cas_buffer_append(text, slice_of(digits, (size_t)length)));
  }
  return CAS_OK;
}

static struct cas_slice trim_end(struct cas_slice bytes) {
  while (bytes.size > 0 && (bytes.data[bytes.size - 1] == ' ' || bytes.data[bytes.size - 1] == 0)) bytes.size--;
  return bytes;
}

/* Takes leading and trailing spaces from every value, in place. */
static void trim_values(struct cas_buffer *text) {
  size_t to = 0;
  bool at_begin = true;
  for (size_t i = 0; i < text->size; i++) {
    bool is_separator = text->data[i] == '\\';
    if (at_begin && text->data[i] == ' ') continue;
    while (is_separator && to > 0 && text->data[to - 1] == ' ') to--;
    text->data[to++] = text->data[i];
    at_begin = is_separator;
  }
  while (to > 0 && text->data[to - 1] == ' ') to--;
  text->size = to;
}

cas_status value_to_text(const struct raw_value *value, struct charset *charset, struct cas_buffer *text) {
  static const char *const lines[] = {"ST", "LT", "UT", NULL};
  text->size = 0;
  size_t size = integer_bytes(value->vr);
  if (size > 0) return integers_to_text(value, size, text);
  if (is_opaque(value->vr)) return CAS_OK;
  struct cas_slice bytes = value->is_cut ? value->bytes : trim_end(value->bytes);
  bool is_lines = vr_is_any(value->vr, lines);
  enum charset_delimiters delimiters = is_lines                 ? CHARSET_DELIMITERS_LINES
                                       : vr_is(value->vr, "PN") ? CHARSET_DELIMITERS_PERSON
                                                                : CHARSET_DELIMITERS_VALUES;
  STATUS_TRY(charset_to_utf8(charset, bytes, delimiters, value->is_cut, text));
  if (!is_lines) trim_values(text);
  return CAS_OK;
}

static bool digits_to_number(struct cas_slice bytes, uint64_t *number) {
  size_t i = 0;
  while (i < bytes.size && bytes.data[i] == ' ') i++;
  if (i < bytes.size && bytes.data[i] == '+') i++;
  size_t first = i;
  uint64_t sum = 0;
  for (; i < bytes.size && bytes.data[i] >= '0' && bytes.data[i] <= '9'; i++) {
    if (sum > (INT64_MAX - 9) / 10) return false;
    sum = sum * 10 + (bytes.data[i] - '0');
  }
  if (i == first) return false;
  *number = sum;
  return i == bytes.size || bytes.data[i] == ' ' || bytes.data[i] == '\\' || bytes.data[i] == 0;
}

bool value_to_number(const struct raw_value *value, uint64_t *number) {
  size_t size = integer_bytes(value->vr);
  if (size == 0) return digits_to_number(value->bytes, number);
  if (value->bytes.size < size) return false;
  uint64_t integer = integer_load(value->bytes.data, size, value->big_endian);
  if (value->vr[0] == 'S' && sign_extend(integer, size) < 0) return false;
  if (integer > INT64_MAX) return false;
  *number = integer;
  return true;
}
