#include "dicom/data_set_walk.h"

#include "base/limits.h"

/* The end of items or elements up to a delimiter; 0 where it is not there. `depth` counts what is open. */
static size_t skip_items(struct element_form form, struct cas_slice bytes, unsigned depth);

static bool is_sequence_of_unknown(const struct element_header *header) {
  return header->has_vr && header->vr[0] == 'U' && header->vr[1] == 'N' && header->length == ELEMENT_LENGTH_UNDEFINED;
}

static bool read_header(struct element_form form, struct cas_slice bytes, struct element_header *header) {
  if (bytes.size < ELEMENT_HEADER_BYTES_MIN || bytes.size < element_header_bytes(form, bytes.data)) return false;
  element_header_decode(form, bytes.data, header);
  return true;
}

/* Of the items of an element: those of an unknown VR are implicit, unless they say otherwise. */
static struct element_form form_inside(struct element_form form, const struct element_header *header,
                                       struct cas_slice value) {
  if (!is_sequence_of_unknown(header)) return form;
  bool says_explicit = value.size >= 2 * ELEMENT_HEADER_BYTES_MIN && element_looks_explicit(value.data + 8);
  return (struct element_form){.explicit_vr = says_explicit};
}

/* The size of an element, 0 where it is not whole. */
static size_t element_size(struct element_form form, struct cas_slice bytes, unsigned depth,
                           struct element_header *header) {
  if (!read_header(form, bytes, header)) return 0;
  struct cas_slice rest = slice_of(bytes.data + header->bytes, bytes.size - header->bytes);
  if (header->length != ELEMENT_LENGTH_UNDEFINED)
    return header->length <= rest.size ? header->bytes + (size_t)header->length : 0;
  size_t inside = skip_items(form_inside(form, header, rest), rest, depth + 1);
  return inside == 0 ? 0 : header->bytes + inside;
}

/* The elements of an item of undefined length, with its delimiter. */
static size_t skip_elements(struct element_form form, struct cas_slice bytes, unsigned depth) {
  size_t at = 0;
  struct element_header header;
  if (depth > DICOM_NESTING_MAX) return 0;
  for (;;) {
    struct cas_slice rest = slice_of(bytes.data + at, bytes.size - at);
    if (!read_header(form, rest, &header)) return 0;
    if (header.tag == TAG_ITEM_END) return at + header.bytes;
    size_t size = element_size(form, rest, depth, &header);
    if (size == 0) return 0;
    at += size;
  }
}

static size_t item_size(struct element_form form, struct cas_slice bytes, unsigned depth,
                        const struct element_header *header) {
  struct cas_slice rest = slice_of(bytes.data + header->bytes, bytes.size - header->bytes);
  if (header->length != ELEMENT_LENGTH_UNDEFINED)
    return header->length <= rest.size ? header->bytes + (size_t)header->length : 0;
  size_t inside = skip_elements(form, rest, depth + 1);
  return inside == 0 ? 0 : header->bytes + inside;
}

static size_t skip_items(struct element_form form, struct cas_slice bytes, unsigned depth) {
  size_t at = 0;
  struct element_header header;
  if (depth > DICOM_NESTING_MAX) return 0;
  for (;;) {
    struct cas_slice rest = slice_of(bytes.data + at, bytes.size - at);
    if (!read_header(form, rest, &header)) return 0;
    if (header.tag == TAG_SEQUENCE_END) return at + header.bytes;
    size_t size = header.tag == TAG_ITEM ? item_size(form, rest, depth, &header) : 0;
    if (size == 0) return 0;
    at += size;
  }
}

enum data_set_step data_set_next(const struct data_set *set, size_t *offset, struct data_element *element) {
  struct element_header header;
  if (*offset == set->bytes.size) return DATA_SET_END;
  struct cas_slice rest = slice_of(set->bytes.data + *offset, set->bytes.size - *offset);
  size_t size = element_size(set->form, rest, 0, &header);
  if (size == 0) return DATA_SET_BROKEN;
  size_t delimiter = header.length == ELEMENT_LENGTH_UNDEFINED ? ELEMENT_HEADER_BYTES_MIN : 0;
  struct cas_slice value = slice_of(rest.data + header.bytes, size - header.bytes - delimiter);
  *element = (struct data_element){.header = header,
                                   .whole = slice_of(rest.data, size),
                                   .value = value,
                                   .form = form_inside(set->form, &header, value)};
  *offset += size;
  return DATA_SET_ELEMENT;
}

enum data_set_step data_set_next_item(const struct data_element *sequence, size_t *offset, struct data_set *item) {
  struct element_header header;
  if (*offset == sequence->value.size) return DATA_SET_END;
  struct cas_slice rest = slice_of(sequence->value.data + *offset, sequence->value.size - *offset);
  if (!read_header(sequence->form, rest, &header) || header.tag != TAG_ITEM) return DATA_SET_BROKEN;
  size_t size = item_size(sequence->form, rest, 0, &header);
  if (size == 0) return DATA_SET_BROKEN;
  size_t delimiter = header.length == ELEMENT_LENGTH_UNDEFINED ? ELEMENT_HEADER_BYTES_MIN : 0;
  *item = (struct data_set){.form = sequence->form,
                            .bytes = slice_of(rest.data + header.bytes, size - header.bytes - delimiter)};
  *offset += size;
  return DATA_SET_ELEMENT;
}

bool data_set_find(const struct data_set *set, uint32_t tag, struct data_element *element) {
  size_t offset = 0;
  while (data_set_next(set, &offset, element) == DATA_SET_ELEMENT)
    if (element->header.tag == tag) return true;
  return false;
}

void data_set_text(const struct data_set *set, uint32_t tag, char *text, size_t capacity) {
  struct data_element element;
  text[0] = '\0';
  if (!data_set_find(set, tag, &element)) return;
  size_t size = element.value.size;
  while (size > 0 && (element.value.data[size - 1] == 0 || element.value.data[size - 1] == ' ')) size--;
  if (size >= capacity || (size > 0 && memchr(element.value.data, 0, size) != NULL)) return;
  if (size > 0) memcpy(text, element.value.data, size);
  text[size] = '\0';
}
