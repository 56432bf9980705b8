/*
 * A data set whose bytes are in memory, walked element by element without a tree: for the few objects that Cassette
 * looks into or changes, and for queries. What is not whole, or where an item stands that belongs into no sequence, is
 * reported, not guessed.
 *
 * Threads: pure functions.
 * Source: PS3.5 7.1 and 7.5, and 6.2.2 for unknown VRs.
 */
#ifndef DICOM_DATA_SET_WALK_H
#define DICOM_DATA_SET_WALK_H

#include "dicom/element_header.h"

struct data_set {
  struct element_form form;
  struct cas_slice bytes;
};

struct data_element {
  struct element_header header;
  struct cas_slice whole;   /* with header, and with the delimiter of an undefined length */
  struct cas_slice value;   /* without */
  struct element_form form; /* of the items in it: data_set_form_inside() */
};

enum data_set_step { DATA_SET_ELEMENT, DATA_SET_END, DATA_SET_BROKEN /* or longer than the bytes at hand */ };

/* The next element of the data set: start with *offset = 0. Not moved where it is not DATA_SET_ELEMENT. */
enum data_set_step data_set_next(const struct data_set *set, size_t *offset, struct data_element *element);

/* What data_set_next_item() reads of a sequence: its items, in the form that they have. */
struct data_set data_element_items(const struct data_element *element);

/* The next item; `item` is the data set in it. */
enum data_set_step data_set_next_item(const struct data_set *items, size_t *offset, struct data_set *item);

/* The form of the items of an element: as around it, but of a sequence whose VR is unknown (UN, of undefined length)
 * implicit little endian, unless they say otherwise. */
struct element_form data_set_form_inside(struct element_form form, bool is_unknown, struct cas_slice value);

/* The element of this tag; false where there is none before the end or what is broken. */
bool data_set_find(const struct data_set *set, uint32_t tag, struct data_element *element);

/* The value of an element of ASCII text, without padding: "" where it is not there or longer than `capacity`. */
void data_set_text(const struct data_set *set, uint32_t tag, char *text, size_t capacity);

#endif
