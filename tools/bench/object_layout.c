/*
 * Owns the walk over the elements of a file in memory. Invariants:
 *  1. Every length is checked against what is left before it is used.
 *  2. Recursion ends at OBJECT_DEPTH_MAX.
 *  3. Bytes of the file are copied out, never cast.
 */
#include "object_layout.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREAMBLE_BYTES 132u
#define UNDEFINED 0xFFFFFFFFu
#define ITEM 0xFFFEE000u
#define ITEM_END 0xFFFEE00Du
#define SEQUENCE_END 0xFFFEE0DDu
#define TAG_META_SOP_INSTANCE_UID 0x00020003u
#define TAG_PIXEL_DATA 0x7FE00010u

struct walk {
  struct cas_slice file;
  size_t at;
  bool explicit_vr;
  struct object_layout *layout;
  struct cas_error *error;
};

struct element {
  uint32_t tag, size;
};

static cas_status fail(struct walk *walk, cas_status status, const char *what) {
  if (walk->error != NULL) {
    *walk->error = (struct cas_error){.status = status};
    snprintf(walk->error->message, sizeof walk->error->message, "%s, at byte %zu", what, walk->at);
  }
  return status;
}

static uint32_t u16_at(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32_at(const uint8_t *p) { return u16_at(p) | u16_at(p + 2) << 16; }

static size_t left(const struct walk *walk) { return walk->file.size - walk->at; }

static bool has_long_length(const uint8_t *vr) {
  static const char vrs[] = "OBODOFOLOVOWSQSVUCUNURUTUV";
  for (const char *known = vrs; *known; known += 2)
    if (vr[0] == (uint8_t)known[0] && vr[1] == (uint8_t)known[1]) return true;
  return false;
}

static cas_status read_head(struct walk *walk, struct element *element) {
  if (left(walk) < 8) return fail(walk, CAS_REFUSED, "an element is cut short");
  const uint8_t *head = walk->file.data + walk->at;
  element->tag = u16_at(head) << 16 | u16_at(head + 2);
  size_t size = 8;
  if (!walk->explicit_vr || element->tag >> 16 == 0xFFFE) {
    element->size = u32_at(head + 4);
  } else if (has_long_length(head + 4)) {
    if (left(walk) < 12) return fail(walk, CAS_REFUSED, "an element is cut short");
    element->size = u32_at(head + 8);
    size = 12;
  } else {
    element->size = u16_at(head + 6);
  }
  walk->at += size;
  if (element->size != UNDEFINED && element->size > left(walk)) return fail(walk, CAS_REFUSED, "a value is cut short");
  return CAS_OK;
}

/* Passes over what has an undefined length, up to the delimiter `end`. */
static cas_status skip_undefined(struct walk *walk, uint32_t end, unsigned depth) {
  if (depth > OBJECT_DEPTH_MAX) return fail(walk, CAS_REFUSED, "sequences are nested too deep");
  for (;;) {
    struct element element;
    const cas_status status = read_head(walk, &element);
    if (status != CAS_OK) return status;
    if (element.tag == end) return CAS_OK;
    if (element.size == UNDEFINED) {
      const cas_status skipped = skip_undefined(walk, element.tag == ITEM ? ITEM_END : SEQUENCE_END, depth + 1);
      if (skipped != CAS_OK) return skipped;
    } else {
      walk->at += element.size;
    }
  }
}

static struct object_range value_range(const struct walk *walk, const struct element *element) {
  size_t size = element->size;
  const uint8_t *value = walk->file.data + walk->at;
  while (size > 0 && (value[size - 1] == '\0' || value[size - 1] == ' ')) size--;
  return (struct object_range){.offset = walk->at, .size = size};
}

static cas_status copy_uid(struct walk *walk, const struct element *element, char *text) {
  const struct object_range range = value_range(walk, element);
  if (range.size >= CAS_UID_TEXT_MAX) return fail(walk, CAS_REFUSED, "a UID is too long");
  memcpy(text, walk->file.data + range.offset, range.size);
  text[range.size] = '\0';
  return CAS_OK;
}

static cas_status add_pixels(struct walk *walk, uint64_t offset, uint64_t size) {
  struct object_layout *layout = walk->layout;
  if ((layout->pixel_count & (layout->pixel_count - 1)) == 0) { /* the room doubles */
    const size_t room = layout->pixel_count > 0 ? 2 * layout->pixel_count : 1;
    struct object_range *grown = reallocarray(layout->pixels, room, sizeof *grown);
    if (grown == NULL) return fail(walk, CAS_NO_MEMORY, "out of memory");
    layout->pixels = grown;
  }
  layout->pixels[layout->pixel_count++] = (struct object_range){.offset = offset, .size = size};
  return CAS_OK;
}

static cas_status take_fragments(struct walk *walk) {
  walk->layout->sample_bytes = 1;
  for (size_t item = 0;; item++) {
    struct element element;
    cas_status status = read_head(walk, &element);
    if (status != CAS_OK) return status;
    if (element.tag == SEQUENCE_END) return CAS_OK;
    if (element.tag != ITEM || element.size == UNDEFINED) return fail(walk, CAS_REFUSED, "no fragment of pixel data");
    if (item > 0 && element.size > 0) status = add_pixels(walk, walk->at, element.size);
    if (status != CAS_OK) return status;
    walk->at += element.size;
  }
}

static void add_uid(struct walk *walk, const struct element *element) {
  struct object_layout *layout = walk->layout;
  if (layout->uid_count < sizeof layout->uids / sizeof layout->uids[0])
    layout->uids[layout->uid_count++] = value_range(walk, element);
}

static cas_status take(struct walk *walk, const struct element *element) {
  struct object_layout *layout = walk->layout;
  cas_status status = CAS_OK;
  if (element->size == UNDEFINED) {
    return element->tag == TAG_PIXEL_DATA ? take_fragments(walk) : skip_undefined(walk, SEQUENCE_END, 1);
  }
  switch (element->tag) {
  case CAS_TAG_TRANSFER_SYNTAX_UID: status = copy_uid(walk, element, layout->transfer_syntax_uid); break;
  case CAS_TAG_SOP_CLASS_UID: status = copy_uid(walk, element, layout->sop_class_uid); break;
  case CAS_TAG_SOP_INSTANCE_UID: layout->sop_instance_uid = value_range(walk, element); /* fallthrough */
  case TAG_META_SOP_INSTANCE_UID:
  case CAS_TAG_STUDY_INSTANCE_UID:
  case CAS_TAG_SERIES_INSTANCE_UID: add_uid(walk, element); break;
  case CAS_TAG_BITS_ALLOCATED:
    if (element->size == 2) layout->sample_bytes = (u16_at(walk->file.data + walk->at) + 7) / 8;
    break;
  case TAG_PIXEL_DATA:
    if (element->size > 0) status = add_pixels(walk, walk->at, element->size);
    break;
  default: break;
  }
  walk->at += element->size;
  return status;
}

static cas_status check_syntax(struct walk *walk) {
  const char *uid = walk->layout->transfer_syntax_uid;
  if (uid[0] == '\0') return fail(walk, CAS_REFUSED, "the file does not name its transfer syntax");
  if (strcmp(uid, "1.2.840.10008.1.2.2") == 0) return fail(walk, CAS_UNSUPPORTED, "big endian");
  if (strcmp(uid, "1.2.840.10008.1.2.1.99") == 0 || strcmp(uid, "1.2.840.10008.1.2.8.1") == 0)
    return fail(walk, CAS_UNSUPPORTED, "a deflated data set");
  walk->explicit_vr = strcmp(uid, "1.2.840.10008.1.2") != 0;
  return CAS_OK;
}

/* The meta group, which is explicit always; ends at the first element of another group. */
static cas_status take_meta(struct walk *walk) {
  walk->explicit_vr = true;
  while (left(walk) >= 8 && u16_at(walk->file.data + walk->at) == 2) {
    struct element element;
    cas_status status = read_head(walk, &element);
    if (status == CAS_OK && element.size == UNDEFINED) status = fail(walk, CAS_REFUSED, "a meta element has no length");
    if (status == CAS_OK) status = take(walk, &element);
    if (status != CAS_OK) return status;
  }
  walk->layout->data_set_offset = walk->at;
  return check_syntax(walk);
}

cas_status object_layout_parse(struct cas_slice file, struct object_layout *layout, struct cas_error *error) {
  *layout = (struct object_layout){.sample_bytes = 1};
  struct walk walk = {.file = file, .layout = layout, .error = error};
  if (file.size < PREAMBLE_BYTES || memcmp(file.data + PREAMBLE_BYTES - 4, "DICM", 4) != 0)
    return fail(&walk, CAS_REFUSED, "not a DICOM file with a preamble");
  walk.at = PREAMBLE_BYTES;
  cas_status status = take_meta(&walk);
  const size_t meta_uids = layout->uid_count;
  while (status == CAS_OK && left(&walk) > 0) {
    struct element element;
    status = read_head(&walk, &element);
    if (status == CAS_OK) status = take(&walk, &element);
  }
  if (status != CAS_OK) return status;
  if (layout->uid_count < meta_uids + 3 || layout->sop_instance_uid.size == 0 || layout->sop_class_uid[0] == '\0')
    return fail(&walk, CAS_REFUSED, "no Study, Series or SOP Instance UID, or no SOP class");
  if (layout->sample_bytes == 0) layout->sample_bytes = 1;
  return CAS_OK;
}

void object_layout_fini(struct object_layout *layout) {
  free(layout->pixels);
  layout->pixels = NULL;
  layout->pixel_count = 0;
}
