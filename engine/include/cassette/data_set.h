/*
 * Data sets in memory, element by element, and their texts in UTF-8: for identifiers of queries and headers of stored
 * objects.
 *
 * Nothing is copied and no tree is built: a reader is a place in borrowed bytes. Every length is checked; what is
 * malformed ends the reading with CAS_CORRUPT.
 *
 * Threads: pure functions, but a struct cas_text belongs to one thread at a time. Source: PS3.5 6, 7.
 */
#ifndef CASSETTE_DATA_SET_H
#define CASSETTE_DATA_SET_H

#include "cassette/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Who follows the items of a query does so to this depth. */
#define CAS_DATA_SET_DEPTH_MAX 16u

struct cas_data_set {
  struct cas_slice rest; /* what is not read yet */
  int explicit_vr;
  int big_endian;
};

struct cas_element {
  uint32_t tag;
  char vr[3];             /* "" where none stands there */
  int has_items;          /* the value is a sequence: its VR says so, or its length is undefined */
  struct cas_slice value; /* as it stands; without the delimiter of an undefined length */
};

/* Reads the next element. CAS_END: no more; CAS_CORRUPT. */
CAS_API CAS_MUST_USE cas_status cas_data_set_next(struct cas_data_set *data_set, struct cas_element *element);

/* A reader of a sequence's items; `around` is of the data set that the element stands in. */
CAS_API struct cas_data_set cas_data_set_items(const struct cas_data_set *around, const struct cas_element *element);

/* Reads the next item. CAS_END, CAS_CORRUPT. */
CAS_API CAS_MUST_USE cas_status cas_data_set_next_item(struct cas_data_set *items, struct cas_data_set *item);

/* The first element with this tag in a data set, read from its beginning. CAS_NOT_FOUND, which may be passed over:
 * `element` is as it was. */
CAS_API cas_status cas_data_set_find(struct cas_data_set data_set, uint32_t tag, struct cas_element *element);

/* Decodes texts of one data set. */
struct cas_text;

/* `specific_character_set` is the value of (0008,0005), empty where absent. Unknown terms are taken as is said in
 * docs/conformance.md. CAS_NO_MEMORY. */
CAS_API CAS_MUST_USE cas_status cas_text_create(struct cas_slice specific_character_set, struct cas_text **text);
CAS_API void cas_text_destroy(struct cas_text *text); /* NULL is allowed */

/* Replaces the content of `utf8` by a value, trimmed as its VR says, values separated by backslashes, binary integers
 * in decimal; nothing for other binary values. No NUL in it or behind it. CAS_NO_MEMORY. */
CAS_API CAS_MUST_USE cas_status cas_text_decode(struct cas_text *text, struct cas_slice value, const char *vr,
                                                int big_endian, struct cas_buffer *utf8);

#ifdef __cplusplus
}
#endif
#endif
