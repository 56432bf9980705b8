/*
 * Text into the character set of a data set. Source: PS3.3 C.12.1.1.2.
 *
 * Threads: pure functions.
 */
#ifndef DICOM_CHARSET_ENCODE_H
#define DICOM_CHARSET_ENCODE_H

#include <stdbool.h>

#include "base/bytes.h"

/* Whether UTF-8 text is all ASCII, which every character set of DICOM has. */
bool charset_is_ascii(const char *utf8);

/* Appends the text in the character set that a value of Specific Character Set names. CAS_UNSUPPORTED: it has not all
 * of the characters, or is one that switches between code elements (ISO 2022). */
CAS_MUST_USE cas_status charset_encode(struct cas_slice specific_character_set, const char *utf8,
                                       struct cas_buffer *bytes);

#endif
