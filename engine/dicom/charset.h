/*
 * Text of a data set as UTF-8.
 *
 * Text is never refused: what cannot be decoded becomes U+FFFD. A NUL inside a text becomes U+FFFD too, so that results
 * are C strings. Without a known character set, 8-bit text is taken as UTF-8 where it is valid UTF-8, else as Latin-1.
 *
 * Threads: a charset belongs to one thread at a time (it keeps open iconv descriptors).
 * Source: PS3.5 6.1 and 6.2, PS3.3 C.12.1.1.2.
 */
#ifndef DICOM_CHARSET_H
#define DICOM_CHARSET_H

#include <stdbool.h>

#include "base/bytes.h"

/* Where the character set falls back to its first code elements, PS3.5 6.1.2.5.3. */
enum charset_delimiters {
  CHARSET_DELIMITERS_VALUES, /* backslash, and line ends */
  CHARSET_DELIMITERS_PERSON, /* ^ and = as well: VR PN */
  CHARSET_DELIMITERS_LINES,  /* line ends only: VR ST, LT, UT */
};

struct charset;

/* Reads a value of Specific Character Set (0008,0005); an empty one is the default repertoire. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status charset_create(struct cas_slice specific_character_set, struct charset **charset);
void charset_destroy(struct charset *charset);

/*
 * Appends `raw` as UTF-8 to `utf8`. `is_cut` says that `raw` is the beginning of a longer value: an incomplete last
 * character is then left out. CAS_NO_MEMORY; `utf8` may then have some of the text.
 */
CAS_MUST_USE cas_status charset_to_utf8(struct charset *charset, struct cas_slice raw,
                                        enum charset_delimiters delimiters, bool is_cut, struct cas_buffer *utf8);

/* The length of the valid UTF-8 character at the start of `bytes`, 0 for none; overlong forms and surrogates are none.
 */
size_t utf8_character_bytes(struct cas_slice bytes);

/* Appends one character. */
CAS_MUST_USE cas_status utf8_append(struct cas_buffer *utf8, uint32_t code_point);

#define UTF8_REPLACEMENT 0xFFFDu

#endif
