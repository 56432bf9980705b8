/*
 * Identifiers of queries as bytes: read one in, write one out. Implicit or Explicit VR Little Endian.
 *
 * Caveats
 *  - Bounded: an identifier has at most IDENTIFIER_BYTES_MAX bytes and IDENTIFIER_KEYS_MAX elements; sequences are
 *    nested at most CAS_DATA_SET_DEPTH_MAX deep, and are keys without a value.
 *
 * Threads: pure functions. Source: PS3.5 7, PS3.4 C.2.2.
 */
#ifndef IDENTIFIER_H
#define IDENTIFIER_H

#include <stdbool.h>

#include "cassette/attributes.h"
#include "cassette/data_set.h"

#define IDENTIFIER_BYTES_MAX (64u << 10)
#define IDENTIFIER_KEYS_MAX 256u

#define IDENTIFIER_TAG_LEVEL 0x00080052u /* Query/Retrieve Level */

/* Value borrowed from the identifier's bytes, without padding. */
struct identifier_key {
  uint32_t tag;
  bool is_sequence;
  struct cas_slice value;
  struct cas_slice raw; /* as it stands: of a sequence, its items */
};

struct identifier {
  bool explicit_vr;
  size_t count;
  struct identifier_key keys[IDENTIFIER_KEYS_MAX]; /* ascending by tag */
};

/* CAS_REFUSED: not a data set that is taken; `error` says why. */
CAS_MUST_USE cas_status identifier_parse(struct cas_slice bytes, bool explicit_vr, struct identifier *identifier,
                                         struct cas_error *error);

/* The key, or NULL. */
const struct identifier_key *identifier_find(const struct identifier *identifier, uint32_t tag);

/* Copies a value of the identifier as UTF-8, by its Specific Character Set (any of PS3.3 C.12.1.1.2) and VR, of binary
 * integers in decimal; false where it has a NUL inside, or the text does not fit. */
bool identifier_text_of(const struct identifier *identifier, struct cas_slice value, const char *vr, char *text,
                        size_t capacity);

/* The same for texts whose VR is none of PN, ST, LT, UT and no binary one. */
bool identifier_text(const struct identifier *identifier, struct cas_slice value, char *text, size_t capacity);

/* Whether the key is there and has exactly this value. NULL is allowed. */
bool identifier_key_is(const struct identifier_key *key, const char *text);

/* Appends an element, padded as its VR says. A value beyond 65534 bytes is cut where the VR has a length of 16 bits.
 * Call in ascending order of tags. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status identifier_put(struct cas_buffer *bytes, bool explicit_vr, uint32_t tag, const char *vr,
                                       struct cas_slice value);

/* The same for text in decimal of binary integers (VR US, SS, UL, SL, UV, SV), values separated by backslashes. */
CAS_MUST_USE cas_status identifier_put_integers(struct cas_buffer *bytes, bool explicit_vr, uint32_t tag,
                                                const char *vr, const char *text);

/* Appends an item of a sequence, whose value this is. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status identifier_put_item(struct cas_buffer *items, struct cas_slice item);

#endif
