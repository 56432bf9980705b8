/*
 * One captured value as text. Source: PS3.5 6.2 (padding and delimiters of each VR).
 */
#ifndef DICOM_VALUE_TEXT_H
#define DICOM_VALUE_TEXT_H

#include "dicom/charset.h"

/* A value as its bytes stand in the object. */
struct raw_value {
  char vr[2];
  bool big_endian; /* of binary numbers */
  bool is_cut;     /* longer in the object than what was captured */
  struct cas_slice bytes;
};

/*
 * Replaces the content of `text` by the value as UTF-8 without a final NUL: trimmed as the VR says, values separated by
 * backslash, binary integers in decimal. CAS_NO_MEMORY.
 */
CAS_MUST_USE cas_status value_to_text(const struct raw_value *value, struct charset *charset, struct cas_buffer *text);

/* The first number of a binary or decimal text value; false where there is none, or it is negative or beyond 2^63. */
bool value_to_number(const struct raw_value *value, uint64_t *number);

#endif
