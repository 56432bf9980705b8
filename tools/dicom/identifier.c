/* Owns nothing: identifiers are read by cassette/data_set.h, which checks every length. */
#include "identifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cas_status refuse(struct cas_error *error, const char *why) {
  if (error != NULL) {
    error->status = CAS_REFUSED;
    error->system_errno = 0;
    snprintf(error->message, sizeof error->message, "identifier: %s", why);
  }
  return CAS_REFUSED;
}

static struct cas_slice trimmed(const uint8_t *value, size_t size) {
  while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\0')) size--;
  while (size > 0 && *value == ' ') value++, size--;
  return (struct cas_slice){.data = value, .size = size};
}

cas_status identifier_parse(struct cas_slice bytes, bool explicit_vr, struct identifier *identifier,
                            struct cas_error *error) {
  struct cas_data_set data_set = {.rest = bytes, .explicit_vr = explicit_vr};
  struct cas_element element;
  cas_status status;
  uint32_t previous = 0;
  identifier->count = 0;
  identifier->explicit_vr = explicit_vr;
  if (bytes.size > IDENTIFIER_BYTES_MAX) return refuse(error, "too long");
  while ((status = cas_data_set_next(&data_set, &element)) == CAS_OK) {
    if (identifier->count > 0 && element.tag <= previous) return refuse(error, "elements are not in ascending order");
    if (identifier->count == IDENTIFIER_KEYS_MAX) return refuse(error, "too many elements");
    previous = element.tag;
    struct identifier_key *key = &identifier->keys[identifier->count++];
    *key = (struct identifier_key){.tag = element.tag, .is_sequence = element.has_items != 0, .raw = element.value};
    if (!key->is_sequence) key->value = trimmed(element.value.data, element.value.size);
  }
  return status == CAS_END ? CAS_OK : refuse(error, "an element is cut short, or a sequence does not end");
}

const struct identifier_key *identifier_find(const struct identifier *identifier, uint32_t tag) {
  for (size_t i = 0; i < identifier->count; i++)
    if (identifier->keys[i].tag == tag) return &identifier->keys[i];
  return NULL;
}

bool identifier_key_is(const struct identifier_key *key, const char *text) {
  return key != NULL && key->value.size == strlen(text) && memcmp(key->value.data, text, key->value.size) == 0;
}

bool identifier_text_of(const struct identifier *identifier, struct cas_slice value, const char *vr, char *text,
                        size_t capacity) {
  const struct identifier_key *set = identifier_find(identifier, CAS_TAG_SPECIFIC_CHARACTER_SET);
  const struct cas_slice terms = set != NULL ? set->value : (struct cas_slice){0};
  struct cas_buffer utf8 = {0};
  struct cas_text *decoder;
  if (cas_text_create(terms, &decoder) != CAS_OK) return false;
  bool fits = cas_text_decode(decoder, value, vr, 0, &utf8) == CAS_OK && utf8.size < capacity &&
              (utf8.size == 0 || memchr(utf8.data, 0, utf8.size) == NULL);
  if (fits && utf8.size > 0) memcpy(text, utf8.data, utf8.size);
  if (fits) text[utf8.size] = '\0';
  cas_buffer_fini(&utf8);
  cas_text_destroy(decoder);
  return fits;
}

bool identifier_text(const struct identifier *identifier, struct cas_slice value, char *text, size_t capacity) {
  return identifier_text_of(identifier, value, "LO", text, capacity);
}

static bool has_long_length(const char *vr) { return strstr("OB OD OF OL OV OW SQ SV UC UN UR UT UV", vr) != NULL; }

static cas_status put_padding(struct cas_buffer *bytes, const char *vr) {
  const uint8_t padding = strcmp(vr, "UI") == 0 || vr[0] == 'O' || strcmp(vr, "UN") == 0 ? '\0' : ' ';
  return cas_buffer_append(bytes, (struct cas_slice){&padding, 1});
}

static void put_u32(uint8_t *p, size_t value) {
  for (unsigned i = 0; i < 4; i++) p[i] = (uint8_t)(value >> 8 * i);
}

cas_status identifier_put(struct cas_buffer *bytes, bool explicit_vr, uint32_t tag, const char *vr,
                          struct cas_slice value) {
  const bool has_32_bits = !explicit_vr || has_long_length(vr);
  const size_t size = value.size > 65534 && !has_long_length(vr) ? 65534 : value.size, padded = size + (size & 1);
  uint8_t head[12] = {(uint8_t)(tag >> 16), (uint8_t)(tag >> 24), (uint8_t)tag, (uint8_t)(tag >> 8)};
  if (explicit_vr) memcpy(head + 4, vr, 2);
  if (has_32_bits)
    put_u32(head + (explicit_vr ? 8 : 4), padded);
  else
    head[6] = (uint8_t)padded, head[7] = (uint8_t)(padded >> 8);
  const size_t head_size = explicit_vr && has_32_bits ? 12 : 8;
  cas_status status = cas_buffer_append(bytes, (struct cas_slice){.data = head, .size = head_size});
  if (status == CAS_OK) status = cas_buffer_append(bytes, (struct cas_slice){.data = value.data, .size = size});
  return status == CAS_OK && padded > size ? put_padding(bytes, vr) : status;
}

cas_status identifier_put_integers(struct cas_buffer *bytes, bool explicit_vr, uint32_t tag, const char *vr,
                                   const char *text) {
  uint8_t values[256];
  const size_t width = vr[1] == 'S' ? 2 : vr[1] == 'L' ? 4 : 8;
  size_t size = 0;
  for (const char *at = text; *at != '\0' && size + width <= sizeof values;) {
    char *end;
    const unsigned long long number = vr[0] == 'S' ? (unsigned long long)strtoll(at, &end, 10) : strtoull(at, &end, 10);
    if (end == at) break;
    for (size_t i = 0; i < width; i++) values[size + i] = (uint8_t)(number >> 8 * i);
    size += width;
    at = *end == '\\' ? end + 1 : end;
  }
  return identifier_put(bytes, explicit_vr, tag, vr, (struct cas_slice){.data = values, .size = size});
}

cas_status identifier_put_item(struct cas_buffer *items, struct cas_slice item) {
  uint8_t head[8] = {0xFE, 0xFF, 0x00, 0xE0};
  put_u32(head + 4, item.size);
  const cas_status status = cas_buffer_append(items, (struct cas_slice){.data = head, .size = sizeof head});
  return status == CAS_OK ? cas_buffer_append(items, item) : status;
}
