#include "dicom/part10.h"

#include "base/status.h"
#include "cassette/attributes.h"
#include "dicom/data_set_walk.h"

/* Made once from the random UUID cf47a527-6353-473f-9bad-9d09123297f1, PS3.5 B.2. Headers of re-sent objects must be
 * the same bytes for ever: it never changes. */
static const char implementation_class_uid[] = "2.25.275522197922656192311366975484983416817";
static const char implementation_version_name[] = "CASSETTE";

enum {
  PREAMBLE_BYTES = 128,
  START_BYTES = PREAMBLE_BYTES + 4,
  UID_BYTES_MAX = 64,
  GROUP_LENGTH_OFFSET = START_BYTES + 8,
  TAG_GROUP_LENGTH = 0x00020000,
};

static cas_status append_short(struct cas_buffer *header, uint16_t element, const char *vr, const char *text) {
  size_t size = strlen(text), padded = size + size % 2;
  uint8_t bytes[8] = {0x02, 0x00};
  store_u16(bytes + 2, element);
  memcpy(bytes + 4, vr, 2);
  store_u16(bytes + 6, (uint16_t)padded);
  STATUS_TRY(cas_buffer_append(header, slice_of(bytes, sizeof bytes)));
  /* The final NUL of the C string is the pad byte of a UID. */
  return cas_buffer_append(header, slice_of(text, padded));
}

static cas_status append_header(const char *sop_class_uid, const char *sop_instance_uid,
                                const char *transfer_syntax_uid, struct cas_buffer *header) {
  static const uint8_t group_length[12] = {2, 0, 0, 0, 'U', 'L', 4, 0};
  static const uint8_t version[14] = {2, 0, 1, 0, 'O', 'B', 0, 0, 2, 0, 0, 0, 0, 1};
  static const uint8_t preamble[PREAMBLE_BYTES] = {0};
  size_t begin = header->size;
  STATUS_TRY(cas_buffer_append(header, slice_of(preamble, sizeof preamble)));
  STATUS_TRY(cas_buffer_append(header, slice_of("DICM", 4)));
  STATUS_TRY(cas_buffer_append(header, slice_of(group_length, sizeof group_length)));
  size_t group_begin = header->size;
  STATUS_TRY(cas_buffer_append(header, slice_of(version, sizeof version)));
  STATUS_TRY(append_short(header, 0x0002, "UI", sop_class_uid));
  STATUS_TRY(append_short(header, 0x0003, "UI", sop_instance_uid));
  STATUS_TRY(append_short(header, 0x0010, "UI", transfer_syntax_uid));
  STATUS_TRY(append_short(header, 0x0012, "UI", implementation_class_uid));
  STATUS_TRY(append_short(header, 0x0013, "SH", implementation_version_name));
  store_u32(header->data + begin + GROUP_LENGTH_OFFSET, (uint32_t)(header->size - group_begin));
  return CAS_OK;
}

static bool is_valid(const char *uid) {
  size_t size = strnlen(uid, UID_BYTES_MAX + 1);
  return size > 0 && size <= UID_BYTES_MAX;
}

cas_status part10_header(const char *sop_class_uid, const char *sop_instance_uid, const char *transfer_syntax_uid,
                         struct cas_buffer *header) {
  if (!is_valid(sop_class_uid) || !is_valid(sop_instance_uid) || !is_valid(transfer_syntax_uid)) return CAS_INVALID;
  size_t size_before = header->size;
  cas_status status = append_header(sop_class_uid, sop_instance_uid, transfer_syntax_uid, header);
  if (status != CAS_OK) header->size = size_before;
  return status;
}

/* Appends the meta group, and tells where the value of its length stands, 0 where it has none. */
static cas_status append_changed(const struct data_set *meta, const char *transfer_syntax_uid, bool *has_syntax,
                                 size_t *group_length, struct cas_buffer *header) {
  struct data_element element;
  enum data_set_step step;
  size_t offset = 0;
  *group_length = 0;
  *has_syntax = false;
  while ((step = data_set_next(meta, &offset, &element)) == DATA_SET_ELEMENT) {
    bool is_syntax = element.header.tag == CAS_TAG_TRANSFER_SYNTAX_UID;
    if (element.header.tag >> 16 != 2) return CAS_INVALID;
    if (is_syntax)
      STATUS_TRY(append_short(header, 0x0010, "UI", transfer_syntax_uid));
    else
      STATUS_TRY(cas_buffer_append(header, element.whole));
    if (element.header.tag == TAG_GROUP_LENGTH && element.value.size == 4) *group_length = header->size - 4;
    *has_syntax = *has_syntax || is_syntax;
  }
  return step == DATA_SET_END ? CAS_OK : CAS_INVALID;
}

cas_status part10_with_transfer_syntax(struct cas_slice before, const char *transfer_syntax_uid,
                                       struct cas_buffer *header) {
  struct data_set meta = {.form = {.explicit_vr = true}, .bytes = before};
  size_t begin = before.size >= START_BYTES && memcmp(before.data + PREAMBLE_BYTES, "DICM", 4) == 0 ? START_BYTES : 0;
  size_t size_before = header->size, group_length;
  bool has_syntax;
  if (!is_valid(transfer_syntax_uid)) return CAS_INVALID;
  meta.bytes = slice_of(before.data + begin, before.size - begin);
  cas_status status = cas_buffer_append(header, slice_of(before.data, begin));
  if (status == CAS_OK) status = append_changed(&meta, transfer_syntax_uid, &has_syntax, &group_length, header);
  if (status == CAS_OK && !has_syntax) status = CAS_INVALID;
  if (status == CAS_OK && group_length > 0)
    store_u32(header->data + group_length, (uint32_t)(header->size - group_length - 4));
  if (status != CAS_OK) header->size = size_before;
  return status;
}
