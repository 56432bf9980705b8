/* Owns nothing. Recursion ends at CAS_DATA_SET_DEPTH_MAX. */
#include "find_header.h"

#include <string.h>

#include "dicom_shim.h"

struct copying {
  struct cas_text *decoder;
  struct find_text *text;
  bool explicit_vr;
  struct cas_buffer utf8, value;
};

/* The VR of the standard, else that of the object, else that of the request. */
static void choose_vr(uint32_t tag, const struct cas_element *stored, const struct cas_element *wanted, char vr[3]) {
  if (dicom_dictionary_vr(tag, vr)) return;
  const struct cas_element *sources[] = {stored, wanted};
  memcpy(vr, "UN", 3);
  for (size_t i = 0; i < 2; i++) {
    if (sources[i] == NULL || (sources[i]->vr[0] == '\0' && !sources[i]->has_items)) continue;
    memcpy(vr, sources[i]->has_items ? "SQ" : sources[i]->vr, 3);
    return;
  }
}

static bool is_integer(const char *vr) { return strstr("US SS UL SL UV SV", vr) != NULL; }

/* Values whose bytes are no text: copied where their order is ours. */
static bool is_opaque(const char *vr) { return strstr("AT FL FD OB OD OF OL OV OW UN", vr) != NULL; }

static cas_status put_value(struct copying *copying, const struct cas_data_set *around,
                            const struct cas_element *stored, const char *vr, struct cas_buffer *bytes) {
  const char *read_as = stored->vr[0] != '\0' && strcmp(stored->vr, "UN") != 0 ? stored->vr : vr;
  if (is_opaque(vr))
    return identifier_put(bytes, copying->explicit_vr, stored->tag, vr,
                          around->big_endian ? (struct cas_slice){0} : stored->value);
  cas_status status = cas_text_decode(copying->decoder, stored->value, read_as, around->big_endian, &copying->utf8);
  if (status != CAS_OK) return status;
  const struct cas_slice utf8 = {.data = copying->utf8.data, .size = copying->utf8.size};
  if (is_integer(vr)) {
    static const uint8_t end = 0;
    status = cas_buffer_append(&copying->utf8, (struct cas_slice){&end, 1});
    if (status != CAS_OK) return status;
    return identifier_put_integers(bytes, copying->explicit_vr, stored->tag, vr, (const char *)copying->utf8.data);
  }
  status = find_text_encode(copying->text, utf8, vr, &copying->value);
  if (status != CAS_OK) return status;
  return identifier_put(bytes, copying->explicit_vr, stored->tag, vr,
                        (struct cas_slice){.data = copying->value.data, .size = copying->value.size});
}

static cas_status put_element(struct copying *copying, const struct cas_data_set *around,
                              const struct cas_element *stored, const struct cas_data_set *request,
                              const struct cas_element *wanted, unsigned depth, struct cas_buffer *bytes);

/* What the request's item asks of a stored item. */
static cas_status put_wanted(struct copying *copying, const struct cas_data_set *item, struct cas_data_set wanted,
                             unsigned depth, struct cas_buffer *bytes) {
  struct cas_element key, stored;
  const struct cas_data_set request = wanted;
  cas_status status = CAS_OK;
  while (status == CAS_OK && cas_data_set_next(&wanted, &key) == CAS_OK) {
    if ((key.tag & 0xFFFF) == 0) continue;
    stored = (struct cas_element){.tag = key.tag};
    (void)cas_data_set_find(*item, key.tag, &stored);
    status = put_element(copying, item, &stored, &request, &key, depth, bytes);
  }
  return status;
}

static cas_status put_all(struct copying *copying, struct cas_data_set item, unsigned depth, struct cas_buffer *bytes) {
  const struct cas_data_set around = item;
  struct cas_element stored;
  cas_status status = CAS_OK;
  while (status == CAS_OK && cas_data_set_next(&item, &stored) == CAS_OK)
    if ((stored.tag & 0xFFFF) != 0 && stored.tag != CAS_TAG_SPECIFIC_CHARACTER_SET)
      status = put_element(copying, &around, &stored, NULL, NULL, depth, bytes);
  return status;
}

/* Whether the request has an item with keys in it. */
static bool first_item(const struct cas_data_set *request, const struct cas_element *wanted,
                       struct cas_data_set *item) {
  if (request == NULL || wanted == NULL) return false;
  struct cas_data_set items = cas_data_set_items(request, wanted);
  return cas_data_set_next_item(&items, item) == CAS_OK && item->rest.size > 0;
}

static cas_status put_sequence(struct copying *copying, const struct cas_data_set *around,
                               const struct cas_element *stored, const struct cas_data_set *request,
                               const struct cas_element *wanted, unsigned depth, struct cas_buffer *bytes) {
  struct cas_data_set items = cas_data_set_items(around, stored), item, keys;
  struct cas_buffer value = {0}, content = {0};
  const bool has_keys = first_item(request, wanted, &keys);
  cas_status status = CAS_OK;
  while (status == CAS_OK && depth < CAS_DATA_SET_DEPTH_MAX && cas_data_set_next_item(&items, &item) == CAS_OK) {
    content.size = 0;
    status =
        has_keys ? put_wanted(copying, &item, keys, depth + 1, &content) : put_all(copying, item, depth + 1, &content);
    if (status == CAS_OK)
      status = identifier_put_item(&value, (struct cas_slice){.data = content.data, .size = content.size});
  }
  if (status == CAS_OK)
    status = identifier_put(bytes, copying->explicit_vr, stored->tag, "SQ",
                            (struct cas_slice){.data = value.data, .size = value.size});
  cas_buffer_fini(&value);
  cas_buffer_fini(&content);
  return status;
}

static cas_status put_element(struct copying *copying, const struct cas_data_set *around,
                              const struct cas_element *stored, const struct cas_data_set *request,
                              const struct cas_element *wanted, unsigned depth, struct cas_buffer *bytes) {
  char vr[3];
  choose_vr(stored->tag, stored, wanted, vr);
  if (strcmp(vr, "SQ") == 0) return put_sequence(copying, around, stored, request, wanted, depth, bytes);
  return put_value(copying, around, stored, vr, bytes);
}

cas_status find_header_put(const struct cas_header *header, struct find_text *text, const struct identifier *request,
                           const struct identifier_key *key, struct cas_buffer *bytes) {
  const struct cas_data_set keys = {.explicit_vr = request->explicit_vr};
  const struct cas_element wanted = {.tag = key->tag, .has_items = key->is_sequence, .value = key->raw};
  struct copying copying = {.text = text, .explicit_vr = request->explicit_vr};
  struct cas_element stored = {.tag = key->tag};
  char vr[3];
  choose_vr(key->tag, &stored, &wanted, vr);
  if (header == NULL) return identifier_put(bytes, request->explicit_vr, key->tag, vr, (struct cas_slice){0});
  const struct cas_data_set data_set = cas_header_data_set(header);
  copying.decoder = cas_header_text(header);
  (void)cas_data_set_find(data_set, key->tag, &stored);
  const cas_status status = put_element(&copying, &data_set, &stored, &keys, &wanted, 0, bytes);
  cas_buffer_fini(&copying.utf8);
  cas_buffer_fini(&copying.value);
  return status;
}
