/*
 * Owns the data sets of storage commitment. Invariants:
 *  1. Every length is checked against what is left before it is used; sequences that are passed over nest up to
 *     DEPTH_MAX.
 *  2. UIDs are of digits and dots alone, so that they can be written anywhere.
 */
#include "commitment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8u
#define UNDEFINED 0xFFFFFFFFu

enum tag {
  RETRIEVE_AET = 0x00080054,
  REFERENCED_CLASS = 0x00081150,
  REFERENCED_INSTANCE = 0x00081155,
  TRANSACTION = 0x00081195,
  FAILURE_REASON = 0x00081197,
  FAILED_SEQUENCE = 0x00081198,
  REFERENCED_SEQUENCE = 0x00081199,
};
#define ITEM 0xFFFEE000u
#define ITEM_END 0xFFFEE00Du
#define SEQUENCE_END 0xFFFEE0DDu

void commitment_fini(struct commitment *commitment) {
  free(commitment->items);
  *commitment = (struct commitment){0};
}

static cas_status refuse(struct cas_error *error, const char *why) {
  *error = (struct cas_error){.status = CAS_REFUSED};
  snprintf(error->message, sizeof error->message, "storage commitment: %s", why);
  return CAS_REFUSED;
}

/* --- reading --- */

struct reader {
  struct cas_slice rest;
  bool explicit_vr;
};

static uint16_t u16_at(const uint8_t *p) { return (uint16_t)(p[0] | (unsigned)p[1] << 8); }
static uint32_t u32_at(const uint8_t *p) { return u16_at(p) | (uint32_t)u16_at(p + 2) << 16; }

static void advance(struct reader *reader, size_t size) {
  reader->rest.data += size;
  reader->rest.size -= size;
}

/* Reads an element's header; false: it is cut short, or its value is. */
static bool read_header(struct reader *reader, uint32_t *tag, uint32_t *size) {
  static const char long_vrs[] = "OB OW OF OD OL OV SQ UC UR UT UN SV UV";
  if (reader->rest.size < 8) return false;
  const uint8_t *p = reader->rest.data;
  *tag = (uint32_t)u16_at(p) << 16 | u16_at(p + 2);
  size_t header = 8;
  if (!reader->explicit_vr || *tag >> 16 == 0xFFFE) {
    *size = u32_at(p + 4);
  } else {
    const char vr[3] = {(char)p[4], (char)p[5], '\0'};
    const bool is_long = vr[0] >= 'A' && vr[1] >= 'A' && strstr(long_vrs, vr) != NULL;
    header = is_long ? 12 : 8;
    if (reader->rest.size < header) return false;
    *size = is_long ? u32_at(p + 8) : u16_at(p + 6);
  }
  advance(reader, header);
  return *size == UNDEFINED || *size <= reader->rest.size;
}

/* Passes over a value whose header was read. */
static bool skip(struct reader *reader, uint32_t size, unsigned depth) {
  if (size != UNDEFINED) {
    advance(reader, size);
    return true;
  }
  uint32_t tag, inner;
  while (depth < DEPTH_MAX && read_header(reader, &tag, &inner)) {
    if (tag == SEQUENCE_END || tag == ITEM_END) return true;
    if (!skip(reader, inner, depth + 1)) return false;
  }
  return false;
}

static bool copy_uid(struct reader *reader, uint32_t size, char uid[COMMITMENT_UID_TEXT_MAX]) {
  if (size == UNDEFINED) return false;
  const char *text = (const char *)reader->rest.data;
  size_t length = size;
  while (length > 0 && (text[length - 1] == '\0' || text[length - 1] == ' ')) length--;
  if (length == 0 || length >= COMMITMENT_UID_TEXT_MAX) return false;
  for (size_t i = 0; i < length; i++)
    if (text[i] != '.' && (text[i] < '0' || text[i] > '9')) return false;
  memcpy(uid, text, length);
  uid[length] = '\0';
  advance(reader, size);
  return true;
}

static struct commitment_item *add_item(struct commitment *commitment) {
  if (commitment->count == commitment->capacity) {
    const size_t capacity = commitment->capacity != 0 ? 2 * commitment->capacity : 64;
    struct commitment_item *grown = realloc(commitment->items, capacity * sizeof *grown);
    if (grown == NULL) return NULL;
    commitment->items = grown;
    commitment->capacity = capacity;
  }
  struct commitment_item *item = &commitment->items[commitment->count++];
  *item = (struct commitment_item){.failure = COMMITMENT_UNDECIDED};
  return item;
}

/* What is left of the reader when a value of that size ends; 0 for one that a delimiter ends. */
static size_t left_after(const struct reader *reader, uint32_t size) {
  return size != UNDEFINED ? reader->rest.size - size : 0;
}

static bool read_item(struct reader *reader, uint32_t item_size, struct commitment *commitment) {
  struct commitment_item *item = add_item(commitment);
  const size_t end = left_after(reader, item_size);
  while (item != NULL && (item_size == UNDEFINED || reader->rest.size > end)) {
    uint32_t tag, size;
    if (!read_header(reader, &tag, &size)) return false;
    if (tag == ITEM_END && item_size == UNDEFINED) break;
    const bool taken = tag == REFERENCED_CLASS      ? copy_uid(reader, size, item->sop_class_uid)
                       : tag == REFERENCED_INSTANCE ? copy_uid(reader, size, item->sop_instance_uid)
                                                    : skip(reader, size, 0);
    if (!taken) return false;
  }
  const bool ended = item_size == UNDEFINED || reader->rest.size == end;
  return item != NULL && ended && item->sop_class_uid[0] != '\0' && item->sop_instance_uid[0] != '\0';
}

static bool read_items(struct reader *reader, uint32_t sequence_size, struct commitment *commitment) {
  const size_t end = left_after(reader, sequence_size);
  while (sequence_size == UNDEFINED || reader->rest.size > end) {
    uint32_t tag, size;
    if (!read_header(reader, &tag, &size)) return false;
    if (tag == SEQUENCE_END && sequence_size == UNDEFINED) return true;
    if (tag != ITEM || commitment->count == COMMITMENT_ITEMS_MAX || !read_item(reader, size, commitment)) return false;
  }
  return reader->rest.size == end;
}

cas_status commitment_parse(struct cas_slice data_set, bool explicit_vr, struct commitment *commitment,
                            struct cas_error *error) {
  struct reader reader = {.rest = data_set, .explicit_vr = explicit_vr};
  while (reader.rest.size > 0) {
    uint32_t tag, size;
    if (!read_header(&reader, &tag, &size)) return refuse(error, "an element is cut short");
    const bool taken = tag == TRANSACTION           ? copy_uid(&reader, size, commitment->transaction_uid)
                       : tag == REFERENCED_SEQUENCE ? read_items(&reader, size, commitment)
                                                    : skip(&reader, size, 0);
    if (!taken) return refuse(error, "an element, a sequence or a UID is malformed, or there are too many instances");
  }
  if (commitment->transaction_uid[0] == '\0') return refuse(error, "no Transaction UID");
  return commitment->count > 0 ? CAS_OK : refuse(error, "no Referenced SOP Sequence");
}

/* --- reporting --- */

struct writer {
  struct cas_buffer *bytes;
  bool explicit_vr;
  cas_status status;
};

static void put_bytes(struct writer *writer, const void *bytes, size_t size) {
  if (writer->status == CAS_OK)
    writer->status = cas_buffer_append(writer->bytes, (struct cas_slice){.data = bytes, .size = size});
}

static void put_number(struct writer *writer, uint32_t value, size_t size) {
  const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
  put_bytes(writer, bytes, size);
}

/* A header; a `vr` of NULL for items and delimiters. */
static void put_header(struct writer *writer, uint32_t tag, const char *vr, uint32_t size) {
  put_number(writer, tag >> 16, 2);
  put_number(writer, tag & 0xFFFF, 2);
  if (!writer->explicit_vr || vr == NULL) {
    put_number(writer, size, 4);
  } else {
    put_bytes(writer, vr, 2);
    if (strcmp(vr, "SQ") == 0) put_number(writer, 0, 2);
    put_number(writer, size, strcmp(vr, "SQ") == 0 ? 4 : 2);
  }
}

static void put_text(struct writer *writer, uint32_t tag, const char *vr, const char *text, char padding) {
  const size_t size = strlen(text);
  put_header(writer, tag, vr, (uint32_t)(size + size % 2));
  put_bytes(writer, text, size);
  if (size % 2 != 0) put_bytes(writer, &padding, 1);
}

static void put_sequence(struct writer *writer, const struct commitment *commitment, bool failed) {
  put_header(writer, failed ? FAILED_SEQUENCE : REFERENCED_SEQUENCE, "SQ", UNDEFINED);
  for (size_t i = 0; i < commitment->count; i++) {
    const struct commitment_item *item = &commitment->items[i];
    if ((item->failure != COMMITMENT_KEPT) != failed) continue;
    put_header(writer, ITEM, NULL, UNDEFINED);
    put_text(writer, REFERENCED_CLASS, "UI", item->sop_class_uid, '\0');
    put_text(writer, REFERENCED_INSTANCE, "UI", item->sop_instance_uid, '\0');
    if (failed) {
      put_header(writer, FAILURE_REASON, "US", 2);
      put_number(writer, item->failure, 2);
    }
    put_header(writer, ITEM_END, NULL, 0);
  }
  put_header(writer, SEQUENCE_END, NULL, 0);
}

size_t commitment_failures(const struct commitment *commitment) {
  size_t failures = 0;
  for (size_t i = 0; i < commitment->count; i++) failures += commitment->items[i].failure != COMMITMENT_KEPT;
  return failures;
}

cas_status commitment_report(const struct commitment *commitment, bool explicit_vr, const char *retrieve_aet,
                             struct cas_buffer *data_set) {
  struct writer writer = {.bytes = data_set, .explicit_vr = explicit_vr, .status = CAS_OK};
  const size_t failures = commitment_failures(commitment);
  put_text(&writer, RETRIEVE_AET, "AE", retrieve_aet, ' ');
  put_text(&writer, TRANSACTION, "UI", commitment->transaction_uid, '\0');
  if (failures > 0) put_sequence(&writer, commitment, true);
  if (failures < commitment->count) put_sequence(&writer, commitment, false);
  return writer.status;
}
