/*
 * Owns the bytes of command sets. Invariants:
 *  1. Every length is checked against what is left before it is used.
 *  2. A command set is Implicit VR Little Endian, group 0000, elements ascending; unknown elements are passed over.
 */
#include "dimse.h"

#include <stdio.h>
#include <string.h>

#define ELEMENT_HEADER_BYTES 8u
#define NO_DATA_SET 0x0101u
#define A_DATA_SET 0x0001u

enum element {
  GROUP_LENGTH = 0x0000,
  AFFECTED_SOP_CLASS_UID = 0x0002,
  REQUESTED_SOP_CLASS_UID = 0x0003,
  COMMAND_FIELD = 0x0100,
  MESSAGE_ID = 0x0110,
  MESSAGE_ID_RESPONDED_TO = 0x0120,
  MOVE_DESTINATION = 0x0600,
  PRIORITY = 0x0700,
  DATA_SET_TYPE = 0x0800,
  STATUS = 0x0900,
  ERROR_COMMENT = 0x0902,
  AFFECTED_SOP_INSTANCE_UID = 0x1000,
  REQUESTED_SOP_INSTANCE_UID = 0x1001,
  EVENT_TYPE_ID = 0x1002,
  ACTION_TYPE_ID = 0x1008,
  REMAINING = 0x1020,
  COMPLETED = 0x1021,
  FAILED = 0x1022,
  WARNING = 0x1023,
  MOVE_ORIGINATOR = 0x1030,
  MOVE_ORIGINATOR_ID = 0x1031,
};

static cas_status refuse(struct cas_error *error, const char *why) {
  if (error != NULL) {
    error->status = CAS_REFUSED;
    error->system_errno = 0;
    snprintf(error->message, sizeof error->message, "command set: %s", why);
  }
  return CAS_REFUSED;
}

static uint16_t u16_at(const uint8_t *p) { return (uint16_t)(p[0] | (unsigned)p[1] << 8); }
static uint32_t u32_at(const uint8_t *p) { return u16_at(p) | (uint32_t)u16_at(p + 2) << 16; }

/* Copies a UID value without its padding; false if it is too long or has bytes that no UID has. What a valid UID is
 * beyond that is the engine's to say. */
static bool copy_uid(const uint8_t *value, size_t size, char uid[CAS_UID_TEXT_MAX]) {
  while (size > 0 && (value[size - 1] == '\0' || value[size - 1] == ' ')) size--;
  if (size >= CAS_UID_TEXT_MAX) return false;
  for (size_t i = 0; i < size; i++) {
    if (value[i] <= ' ' || value[i] >= 0x7F) return false;
  }
  memcpy(uid, value, size);
  uid[size] = '\0';
  return true;
}

/* Copies text without the spaces around it; what could spoil a log or a terminal becomes '?'. */
static bool copy_text(const uint8_t *value, size_t size, char *text, size_t capacity) {
  while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\0')) size--;
  while (size > 0 && *value == ' ') value++, size--;
  if (size >= capacity) return false;
  for (size_t i = 0; i < size; i++) text[i] = value[i] < ' ' || value[i] >= 0x7F ? '?' : (char)value[i];
  text[size] = '\0';
  return true;
}

struct seen {
  bool field, message_id, data_set_type;
};

/* The field that an element of two bytes goes to, NULL if it is none of those. */
static uint16_t *number_of(uint16_t element, struct dimse_command *command) {
  switch (element) {
  case COMMAND_FIELD: return &command->field;
  case MESSAGE_ID: return &command->message_id;
  case MESSAGE_ID_RESPONDED_TO: return &command->responded_to;
  case PRIORITY: return &command->priority;
  case STATUS: return &command->status;
  case EVENT_TYPE_ID: return &command->event_type;
  case ACTION_TYPE_ID: return &command->action_type;
  case REMAINING: return &command->counts.remaining;
  case COMPLETED: return &command->counts.completed;
  case FAILED: return &command->counts.failed;
  case WARNING: return &command->counts.warning;
  case MOVE_ORIGINATOR_ID: return &command->move_originator_id;
  default: return NULL;
  }
}

/* Takes one element's value over; NULL or what is wrong with it. */
static const char *take(uint16_t element, const uint8_t *value, uint32_t size, struct dimse_command *command,
                        struct seen *seen) {
  uint16_t *number = number_of(element, command);
  if (number != NULL) {
    if (size != 2) return "a number is not of two bytes";
    *number = u16_at(value);
    seen->field |= element == COMMAND_FIELD;
    seen->message_id |= element == MESSAGE_ID;
    return NULL;
  }
  switch (element) {
  case DATA_SET_TYPE:
    if (size != 2) return "Command Data Set Type is not of two bytes";
    command->has_data_set = u16_at(value) != NO_DATA_SET;
    seen->data_set_type = true;
    return NULL;
  case AFFECTED_SOP_CLASS_UID:
  case REQUESTED_SOP_CLASS_UID: return copy_uid(value, size, command->sop_class_uid) ? NULL : "SOP Class UID is no UID";
  case AFFECTED_SOP_INSTANCE_UID:
  case REQUESTED_SOP_INSTANCE_UID:
    return copy_uid(value, size, command->sop_instance_uid) ? NULL : "SOP Instance UID is no UID";
  case MOVE_DESTINATION:
    return copy_text(value, size, command->move_destination, sizeof command->move_destination)
               ? NULL
               : "Move Destination is no AE title";
  case MOVE_ORIGINATOR:
    (void)copy_text(value, size, command->move_originator, sizeof command->move_originator);
    return NULL;
  case ERROR_COMMENT: (void)copy_text(value, size, command->error_comment, sizeof command->error_comment); return NULL;
  default: return NULL;
  }
}

cas_status dimse_command_parse(struct cas_slice bytes, struct dimse_command *command, struct cas_error *error) {
  struct seen seen = {0};
  memset(command, 0, sizeof *command);
  size_t offset = 0;
  uint32_t previous = 0;
  while (offset < bytes.size) {
    if (bytes.size - offset < ELEMENT_HEADER_BYTES) return refuse(error, "an element's header is cut short");
    const uint8_t *header = bytes.data + offset;
    const uint16_t group = u16_at(header);
    const uint16_t element = u16_at(header + 2);
    const uint32_t size = u32_at(header + 4);
    offset += ELEMENT_HEADER_BYTES;
    if (group != 0x0000) return refuse(error, "an element of another group than 0000");
    if (size > bytes.size - offset) return refuse(error, "an element's value is cut short");
    if (offset > ELEMENT_HEADER_BYTES && element <= previous)
      return refuse(error, "elements are not in ascending order");
    previous = element;
    const char *wrong = take(element, bytes.data + offset, size, command, &seen);
    if (wrong != NULL) return refuse(error, wrong);
    offset += size;
  }
  if (!seen.field) return refuse(error, "no Command Field");
  const bool needs_message_id = (command->field & DIMSE_RESPONSE_BIT) == 0 && command->field != DIMSE_C_CANCEL_RQ;
  if (needs_message_id && !seen.message_id) return refuse(error, "no Message ID");
  if (!seen.data_set_type) return refuse(error, "no Command Data Set Type");
  return CAS_OK;
}

/* --- encoding --- */

struct encoder {
  uint8_t bytes[768];
  size_t size;
};

static void put_u16(struct encoder *encoder, unsigned value) {
  encoder->bytes[encoder->size++] = (uint8_t)value;
  encoder->bytes[encoder->size++] = (uint8_t)(value >> 8);
}

static void put_header(struct encoder *encoder, enum element element, uint32_t size) {
  put_u16(encoder, 0x0000);
  put_u16(encoder, (unsigned)element);
  put_u16(encoder, size & 0xFFFFu);
  put_u16(encoder, size >> 16);
}

static void put_us(struct encoder *encoder, enum element element, unsigned value) {
  put_header(encoder, element, 2);
  put_u16(encoder, value);
}

static void put_text(struct encoder *encoder, enum element element, const char *text, size_t size, char padding) {
  put_header(encoder, element, (uint32_t)(size + (size & 1)));
  memcpy(encoder->bytes + encoder->size, text, size);
  encoder->size += size;
  if (size & 1) encoder->bytes[encoder->size++] = (uint8_t)padding;
}

static void put_uid(struct encoder *encoder, enum element element, const char *uid) {
  if (uid[0] != '\0') put_text(encoder, element, uid, strnlen(uid, CAS_UID_TEXT_MAX - 1), '\0');
}

/* LO is without backslash and control characters, here also without what is not ASCII. */
static void put_comment(struct encoder *encoder, const char *comment) {
  char text[DIMSE_ERROR_COMMENT_MAX];
  const size_t size = strnlen(comment, sizeof text);
  for (size_t i = 0; i < size; i++) {
    const char c = comment[i];
    text[i] = (c < ' ' || c >= 0x7F || c == '\\') ? '?' : c;
  }
  if (size > 0) put_text(encoder, ERROR_COMMENT, text, size, ' ');
}

/* Appends what was encoded, with its group length before it. */
static cas_status append_command(const struct encoder *body, struct cas_buffer *bytes) {
  struct encoder head = {.size = 0};
  put_header(&head, GROUP_LENGTH, 4);
  put_u16(&head, (unsigned)body->size);
  put_u16(&head, 0);
  const cas_status reserved = cas_buffer_reserve(bytes, bytes->size + head.size + body->size);
  if (reserved != CAS_OK) return reserved;
  memcpy(bytes->data + bytes->size, head.bytes, head.size);
  memcpy(bytes->data + bytes->size + head.size, body->bytes, body->size);
  bytes->size += head.size + body->size;
  return CAS_OK;
}

static void put_counts(struct encoder *body, enum dimse_status status, const struct dimse_counts *counts) {
  const bool more = status == DIMSE_PENDING || status == DIMSE_CANCELLED;
  if (more) put_us(body, REMAINING, counts->remaining);
  put_us(body, COMPLETED, counts->completed);
  put_us(body, FAILED, counts->failed);
  put_us(body, WARNING, counts->warning);
}

cas_status dimse_answer_encode(const struct dimse_command *request, enum dimse_status status, const char *comment,
                               bool has_data_set, const struct dimse_counts *counts, struct cas_buffer *bytes) {
  struct encoder body = {.size = 0};
  put_uid(&body, AFFECTED_SOP_CLASS_UID, request->sop_class_uid);
  put_us(&body, COMMAND_FIELD, request->field | DIMSE_RESPONSE_BIT);
  put_us(&body, MESSAGE_ID_RESPONDED_TO, request->message_id);
  put_us(&body, DATA_SET_TYPE, has_data_set ? A_DATA_SET : NO_DATA_SET);
  put_us(&body, STATUS, (unsigned)status);
  if (comment != NULL && status != DIMSE_SUCCESS) put_comment(&body, comment);
  put_uid(&body, AFFECTED_SOP_INSTANCE_UID, request->sop_instance_uid);
  if (counts != NULL) put_counts(&body, status, counts);
  return append_command(&body, bytes);
}

cas_status dimse_response_encode(const struct dimse_command *request, enum dimse_status status, const char *comment,
                                 struct cas_buffer *bytes) {
  return dimse_answer_encode(request, status, comment, false, NULL, bytes);
}

static void put_title(struct encoder *body, enum element element, const char *title) {
  if (title[0] != '\0') put_text(body, element, title, strnlen(title, DIMSE_AE_TITLE_TEXT_MAX - 1), ' ');
}

cas_status dimse_request_encode(const struct dimse_command *request, struct cas_buffer *bytes) {
  struct encoder body = {.size = 0};
  const bool cancel = request->field == DIMSE_C_CANCEL_RQ;
  if (!cancel) put_uid(&body, AFFECTED_SOP_CLASS_UID, request->sop_class_uid);
  put_us(&body, COMMAND_FIELD, request->field);
  if (cancel) {
    put_us(&body, MESSAGE_ID_RESPONDED_TO, request->responded_to);
  } else {
    put_us(&body, MESSAGE_ID, request->message_id);
    put_title(&body, MOVE_DESTINATION, request->move_destination);
    const bool has_priority = request->field != DIMSE_C_ECHO_RQ && request->field != DIMSE_N_EVENT_REPORT_RQ;
    if (has_priority) put_us(&body, PRIORITY, request->priority);
  }
  put_us(&body, DATA_SET_TYPE, request->has_data_set ? A_DATA_SET : NO_DATA_SET);
  if (!cancel) put_uid(&body, AFFECTED_SOP_INSTANCE_UID, request->sop_instance_uid);
  if (request->field == DIMSE_N_EVENT_REPORT_RQ) put_us(&body, EVENT_TYPE_ID, request->event_type);
  if (request->move_originator[0] != '\0') {
    put_title(&body, MOVE_ORIGINATOR, request->move_originator);
    put_us(&body, MOVE_ORIGINATOR_ID, request->move_originator_id);
  }
  return append_command(&body, bytes);
}

/*
 * An object that was kept with a defect is a success: every byte is there. What may succeed later (a full disk, a
 * limit, a device that fails) is Out of Resources, which senders retry; an object that will never be taken is Cannot
 * Understand.
 */
enum dimse_status dimse_status_of(cas_status status) {
  switch (status) {
  case CAS_OK: return DIMSE_SUCCESS;
  case CAS_REFUSED: return DIMSE_CANNOT_UNDERSTAND;
  case CAS_BUSY:
  case CAS_NO_SPACE:
  case CAS_NO_MEMORY:
  case CAS_NO_DESCRIPTORS:
  case CAS_AWAY:
  case CAS_IO: return DIMSE_OUT_OF_RESOURCES;
  default: return DIMSE_PROCESSING_FAILURE;
  }
}
