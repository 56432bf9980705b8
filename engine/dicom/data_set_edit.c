/*
 * Two passes: one finds what will be changed, and where the changes end; one writes.
 *
 *  1. Elements stand in ascending order in what is written, if they did in what was read, which is checked as far as
 * the changes go.
 *  2. A group length (retired, PS3.5 7.2) of a group that is changed would be wrong: it is left out.
 */
#include "dicom/data_set_edit.h"

#include <stdio.h>

#include "base/status.h"

enum {
  TAG_ORIGINAL_ATTRIBUTES = 0x04000561,
  TAG_MODIFIED_ATTRIBUTES = 0x04000550,
  TAG_MODIFICATION_TIME = 0x04000562,
  TAG_MODIFYING_SYSTEM = 0x04000563,
  TAG_SOURCE_OF_PREVIOUS = 0x04000564,
  TAG_MODIFICATION_REASON = 0x04000565,
};

struct found {
  struct cas_buffer originals; /* elements that are replaced, as they were */
  struct cas_slice history;    /* items of the Original Attributes Sequence that is there */
  size_t used;
};

/* --- writing --- */

static void put_u16(uint8_t *bytes, uint16_t value, bool big_endian) {
  if (big_endian) {
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
  } else {
    store_u16(bytes, value);
  }
}

static void put_u32(uint8_t *bytes, uint32_t value, bool big_endian) {
  put_u16(bytes + (big_endian ? 0 : 2), (uint16_t)(value >> 16), big_endian);
  put_u16(bytes + (big_endian ? 2 : 0), (uint16_t)value, big_endian);
}

static cas_status put_header(struct cas_buffer *out, struct element_form form, uint32_t tag, const char *vr,
                             size_t length) {
  uint8_t header[ELEMENT_HEADER_BYTES_MAX] = {0};
  bool is_long = strcmp(vr, "SQ") == 0 || strcmp(vr, "UT") == 0 || strcmp(vr, "UC") == 0 || strcmp(vr, "UR") == 0;
  bool is_item = tag == TAG_ITEM;
  size_t size = ELEMENT_HEADER_BYTES_MIN;
  put_u16(header, (uint16_t)(tag >> 16), form.big_endian);
  put_u16(header + 2, (uint16_t)tag, form.big_endian);
  if (!form.explicit_vr || is_item) {
    put_u32(header + 4, (uint32_t)length, form.big_endian);
  } else {
    memcpy(header + 4, vr, 2);
    if (is_long) {
      put_u32(header + 8, (uint32_t)length, form.big_endian);
      size = ELEMENT_HEADER_BYTES_MAX;
    } else {
      put_u16(header + 6, (uint16_t)length, form.big_endian);
    }
  }
  return cas_buffer_append(out, slice_of(header, size));
}

/* With the padding that an even length needs. */
static cas_status put_value(struct cas_buffer *out, struct element_form form, uint32_t tag, const char *vr,
                            struct cas_slice value) {
  STATUS_TRY(put_header(out, form, tag, vr, value.size + (value.size & 1)));
  STATUS_TRY(cas_buffer_append(out, value));
  return value.size & 1 ? cas_buffer_append(out, slice_of(strcmp(vr, "UI") == 0 ? "\0" : " ", 1)) : CAS_OK;
}

static cas_status put_text(struct cas_buffer *out, struct element_form form, uint32_t tag, const char *vr,
                           const char *text) {
  return put_value(out, form, tag, vr, slice_of(text, strlen(text)));
}

/* What an item of the Original Attributes Sequence holds. */
static cas_status make_item(struct element_form form, const struct data_set_edits *edits, const struct found *found,
                            struct cas_buffer *item) {
  STATUS_TRY(put_header(item, form, TAG_MODIFIED_ATTRIBUTES, "SQ", ELEMENT_HEADER_BYTES_MIN + found->originals.size));
  STATUS_TRY(put_header(item, form, TAG_ITEM, "", found->originals.size));
  STATUS_TRY(cas_buffer_append(item, slice_of_buffer(&found->originals)));
  STATUS_TRY(put_text(item, form, TAG_MODIFICATION_TIME, "DT", edits->time));
  STATUS_TRY(put_text(item, form, TAG_MODIFYING_SYSTEM, "LO", edits->system));
  STATUS_TRY(put_text(item, form, TAG_SOURCE_OF_PREVIOUS, "LO", ""));
  return put_text(item, form, TAG_MODIFICATION_REASON, "CS", edits->reason);
}

static cas_status put_history(struct cas_buffer *out, struct element_form form, const struct data_set_edits *edits,
                              const struct found *found) {
  CLEANUP_BUFFER struct cas_buffer item = {0};
  STATUS_TRY(make_item(form, edits, found, &item));
  STATUS_TRY(
      put_header(out, form, TAG_ORIGINAL_ATTRIBUTES, "SQ", found->history.size + ELEMENT_HEADER_BYTES_MIN + item.size));
  STATUS_TRY(cas_buffer_append(out, found->history));
  STATUS_TRY(put_header(out, form, TAG_ITEM, "", item.size));
  return cas_buffer_append(out, slice_of_buffer(&item));
}

/* --- the first pass --- */

static const struct element_edit *edit_of(const struct data_set_edits *edits, uint32_t tag) {
  for (size_t i = 0; i < edits->count; i++)
    if (edits->edits[i].tag == tag) return &edits->edits[i];
  return NULL;
}

/* The highest tag that is written anew. */
static uint32_t last_tag(const struct data_set_edits *edits) {
  const uint32_t last = edits->count > 0 ? edits->edits[edits->count - 1].tag : 0;
  return last > TAG_ORIGINAL_ATTRIBUTES ? last : TAG_ORIGINAL_ATTRIBUTES;
}

static bool is_stale_length(const struct data_set_edits *edits, uint32_t tag) {
  if ((tag & 0xFFFF) != 0) return false;
  if (tag >> 16 == TAG_ORIGINAL_ATTRIBUTES >> 16) return true;
  for (size_t i = 0; i < edits->count; i++)
    if (edits->edits[i].tag >> 16 == tag >> 16) return true;
  return false;
}

static cas_status refuse(struct cas_error *error, const char *why) {
  return status_fail(error, CAS_REFUSED, "the object cannot be changed: %s", why);
}

static cas_status find(const struct data_set *set, bool all, const struct data_set_edits *edits, struct found *found,
                       struct cas_error *error) {
  struct data_element element;
  enum data_set_step step;
  size_t offset = 0;
  uint32_t last = 0;
  for (; (step = data_set_next(set, &offset, &element)) == DATA_SET_ELEMENT; found->used = offset) {
    uint32_t tag = element.header.tag;
    if (tag <= last) return refuse(error, "its elements do not ascend");
    if (tag > last_tag(edits)) return CAS_OK;
    last = tag;
    if (edit_of(edits, tag) != NULL) STATUS_TRY(cas_buffer_append(&found->originals, element.whole));
    if (tag == TAG_ORIGINAL_ATTRIBUTES) found->history = element.value;
  }
  if (step == DATA_SET_END && all) return CAS_OK;
  /* A long value, as pixel data, need not be at hand. */
  struct element_header header;
  struct cas_slice rest = slice_of(set->bytes.data + offset, set->bytes.size - offset);
  if (rest.size >= ELEMENT_HEADER_BYTES_MAX) {
    element_header_decode(set->form, rest.data, &header);
    if (header.tag > last_tag(edits) && header.tag >> 16 != 0xFFFE) return CAS_OK;
  }
  return all ? refuse(error, "its structure is broken") : CAS_END;
}

/* --- the second pass --- */

struct writing {
  const struct data_set_edits *edits;
  const struct found *found;
  struct element_form form;
  size_t next;      /* of the edits */
  bool has_history; /* it was written */
  struct cas_buffer written;
};

static cas_status put_edits_before(struct writing *writing, uint32_t tag) {
  for (; writing->next < writing->edits->count && writing->edits->edits[writing->next].tag < tag; writing->next++) {
    const struct element_edit *edit = &writing->edits->edits[writing->next];
    STATUS_TRY(put_value(&writing->written, writing->form, edit->tag, edit->vr, edit->value));
  }
  return CAS_OK;
}

/* All that is new below `tag` and was not written yet. */
static cas_status put_new_before(struct writing *writing, uint32_t tag) {
  if (tag > TAG_ORIGINAL_ATTRIBUTES && !writing->has_history) {
    STATUS_TRY(put_edits_before(writing, TAG_ORIGINAL_ATTRIBUTES));
    STATUS_TRY(put_history(&writing->written, writing->form, writing->edits, writing->found));
    writing->has_history = true;
  }
  return put_edits_before(writing, tag);
}

static cas_status write_changed(struct writing *writing, const struct data_set *set) {
  struct data_element element;
  for (size_t offset = 0; offset < writing->found->used;) {
    if (data_set_next(set, &offset, &element) != DATA_SET_ELEMENT) return CAS_REFUSED;
    const uint32_t tag = element.header.tag;
    STATUS_TRY(put_new_before(writing, tag));
    if (is_stale_length(writing->edits, tag) || tag == TAG_ORIGINAL_ATTRIBUTES) continue;
    if (edit_of(writing->edits, tag) != NULL)
      STATUS_TRY(put_edits_before(writing, tag + 1));
    else
      STATUS_TRY(cas_buffer_append(&writing->written, element.whole));
  }
  return put_new_before(writing, last_tag(writing->edits) + 1);
}

cas_status data_set_edit(const struct data_set *set, bool all, const struct data_set_edits *edits,
                         struct cas_buffer *out, size_t *used, struct cas_error *error) {
  struct found found = {0};
  struct writing writing = {.edits = edits, .found = &found, .form = set->form};
  cas_status status = find(set, all, edits, &found, error);
  if (status == CAS_OK) status = write_changed(&writing, set);
  if (status == CAS_OK) status = cas_buffer_append(out, slice_of_buffer(&writing.written));
  if (status == CAS_OK) *used = found.used;
  cas_buffer_fini(&writing.written);
  cas_buffer_fini(&found.originals);
  return status;
}
