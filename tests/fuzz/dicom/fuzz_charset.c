/*
 * Any text under any character set becomes valid UTF-8 without NUL. The input is a Specific Character Set, a line end,
 * and the text.
 */
#include <stdio.h>
#include <stdlib.h>

#include "dicom/value_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_utf8(const struct cas_buffer *text) {
  for (size_t i = 0; i < text->size;) {
    size_t character = utf8_character_bytes(slice_of(text->data + i, text->size - i));
    if (character == 0 || text->data[i] == 0) {
      fprintf(stderr, "byte %zu is no UTF-8\n", i);
      abort();
    }
    i += character;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char vrs[][2] = {{'P', 'N'}, {'L', 'O'}, {'L', 'T'}, {'U', 'S'}, {'S', 'V'}};
  const uint8_t *end = size == 0 ? NULL : memchr(data, '\n', size);
  if (end == NULL) return 0;
  struct charset *charset;
  CLEANUP_BUFFER struct cas_buffer text = {0};
  if (charset_create(slice_of(data, (size_t)(end - data)), &charset) != CAS_OK) abort();
  for (size_t i = 0; i < 2 * sizeof vrs / sizeof vrs[0]; i++) {
    struct raw_value value = {
        .vr = {vrs[i / 2][0], vrs[i / 2][1]},
        .is_cut = i % 2 == 1,
        .bytes = slice_of(end + 1, size - (size_t)(end + 1 - data)),
    };
    uint64_t number;
    (void)value_to_number(&value, &number);
    if (value_to_text(&value, charset, &text) != CAS_OK) abort();
    check_utf8(&text);
  }
  charset_destroy(charset);
  return 0;
}
