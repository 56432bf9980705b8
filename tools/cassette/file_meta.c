/* Owns nothing. Invariant: every length is checked against what is left before it is used. */
#include "file_meta.h"

#include <stdio.h>
#include <string.h>

#include "cassette/store.h"

#define PREFIX_OFFSET 128u
#define META_OFFSET 132u
#define META_BYTES_MAX (64u << 10)
#define IMPLEMENTATION_CLASS_UID "2.25.275522197922656192311366975484983416817" /* as in the engine's meta headers */

enum { SOP_CLASS = 0x0002, SOP_INSTANCE = 0x0003, TRANSFER_SYNTAX = 0x0010 };

static uint32_t u16_at(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32_at(const uint8_t *p) { return u16_at(p) | u16_at(p + 2) << 16; }

static bool is_long(const uint8_t *vr) {
  static const char *const names[] = {"OB", "OW", "OF", "SQ", "UT", "UN", "UC", "UR", "OD", "OL"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (memcmp(vr, names[i], 2) == 0) return true;
  return false;
}

static void copy_uid(const uint8_t *value, size_t size, char uid[CAS_UID_TEXT_MAX]) {
  while (size > 0 && (value[size - 1] == '\0' || value[size - 1] == ' ')) size--;
  if (size >= CAS_UID_TEXT_MAX) return;
  memcpy(uid, value, size);
  uid[size] = '\0';
}

static void take(uint32_t element, const uint8_t *value, size_t size, struct file_meta *meta) {
  if (element == SOP_CLASS) copy_uid(value, size, meta->sop_class_uid);
  if (element == SOP_INSTANCE) copy_uid(value, size, meta->sop_instance_uid);
  if (element == TRANSFER_SYNTAX) copy_uid(value, size, meta->transfer_syntax_uid);
}

bool file_meta_parse(struct cas_slice file, struct file_meta *meta) {
  *meta = (struct file_meta){.data_set_offset = META_OFFSET};
  if (file.size < META_OFFSET + 8 || memcmp(file.data + PREFIX_OFFSET, "DICM", 4) != 0) return false;
  size_t at = META_OFFSET;
  while (file.size - at >= 12 && at < META_BYTES_MAX && u16_at(file.data + at) == 2) {
    const uint8_t *element = file.data + at;
    const bool extended = is_long(element + 4);
    const size_t head = extended ? 12 : 8;
    const size_t size = extended ? u32_at(element + 8) : u16_at(element + 6);
    if (size > file.size - at - head) return false;
    take(u16_at(element + 2), element + head, size, meta);
    at += head + size;
  }
  meta->data_set_offset = at;
  return meta->sop_class_uid[0] != '\0' && file_meta_is_uid(meta->sop_instance_uid) &&
         meta->transfer_syntax_uid[0] != '\0';
}

/* --- writing --- */

/* After a failure nothing more is put. */
static void put(struct cas_buffer *bytes, cas_status *status, const void *data, size_t size) {
  if (*status == CAS_OK) *status = cas_buffer_append(bytes, (struct cas_slice){.data = data, .size = size});
}

static void put_text(struct cas_buffer *bytes, cas_status *status, unsigned element, const char *vr, const char *text) {
  const size_t size = strlen(text), padded = size + size % 2;
  const uint8_t head[8] = {2,
                           0,
                           (uint8_t)element,
                           (uint8_t)(element >> 8),
                           (uint8_t)vr[0],
                           (uint8_t)vr[1],
                           (uint8_t)padded,
                           (uint8_t)(padded >> 8)};
  put(bytes, status, head, sizeof head);
  put(bytes, status, text, size);
  if (size % 2 != 0) put(bytes, status, vr[0] == 'U' ? "" : " ", 1);
}

cas_status file_meta_format(const struct file_meta *meta, const char *source, struct cas_buffer *bytes) {
  static const uint8_t preamble[PREFIX_OFFSET] = {0};
  static const uint8_t version[] = {2, 0, 1, 0, 'O', 'B', 0, 0, 2, 0, 0, 0, 0, 1};
  uint8_t length[] = {2, 0, 0, 0, 'U', 'L', 4, 0, 0, 0, 0, 0};
  char name[17];
  cas_status status = CAS_OK;
  const size_t start = bytes->size;
  snprintf(name, sizeof name, "CASSETTE_%.7s", cas_version());
  put(bytes, &status, preamble, sizeof preamble);
  put(bytes, &status, "DICM", 4);
  put(bytes, &status, length, sizeof length);
  put(bytes, &status, version, sizeof version);
  put_text(bytes, &status, SOP_CLASS, "UI", meta->sop_class_uid);
  put_text(bytes, &status, SOP_INSTANCE, "UI", meta->sop_instance_uid);
  put_text(bytes, &status, TRANSFER_SYNTAX, "UI", meta->transfer_syntax_uid);
  put_text(bytes, &status, 0x0012, "UI", IMPLEMENTATION_CLASS_UID);
  put_text(bytes, &status, 0x0013, "SH", name);
  put_text(bytes, &status, 0x0016, "AE", source);
  if (status != CAS_OK) return status;
  const size_t group = bytes->size - start - META_OFFSET - sizeof length;
  for (unsigned i = 0; i < 4; i++) bytes->data[start + META_OFFSET + 8 + i] = (uint8_t)(group >> (8 * i));
  return CAS_OK;
}

bool file_meta_is_uid(const char *text) {
  const size_t size = strlen(text);
  return size > 0 && size <= 64 && strspn(text, "0123456789.") == size && text[0] != '.';
}
