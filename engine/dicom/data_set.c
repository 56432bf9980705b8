/* Owns the reading of data sets for front ends: what data_set_walk.h reads, and its texts in UTF-8. */
#include "cassette/data_set.h"

#include "base/status.h"
#include "dicom/data_set_walk.h"
#include "dicom/value_text.h"

static struct data_set walked(const struct cas_data_set *data_set) {
  return (struct data_set){.form = {.explicit_vr = data_set->explicit_vr != 0, .big_endian = data_set->big_endian != 0},
                           .bytes = data_set->rest};
}

static struct cas_data_set reader_of(const struct data_set *set) {
  return (struct cas_data_set){
      .rest = set->bytes, .explicit_vr = set->form.explicit_vr, .big_endian = set->form.big_endian};
}

/* What comes of a step that read `size` bytes of the rest. */
static cas_status advance(struct cas_data_set *data_set, enum data_set_step step, size_t size) {
  if (step != DATA_SET_ELEMENT) return step == DATA_SET_END ? CAS_END : CAS_CORRUPT;
  data_set->rest = slice_of(data_set->rest.data + size, data_set->rest.size - size);
  return CAS_OK;
}

cas_status cas_data_set_next(struct cas_data_set *data_set, struct cas_element *element) {
  const struct data_set set = walked(data_set);
  struct data_element read;
  size_t size = 0;
  const enum data_set_step step = data_set_next(&set, &size, &read);
  STATUS_TRY(advance(data_set, step, size));
  const bool is_sequence = read.header.has_vr && memcmp(read.header.vr, "SQ", 2) == 0;
  *element = (struct cas_element){.tag = read.header.tag,
                                  .has_items = is_sequence || read.header.length == ELEMENT_LENGTH_UNDEFINED,
                                  .value = read.value};
  if (read.header.has_vr) memcpy(element->vr, read.header.vr, 2);
  return CAS_OK;
}

struct cas_data_set cas_data_set_items(const struct cas_data_set *around, const struct cas_element *element) {
  const bool is_unknown = element->has_items && memcmp(element->vr, "UN", 2) == 0;
  const struct data_set items = {.form = data_set_form_inside(walked(around).form, is_unknown, element->value),
                                 .bytes = element->value};
  return reader_of(&items);
}

cas_status cas_data_set_next_item(struct cas_data_set *items, struct cas_data_set *item) {
  const struct data_set set = walked(items);
  struct data_set read;
  size_t size = 0;
  const enum data_set_step step = data_set_next_item(&set, &size, &read);
  STATUS_TRY(advance(items, step, size));
  *item = reader_of(&read);
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
