/* Owns the reading of data sets that lie in memory. Recursion ends at CAS_DATA_SET_DEPTH_MAX. */
#include "cassette/data_set.h"

#include "base/status.h"
#include "dicom/element_header.h"
#include "dicom/value_text.h"

static void advance(struct cas_slice *rest, size_t size) { *rest = slice_of(rest->data + size, rest->size - size); }

static struct element_form form_of(const struct cas_data_set *data_set) {
  return (struct element_form){.explicit_vr = data_set->explicit_vr != 0, .big_endian = data_set->big_endian != 0};
}

/* Reads a header off the rest; false where it is cut short. */
static bool take_header(struct cas_slice *rest, struct element_form form, struct element_header *header) {
  if (rest->size < ELEMENT_HEADER_BYTES_MIN) return false;
  size_t size = element_header_bytes(form, rest->data);
  if (rest->size < size) return false;
  element_header_decode(form, rest->data, header);
  advance(rest, size);
  return true;
}

/* The length of what ends with the delimiter `end`, which is not counted; the rest begins behind it. */
static bool take_undefined(struct cas_slice *rest, struct element_form form, uint32_t end, unsigned depth,
                           struct cas_slice *value) {
  const uint8_t *begin = rest->data;
  if (depth > CAS_DATA_SET_DEPTH_MAX) return false;
  for (;;) {
    const uint8_t *at = rest->data;
    struct element_header header;
    if (!take_header(rest, form, &header)) return false;
    if (header.tag == end) {
      *value = slice_of(begin, (size_t)(at - begin));
      return true;
    }
    if (header.length != ELEMENT_LENGTH_UNDEFINED) {
      if (header.length > rest->size) return false;
      advance(rest, header.length);
      continue;
    }
    struct cas_slice inner;
    const uint32_t inner_end = header.tag == TAG_ITEM ? TAG_ITEM_END : TAG_SEQUENCE_END;
    if (!take_undefined(rest, form, inner_end, depth + 1, &inner)) return false;
  }
}

static bool take_value(struct cas_slice *rest, struct element_form form, const struct element_header *header,
                       uint32_t end, struct cas_slice *value) {
  if (header->length == ELEMENT_LENGTH_UNDEFINED) return take_undefined(rest, form, end, 1, value);
  if (header->length > rest->size) return false;
  *value = slice_of(rest->data, header->length);
  advance(rest, header->length);
  return true;
}

cas_status cas_data_set_next(struct cas_data_set *data_set, struct cas_element *element) {
  struct cas_slice rest = data_set->rest, value;
  struct element_header header;
  if (rest.size == 0) return CAS_END;
  if (!take_header(&rest, form_of(data_set), &header) || header.tag >> 16 == 0xFFFE) return CAS_CORRUPT;
  if (!take_value(&rest, form_of(data_set), &header, TAG_SEQUENCE_END, &value)) return CAS_CORRUPT;
  bool is_sequence = header.has_vr && memcmp(header.vr, "SQ", 2) == 0;
  *element = (struct cas_element){
      .tag = header.tag, .has_items = is_sequence || header.length == ELEMENT_LENGTH_UNDEFINED, .value = value};
  if (header.has_vr) memcpy(element->vr, header.vr, 2);
  data_set->rest = rest;
  return CAS_OK;
}

cas_status cas_data_set_next_item(struct cas_data_set *items, struct cas_data_set *item) {
  struct cas_slice rest = items->rest, value;
  struct element_header header;
  if (rest.size == 0) return CAS_END;
  if (!take_header(&rest, form_of(items), &header)) return CAS_CORRUPT;
  if (header.tag == TAG_SEQUENCE_END) return CAS_END;
  if (header.tag != TAG_ITEM || !take_value(&rest, form_of(items), &header, TAG_ITEM_END, &value)) return CAS_CORRUPT;
  *item = (struct cas_data_set){.rest = value, .explicit_vr = items->explicit_vr, .big_endian = items->big_endian};
  items->rest = rest;
  return CAS_OK;
}

cas_status cas_data_set_find(struct cas_data_set data_set, uint32_t tag, struct cas_element *element) {
  struct cas_element read;
  while (cas_data_set_next(&data_set, &read) == CAS_OK && read.tag <= tag) {
    if (read.tag != tag) continue;
    *element = read;
    return CAS_OK;
  }
  return CAS_NOT_FOUND;
}

struct cas_text {
  struct charset *charset;
};

cas_status cas_text_create(struct cas_slice specific_character_set, struct cas_text **out) {
  struct cas_text *text = malloc(sizeof *text);
  if (text == NULL) return CAS_NO_MEMORY;
  cas_status status = charset_create(specific_character_set, &text->charset);
  if (status != CAS_OK) {
    free(text);
    return status;
  }
  *out = text;
  return CAS_OK;
}

void cas_text_destroy(struct cas_text *text) {
  if (text == NULL) return;
  charset_destroy(text->charset);
  free(text);
}

cas_status cas_text_decode(struct cas_text *text, struct cas_slice value, const char *vr, int big_endian,
                           struct cas_buffer *utf8) {
  const struct raw_value raw = {.vr = {vr[0], vr[1]}, .big_endian = big_endian != 0, .bytes = value};
  return value_to_text(&raw, text->charset, utf8);
}
