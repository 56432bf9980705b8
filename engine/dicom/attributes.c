/*
 * A set of attribute values: entries ascending by tag, and one buffer with their texts.
 *
 * Invariants
 *  1. entries[0..count) ascend by tag, no tag twice.
 *  2. Every entry's text lies in `texts`, ends with its only NUL there, and no two overlap; nothing else is in `texts`.
 */
#include "cassette/attributes.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct entry {
  uint32_t tag;
  uint32_t offset; /* of the text in `texts` */
  uint32_t size;   /* with its NUL */
};

struct cas_attributes {
  struct entry *entries;
  size_t count;
  size_t capacity;
  struct cas_buffer texts;
};

static const size_t entries_capacity_min = 64;
static const size_t texts_capacity_min = 1024;

cas_status cas_attributes_create(struct cas_attributes **attributes) {
  struct cas_attributes *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  *attributes = created;
  return CAS_OK;
}

void cas_attributes_destroy(struct cas_attributes *attributes) {
  if (attributes == NULL) return;
  free(attributes->entries);
  cas_buffer_fini(&attributes->texts);
  free(attributes);
}

/* The position of the first entry whose tag is not less than `tag`. */
static size_t position_of(const struct cas_attributes *attributes, uint32_t tag) {
  size_t low = 0, high = attributes->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (attributes->entries[middle].tag < tag) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static const char *text_of(const struct cas_attributes *attributes, const struct entry *entry) {
  return (const char *)attributes->texts.data + entry->offset;
}

const char *cas_attributes_get(const struct cas_attributes *attributes, uint32_t tag) {
  size_t at = position_of(attributes, tag);
  if (at == attributes->count || attributes->entries[at].tag != tag) return NULL;
  return text_of(attributes, &attributes->entries[at]);
}

const char *cas_attributes_text(const struct cas_attributes *attributes, uint32_t tag) {
  const char *value = cas_attributes_get(attributes, tag);
  return value != NULL ? value : "";
}

static cas_status entries_reserve(struct cas_attributes *attributes) {
  if (attributes->count < attributes->capacity) return CAS_OK;
  size_t grown = attributes->capacity == 0 ? entries_capacity_min : attributes->capacity * 2;
  struct entry *entries = realloc(attributes->entries, grown * sizeof *entries);
  if (entries == NULL) return CAS_NO_MEMORY;
  attributes->entries = entries;
  attributes->capacity = grown;
  return CAS_OK;
}

/* Takes an entry's text out of the buffer, so that replacing values again and again does not make it grow. */
static void text_remove(struct cas_attributes *attributes, const struct entry *entry) {
  uint32_t offset = entry->offset, size = entry->size;
  uint8_t *data = attributes->texts.data;
  memmove(data + offset, data + offset + size, attributes->texts.size - offset - size);
  attributes->texts.size -= size;
  for (size_t i = 0; i < attributes->count; i++) {
    if (attributes->entries[i].offset > offset) attributes->entries[i].offset -= size;
  }
}

static bool is_lent(const struct cas_attributes *attributes, struct cas_slice value) {
  const uintptr_t texts = (uintptr_t)attributes->texts.data, at = (uintptr_t)value.data;
  return value.size > 0 && at >= texts && at < texts + attributes->texts.size;
}

cas_status cas_attributes_set(struct cas_attributes *attributes, uint32_t tag, struct cas_slice value) {
  if (value.size > CAS_ATTRIBUTE_VALUE_MAX) return CAS_INVALID;
  if (value.size > 0 && memchr(value.data, 0, value.size) != NULL) return CAS_INVALID;
  struct cas_buffer *texts = &attributes->texts;
  size_t needed = texts->size + value.size + 1;
  if (needed > UINT32_MAX) return CAS_NO_MEMORY;
  /* The value may be one that get() lent from this very set: then it is copied before anything moves. */
  CLEANUP_BUFFER struct cas_buffer copy = {0};
  cas_status status = CAS_OK;
  if (is_lent(attributes, value)) {
    status = cas_buffer_append(&copy, value);
    value = slice_of_buffer(&copy);
  }
  if (status == CAS_OK) status = cas_buffer_reserve(texts, needed < texts_capacity_min ? texts_capacity_min : needed);
  if (status == CAS_OK) status = entries_reserve(attributes);
  if (status != CAS_OK) return status;

  size_t at = position_of(attributes, tag);
  if (at < attributes->count && attributes->entries[at].tag == tag) {
    text_remove(attributes, &attributes->entries[at]);
  } else {
    memmove(&attributes->entries[at + 1], &attributes->entries[at],
            (attributes->count - at) * sizeof attributes->entries[0]);
    attributes->count++;
  }
  attributes->entries[at] =
      (struct entry){.tag = tag, .offset = (uint32_t)texts->size, .size = (uint32_t)value.size + 1};
  if (value.size > 0) memcpy(texts->data + texts->size, value.data, value.size);
  texts->data[texts->size + value.size] = 0;
  texts->size += value.size + 1;
  return CAS_OK;
}

int cas_attributes_next(const struct cas_attributes *attributes, size_t *position, struct cas_attribute *attribute) {
  if (*position >= attributes->count) return 0;
  const struct entry *entry = &attributes->entries[(*position)++];
  *attribute = (struct cas_attribute){.tag = entry->tag, .value = text_of(attributes, entry)};
  return 1;
}
