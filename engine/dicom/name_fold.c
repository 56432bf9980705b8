/* Owns nothing: the table is constant, and what it has not stays as it is. */
#include "dicom/name_fold.h"

#include "base/status.h"
#include "dicom/charset.h"
#include "dicom/name_fold_table.h"

/* Marks that follow a letter, and the two sound marks of Kana in half width. */
static bool is_mark(uint32_t c) {
  return (c >= 0x300 && c < 0x370) || c == 0x3099 || c == 0x309A || c == 0xFF9E || c == 0xFF9F;
}

static uint32_t fold_character(uint32_t c) {
  size_t low = 0, high = sizeof fold_table / sizeof fold_table[0];
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (fold_table[middle][0] == c) return fold_table[middle][1];
    if (fold_table[middle][0] < c)
      low = middle + 1;
    else
      high = middle;
  }
  return c;
}

/* Letters that fold to two. */
static const char *fold_to_two(uint32_t c) {
  switch (c) {
  case 0xDF:
  case 0x1E9E: return "ss";
  case 0xC6:
  case 0xE6: return "ae";
  case 0x152:
  case 0x153: return "oe";
  case 0xDE:
  case 0xFE: return "th";
  default: return NULL;
  }
}

static uint32_t decode(const uint8_t *p, size_t size) {
  uint32_t c = size == 1 ? p[0] : p[0] & (0x7Fu >> size);
  for (size_t i = 1; i < size; i++) c = c << 6 | (p[i] & 0x3Fu);
  return c;
}

cas_status name_fold(struct cas_slice text, struct cas_buffer *folded) {
  STATUS_TRY(cas_buffer_reserve(folded, folded->size + text.size));
  for (size_t i = 0; i < text.size;) {
    uint8_t byte = text.data[i];
    size_t size = byte < 0x80 ? 1 : utf8_character_bytes(slice_of(text.data + i, text.size - i));
    if (byte < 0x80 || size == 0) {
      uint8_t small = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
      STATUS_TRY(cas_buffer_append(folded, slice_of(&small, 1)));
      i++;
      continue;
    }
    uint32_t c = decode(text.data + i, size);
    const char *two = fold_to_two(c);
    if (two != NULL)
      STATUS_TRY(cas_buffer_append(folded, slice_of(two, 2)));
    else if (!is_mark(c))
      STATUS_TRY(utf8_append(folded, fold_character(c)));
    i += size;
  }
  return CAS_OK;
}

static struct cas_slice trimmed(struct cas_slice text) {
  while (text.size > 0 && text.data[0] == ' ') text = slice_of(text.data + 1, text.size - 1);
  while (text.size > 0 && text.data[text.size - 1] == ' ') text.size--;
  return text;
}

/* Cuts `rest` at the first `end`; all of it where there is none. */
static struct cas_slice cut(struct cas_slice *rest, char end) {
  const uint8_t *at = rest->size == 0 ? NULL : memchr(rest->data, end, rest->size);
  size_t size = at == NULL ? rest->size : (size_t)(at - rest->data);
  struct cas_slice part = slice_of(rest->data, size);
  *rest = at == NULL ? slice_of(rest->data, 0) : slice_of(at + 1, rest->size - size - 1);
  return part;
}

cas_status name_fold_group(struct cas_slice *rest, struct cas_buffer *folded) {
  struct cas_slice group = cut(rest, '=');
  size_t end = folded->size;
  for (bool first = true; group.size > 0; first = false) {
    if (!first) STATUS_TRY(cas_buffer_append(folded, slice_of("^", 1)));
    struct cas_slice component = trimmed(cut(&group, '^'));
    STATUS_TRY(name_fold(component, folded));
    if (component.size > 0) end = folded->size;
  }
  folded->size = end;
  return CAS_OK;
}
