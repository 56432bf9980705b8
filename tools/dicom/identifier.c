/*
 * Owns nothing. Invariants:
 *  1. Every length is checked against what is left before it is used.
 *  2. Recursion ends at IDENTIFIER_DEPTH_MAX.
 */
#include "identifier.h"

#include <stdio.h>
#include <string.h>

#define UNDEFINED 0xFFFFFFFFu
#define ITEM 0xFFFEE000u
#define ITEM_END 0xFFFEE00Du
#define SEQUENCE_END 0xFFFEE0DDu

struct cursor {
  const uint8_t *at;
  size_t left;
  bool explicit_vr;
};

struct element {
  uint32_t tag, size;
  bool is_sequence;
};

static cas_status refuse(struct cas_error *error, const char *why) {
  if (error != NULL) {
    error->status = CAS_REFUSED;
    error->system_errno = 0;
    snprintf(error->message, sizeof error->message, "identifier: %s", why);
  }
  return CAS_REFUSED;
}

static uint32_t u16_at(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32_at(const uint8_t *p) { return u16_at(p) | u16_at(p + 2) << 16; }

static void advance(struct cursor *cursor, size_t size) {
  cursor->at += size;
  cursor->left -= size;
}

static bool has_long_length(const uint8_t *vr) {
  static const char vrs[] = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
  const char text[] = {(char)vr[0], (char)vr[1], '\0'};
  return vr[0] != ' ' && vr[1] != ' ' && strlen(text) == 2 && strstr(vrs, text) != NULL;
}

/* Reads an element's head; false if it is cut short. */
static bool read_head(struct cursor *cursor, struct element *element) {
  if (cursor->left < 8) return false;
  const uint8_t *head = cursor->at;
  element->tag = u16_at(head) << 16 | u16_at(head + 2);
  const bool has_vr = cursor->explicit_vr && element->tag >> 16 != 0xFFFE;
  size_t size = 8;
  if (!has_vr) {
    element->size = u32_at(head + 4);
    element->is_sequence = element->size == UNDEFINED;
  } else if (has_long_length(head + 4)) {
    if (cursor->left < 12) return false;
    element->size = u32_at(head + 8);
    element->is_sequence = memcmp(head + 4, "SQ", 2) == 0 || element->size == UNDEFINED;
    size = 12;
  } else {
    element->size = u16_at(head + 6);
    element->is_sequence = false;
  }
  advance(cursor, size);
  return true;
}

/* Passes over what ends with a delimiter: items of a sequence, or elements of an item. */
static bool skip_undefined(struct cursor *cursor, uint32_t end, unsigned depth) {
  if (depth > IDENTIFIER_DEPTH_MAX) return false;
  struct element element;
  while (read_head(cursor, &element)) {
    if (element.tag == end) return true;
    if (element.size == UNDEFINED) {
      const uint32_t inner = element.tag == ITEM ? ITEM_END : SEQUENCE_END;
      if (!skip_undefined(cursor, inner, depth + 1)) return false;
    } else if (element.size > cursor->left) {
      return false;
    } else {
      advance(cursor, element.size);
    }
  }
  return false;
}

static struct cas_slice trimmed(const uint8_t *value, size_t size) {
  while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\0')) size--;
  while (size > 0 && *value == ' ') value++, size--;
  return (struct cas_slice){.data = value, .size = size};
}

cas_status identifier_parse(struct cas_slice bytes, bool explicit_vr, struct identifier *identifier,
                            struct cas_error *error) {
  struct cursor cursor = {.at = bytes.data, .left = bytes.size, .explicit_vr = explicit_vr};
  identifier->count = 0;
  uint32_t previous = 0;
  if (bytes.size > IDENTIFIER_BYTES_MAX) return refuse(error, "too long");
  while (cursor.left > 0) {
    struct element element;
    if (!read_head(&cursor, &element)) return refuse(error, "an element is cut short");
    if (element.tag >> 16 == 0xFFFE) return refuse(error, "an item outside of a sequence");
    if (identifier->count > 0 && element.tag <= previous) return refuse(error, "elements are not in ascending order");
    if (identifier->count == IDENTIFIER_KEYS_MAX) return refuse(error, "too many elements");
    previous = element.tag;
    struct identifier_key *key = &identifier->keys[identifier->count++];
    *key = (struct identifier_key){.tag = element.tag, .is_sequence = element.is_sequence};
    if (element.size == UNDEFINED) {
      if (!skip_undefined(&cursor, SEQUENCE_END, 1)) return refuse(error, "a sequence does not end");
      continue;
    }
    if (element.size > cursor.left) return refuse(error, "a value is cut short");
    if (!element.is_sequence) key->value = trimmed(cursor.at, element.size);
    advance(&cursor, element.size);
  }
  return CAS_OK;
}

const struct identifier_key *identifier_find(const struct identifier *identifier, uint32_t tag) {
  for (size_t i = 0; i < identifier->count; i++)
    if (identifier->keys[i].tag == tag) return &identifier->keys[i];
  return NULL;
}

bool identifier_key_is(const struct identifier_key *key, const char *text) {
  return key != NULL && key->value.size == strlen(text) && memcmp(key->value.data, text, key->value.size) == 0;
}

static bool is_ascii(struct cas_slice text) {
  for (size_t i = 0; i < text.size; i++)
    if (text.data[i] >= 0x80) return false;
  return true;
}

bool identifier_text(const struct identifier *identifier, struct cas_slice value, char *text, size_t capacity) {
  const struct identifier_key *set = identifier_find(identifier, CAS_TAG_SPECIFIC_CHARACTER_SET);
  const bool latin = identifier_key_is(set, "ISO_IR 100");
  if (!latin && !is_ascii(value) && !identifier_key_is(set, "ISO_IR 192")) return false;
  size_t at = 0;
  for (size_t i = 0; i < value.size; i++) {
    const uint8_t byte = value.data[i];
    if (byte == 0 || at + 3 > capacity) return false;
    if (latin && byte >= 0x80) {
      text[at++] = (char)(0xC0 | byte >> 6);
      text[at++] = (char)(0x80 | (byte & 0x3F));
    } else {
      text[at++] = (char)byte;
    }
  }
  text[at] = '\0';
  return true;
}

cas_status identifier_put(struct cas_buffer *bytes, bool explicit_vr, uint32_t tag, const char *vr,
                          struct cas_slice value) {
  const bool sequence = strcmp(vr, "SQ") == 0;
  size_t size = sequence ? 0 : value.size;
  if (size > 65534) size = 65534;
  const size_t padded = size + (size & 1);
  uint8_t head[12] = {(uint8_t)(tag >> 16), (uint8_t)(tag >> 24), (uint8_t)tag, (uint8_t)(tag >> 8)};
  size_t head_size = 8;
  if (!explicit_vr) {
    head[4] = (uint8_t)padded;
    head[5] = (uint8_t)(padded >> 8);
  } else {
    head[4] = (uint8_t)vr[0];
    head[5] = (uint8_t)vr[1];
    head[6] = (uint8_t)padded;
    head[7] = (uint8_t)(padded >> 8);
    if (sequence) head_size = 12;
  }
  const uint8_t padding = strcmp(vr, "UI") == 0 ? '\0' : ' ';
  cas_status status = cas_buffer_append(bytes, (struct cas_slice){.data = head, .size = head_size});
  if (status == CAS_OK) status = cas_buffer_append(bytes, (struct cas_slice){.data = value.data, .size = size});
  if (status == CAS_OK && padded > size) status = cas_buffer_append(bytes, (struct cas_slice){&padding, 1});
  return status;
}
