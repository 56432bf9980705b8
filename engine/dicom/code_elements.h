/*
 * The code elements of ISO 2022 as DICOM uses them: which sets there are, how Specific Character Set and escape
 * sequences name them, and their characters. Source: PS3.3 C.12.1.1.2, tables C.12-2 to C.12-4.
 */
#ifndef DICOM_CODE_ELEMENTS_H
#define DICOM_CODE_ELEMENTS_H

#include <iconv.h>
#include <stdbool.h>

#include "base/bytes.h"

enum code_set {
  CODE_SET_NONE = 0,
  CODE_SET_ASCII,
  CODE_SET_ROMAJI,   /* JIS X 0201, 7-bit half */
  CODE_SET_KATAKANA, /* JIS X 0201, 8-bit half */
  CODE_SET_LATIN_1,
  CODE_SET_LATIN_2,
  CODE_SET_LATIN_3,
  CODE_SET_LATIN_4,
  CODE_SET_CYRILLIC,
  CODE_SET_ARABIC,
  CODE_SET_GREEK,
  CODE_SET_HEBREW,
  CODE_SET_LATIN_5,
  CODE_SET_LATIN_9,
  CODE_SET_THAI,
  CODE_SET_KANJI,               /* JIS X 0208, two bytes, in G0 */
  CODE_SET_SUPPLEMENTARY_KANJI, /* JIS X 0212, two bytes, in G0 */
  CODE_SET_HANGUL,              /* KS X 1001, two bytes, in G1 */
  CODE_SET_HANZI,               /* GB 2312, two bytes, in G1 */
  CODE_SET_COUNT,
};

/* What stands in G0 (bytes below 0x80) and G1 (bytes from 0x80). */
struct code_elements {
  enum code_set g0;
  enum code_set g1;
};

/* The iconv descriptors opened so far. Zero-initialise. */
struct code_converters {
  iconv_t opened[CODE_SET_COUNT];
  bool is_open[CODE_SET_COUNT];
  bool is_missing[CODE_SET_COUNT];
};

/* The elements that registration number `registration` (as in "ISO_IR 100") invokes; false for an unknown number. */
bool code_elements_of_registration(unsigned registration, struct code_elements *elements);

/* Takes an escape sequence at the start of `bytes` and returns its length, 0 if it is none that DICOM knows. */
size_t code_elements_escape(struct cas_slice bytes, struct code_elements *elements);

/* Bytes a character of the set has: 1 or 2. */
size_t code_set_width(enum code_set set);

/* Appends one character of code_set_width bytes as UTF-8; U+FFFD where the set has none. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status code_set_append(struct code_converters *converters, enum code_set set, const uint8_t *character,
                                        struct cas_buffer *utf8);

void code_converters_fini(struct code_converters *converters);

#endif
