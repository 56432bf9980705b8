#include "dicom/attribute_codec.h"

enum { ENTRY_HEADER_BYTES = 6 };

static cas_status append(const struct cas_attribute *attribute, struct cas_buffer *bytes) {
  size_t size = strlen(attribute->value);
  uint8_t header[ENTRY_HEADER_BYTES];
  store_u32(header, attribute->tag);
  store_u16(header + 4, (uint16_t)size);
  cas_status status = cas_buffer_append(bytes, slice_of(header, sizeof header));
  return status == CAS_OK ? cas_buffer_append(bytes, slice_of(attribute->value, size)) : status;
}

/* Those whose level is in the set: bit N for level N, 0 for all. */
static cas_status encode(const struct cas_attributes *attributes, unsigned levels, struct cas_buffer *bytes) {
  size_t size_before = bytes->size;
  size_t position = 0;
  struct cas_attribute attribute;
  while (cas_attributes_next(attributes, &position, &attribute)) {
    const struct cas_attribute_definition *definition = cas_attribute_by_tag(attribute.tag);
    if (levels != 0 && (definition == NULL || !(levels >> definition->level & 1))) continue;
    cas_status status = append(&attribute, bytes);
    if (status != CAS_OK) {
      bytes->size = size_before;
      return status;
    }
  }
  return CAS_OK;
}

cas_status attributes_encode(const struct cas_attributes *attributes, enum cas_level level, struct cas_buffer *bytes) {
  return encode(attributes, level == 0 ? 0 : 1u << level, bytes);
}

cas_status attributes_encode_folders(const struct cas_attributes *attributes, struct cas_buffer *bytes) {
  return encode(attributes, 1u << CAS_LEVEL_PATIENT | 1u << CAS_LEVEL_STUDY | 1u << CAS_LEVEL_SERIES, bytes);
}

/* Checks the whole run first, so that a corrupt one changes nothing. */
static bool run_is_valid(struct cas_slice bytes) {
  uint64_t tag_min = 0;
  while (bytes.size > 0) {
    if (bytes.size < ENTRY_HEADER_BYTES) return false;
    uint32_t tag = load_u32(bytes.data);
    size_t size = load_u16(bytes.data + 4);
    if (tag < tag_min || size > bytes.size - ENTRY_HEADER_BYTES) return false;
    if (memchr(bytes.data + ENTRY_HEADER_BYTES, 0, size) != NULL) return false;
    tag_min = (uint64_t)tag + 1;
    bytes = slice_of(bytes.data + ENTRY_HEADER_BYTES + size, bytes.size - ENTRY_HEADER_BYTES - size);
  }
  return true;
}

cas_status attributes_decode(struct cas_slice bytes, struct cas_attributes *attributes) {
  if (!run_is_valid(bytes)) return CAS_CORRUPT;
  while (bytes.size > 0) {
    size_t size = load_u16(bytes.data + 4);
    cas_status status =
        cas_attributes_set(attributes, load_u32(bytes.data), slice_of(bytes.data + ENTRY_HEADER_BYTES, size));
    if (status != CAS_OK) return status;
    bytes = slice_of(bytes.data + ENTRY_HEADER_BYTES + size, bytes.size - ENTRY_HEADER_BYTES - size);
  }
  return CAS_OK;
}
