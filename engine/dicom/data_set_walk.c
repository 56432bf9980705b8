#include "dicom/data_set_walk.h"

#include "base/limits.h"

#define GROUP_OF_ITEMS 0xFFFEu
#define OPEN_MAX (2 * DICOM_NESTING_MAX) /* sequences, and an item in each */

static bool read_header(struct element_form form, struct cas_slice bytes, struct element_header *header) {
  if (bytes.size < ELEMENT_HEADER_BYTES_MIN || bytes.size < element_header_bytes(form, bytes.data)) return false;
  element_header_decode(form, bytes.data, header);
  return true;
}

static struct cas_slice behind(struct cas_slice bytes, size_t size) {
  return slice_of(bytes.data + size, bytes.size - size);
}

struct element_form data_set_form_inside(struct element_form form, bool is_unknown, struct cas_slice value) {
  if (!is_unknown) return form;
  const bool says_explicit = value.size >= 2 * ELEMENT_HEADER_BYTES_MIN && element_looks_explicit(value.data + 8);
  return (struct element_form){.explicit_vr = says_explicit};
}

/* Of the items of an element, or of the elements of an item. */
static struct element_form form_inside(struct element_form form, const struct element_header *header,
                                       struct cas_slice value) {
  const bool is_unknown = header->has_vr && memcmp(header->vr, "UN", 2) == 0;
  return data_set_form_inside(form, is_unknown && header->length == ELEMENT_LENGTH_UNDEFINED, value);
}

static size_t skip_until(struct element_form form, struct cas_slice bytes, uint32_t end, unsigned depth);

/* The size of the element or item whose header was read, with its delimiter; 0 where it is not whole. `depth` counts
 * what is open around it. */
static size_t whole_size(struct element_form form, struct cas_slice bytes, unsigned depth,
                         const struct element_header *header) {
  const struct cas_slice rest = behind(bytes, header->bytes);
  if (header->length != ELEMENT_LENGTH_UNDEFINED)
    return header->length <= rest.size ? header->bytes + (size_t)header->length : 0;
  const uint32_t end = header->tag == TAG_ITEM ? TAG_ITEM_END : TAG_SEQUENCE_END;
  const size_t inside = skip_until(form_inside(form, header, rest), rest, end, depth + 1);
  return inside == 0 ? 0 : header->bytes + inside;
}

/* The size of items up to TAG_SEQUENCE_END, or of elements up to TAG_ITEM_END, with the delimiter; 0 where it is not
 * there. */
static size_t skip_until(struct element_form form, struct cas_slice bytes, uint32_t end, unsigned depth) {
  struct element_header header;
  if (depth > OPEN_MAX) return 0;
  for (size_t at = 0;;) {
    const struct cas_slice rest = behind(bytes, at);
    if (!read_header(form, rest, &header)) return 0;
    if (header.tag == end) return at + header.bytes;
    const bool fits = end == TAG_SEQUENCE_END ? header.tag == TAG_ITEM : header.tag >> 16 != GROUP_OF_ITEMS;
    const size_t size = fits ? whole_size(form, rest, depth, &header) : 0;
    if (size == 0) return 0;
    at += size;
  }
}

/* What was read of it, from its header on. */
static struct cas_slice value_of(struct cas_slice whole, const struct element_header *header) {
  const size_t delimiter = header->length == ELEMENT_LENGTH_UNDEFINED ? ELEMENT_HEADER_BYTES_MIN : 0;
  return slice_of(whole.data + header->bytes, whole.size - header->bytes - delimiter);
}

enum data_set_step data_set_next(const struct data_set *set, size_t *offset, struct data_element *element) {
  struct element_header header;
  if (*offset == set->bytes.size) return DATA_SET_END;
  const struct cas_slice rest = behind(set->bytes, *offset);
  if (!read_header(set->form, rest, &header) || header.tag >> 16 == GROUP_OF_ITEMS) return DATA_SET_BROKEN;
  const struct cas_slice whole = slice_of(rest.data, whole_size(set->form, rest, 0, &header));
  if (whole.size == 0) return DATA_SET_BROKEN;
  const struct cas_slice value = value_of(whole, &header);
  *element = (struct data_element){
      .header = header, .whole = whole, .value = value, .form = form_inside(set->form, &header, value)};
  *offset += whole.size;
  return DATA_SET_ELEMENT;
}

enum data_set_step data_set_next_item(const struct data_set *items, size_t *offset, struct data_set *item) {
  struct element_header header;
  if (*offset == items->bytes.size) return DATA_SET_END;
  const struct cas_slice rest = behind(items->bytes, *offset);
  if (!read_header(items->form, rest, &header) || header.tag != TAG_ITEM) return DATA_SET_BROKEN;
  const struct cas_slice whole = slice_of(rest.data, whole_size(items->form, rest, 1, &header));
  if (whole.size == 0) return DATA_SET_BROKEN;
  *item = (struct data_set){.form = items->form, .bytes = value_of(whole, &header)};
  *offset += whole.size;
  return DATA_SET_ELEMENT;
}

struct data_set data_element_items(const struct data_element *element) {
  return (struct data_set){.form = element->form, .bytes = element->value};
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
