/*
 * Owns nothing. Invariants:
 *  1. Every length of an answer is checked against what is left before it is used.
 *  2. Unknown items are passed over (PS3.8 9.3.1); a context or transfer syntax that was not proposed is no acceptance.
 */
#include "association_proposal.h"

#include <stdio.h>
#include <string.h>

#include "cassette/store.h"

enum pdu_type { ASSOCIATE_RQ = 1, ASSOCIATE_AC = 2, ASSOCIATE_RJ = 3, ABORT = 7 };

enum item_type {
  APPLICATION_CONTEXT = 0x10,
  CONTEXT_RQ = 0x20,
  CONTEXT_AC = 0x21,
  ABSTRACT_SYNTAX = 0x30,
  TRANSFER_SYNTAX = 0x40,
  USER_INFORMATION = 0x50,
  MAXIMUM_LENGTH = 0x51,
  IMPLEMENTATION_CLASS = 0x52,
  ROLE_SELECTION = 0x54,
  IMPLEMENTATION_VERSION = 0x55,
  EXTENDED_NEGOTIATION = 0x56,
};

#define FIXED_BYTES 74u /* of a request or acceptance, before its items, head and all */
#define APPLICATION_CONTEXT_NAME "1.2.840.10008.3.1.1.1"
#define IMPLEMENTATION_CLASS_UID "2.25.275522197922656192311366975484983416817" /* as in the meta headers */

static cas_status fail(struct cas_error *error, cas_status status, const char *message) {
  if (error != NULL) {
    error->status = status;
    error->system_errno = 0;
    snprintf(error->message, sizeof error->message, "%s", message);
  }
  return status;
}

/* --- the request --- */

/* Grows a buffer; after a failure nothing more is appended. */
struct encoder {
  struct cas_buffer *bytes;
  cas_status status;
};

static void put(struct encoder *encoder, const void *data, size_t size) {
  if (encoder->status == CAS_OK)
    encoder->status = cas_buffer_append(encoder->bytes, (struct cas_slice){.data = data, .size = size});
}

static void put_u8(struct encoder *encoder, unsigned value) { put(encoder, &(uint8_t){(uint8_t)value}, 1); }

static void put_u16(struct encoder *encoder, size_t value) {
  put(encoder, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

/* Begins an item, whose length item_end() fills in. */
static size_t item_begin(struct encoder *encoder, enum item_type type) {
  put(encoder, (uint8_t[]){(uint8_t)type, 0, 0, 0}, 4);
  return encoder->bytes->size;
}

static void item_end(struct encoder *encoder, size_t begin) {
  if (encoder->status != CAS_OK) return;
  const size_t size = encoder->bytes->size - begin;
  encoder->bytes->data[begin - 2] = (uint8_t)(size >> 8);
  encoder->bytes->data[begin - 1] = (uint8_t)size;
}

static void put_text_item(struct encoder *encoder, enum item_type type, const char *text) {
  const size_t begin = item_begin(encoder, type);
  put(encoder, text, strlen(text));
  item_end(encoder, begin);
}

static void put_title(struct encoder *encoder, const char *title) {
  char padded[DIMSE_AE_TITLE_TEXT_MAX];
  snprintf(padded, sizeof padded, "%-16s", title);
  put(encoder, padded, 16);
}

static void put_context(struct encoder *encoder, const struct proposal_context *context, size_t index) {
  const size_t begin = item_begin(encoder, CONTEXT_RQ);
  put(encoder, (uint8_t[]){(uint8_t)(2 * index + 1), 0, 0, 0}, 4);
  put_text_item(encoder, ABSTRACT_SYNTAX, context->abstract_syntax);
  for (size_t i = 0; i < context->transfer_syntax_count; i++)
    put_text_item(encoder, TRANSFER_SYNTAX, context->transfer_syntaxes[i]);
  item_end(encoder, begin);
}

/* Whether an earlier context has the same abstract syntax: role and extended negotiation are by abstract syntax. */
static bool said_before(const struct proposal *proposal, size_t index) {
  for (size_t i = 0; i < index; i++)
    if (strcmp(proposal->contexts[i].abstract_syntax, proposal->contexts[index].abstract_syntax) == 0) return true;
  return false;
}

static void put_role(struct encoder *encoder, const struct proposal_context *context) {
  const size_t begin = item_begin(encoder, ROLE_SELECTION);
  put_u16(encoder, strlen(context->abstract_syntax));
  put(encoder, context->abstract_syntax, strlen(context->abstract_syntax));
  put_u8(encoder, 0); /* SCU */
  put_u8(encoder, 1); /* SCP */
  item_end(encoder, begin);
}

static void put_extended(struct encoder *encoder, const struct proposal_context *context, struct cas_slice info) {
  const size_t begin = item_begin(encoder, EXTENDED_NEGOTIATION);
  put_u16(encoder, strlen(context->abstract_syntax));
  put(encoder, context->abstract_syntax, strlen(context->abstract_syntax));
  put(encoder, info.data, info.size);
  item_end(encoder, begin);
}

static void put_user_information(struct encoder *encoder, const struct proposal *proposal) {
  char version[17];
  snprintf(version, sizeof version, "CASSETTE_%.7s", cas_version());
  const size_t begin = item_begin(encoder, USER_INFORMATION);
  const size_t length = item_begin(encoder, MAXIMUM_LENGTH);
  put_u16(encoder, proposal->pdu_bytes_max >> 16);
  put_u16(encoder, proposal->pdu_bytes_max & 0xFFFF);
  item_end(encoder, length);
  put_text_item(encoder, IMPLEMENTATION_CLASS, IMPLEMENTATION_CLASS_UID);
  for (size_t i = 0; i < proposal->context_count; i++)
    if (proposal->contexts[i].provider && !said_before(proposal, i)) put_role(encoder, &proposal->contexts[i]);
  put_text_item(encoder, IMPLEMENTATION_VERSION, version);
  for (size_t i = 0; i < proposal->context_count && proposal->extended.size > 0; i++)
    if (!proposal->contexts[i].provider && !said_before(proposal, i))
      put_extended(encoder, &proposal->contexts[i], proposal->extended);
  item_end(encoder, begin);
}

static bool is_title(const char *title) {
  const size_t size = strlen(title);
  for (size_t i = 0; i < size; i++)
    if (title[i] < ' ' || title[i] >= 0x7F || title[i] == '\\') return false;
  return size > 0 && size < DIMSE_AE_TITLE_TEXT_MAX;
}

static cas_status check_proposal(const struct proposal *proposal, struct cas_error *error) {
  if (!is_title(proposal->calling) || !is_title(proposal->called))
    return fail(error, CAS_INVALID, "an AE title has not 1 to 16 allowed characters");
  if (proposal->context_count == 0 || proposal->context_count > PROPOSAL_CONTEXTS_MAX)
    return fail(error, CAS_INVALID, "no or too many presentation contexts");
  for (size_t i = 0; i < proposal->context_count; i++) {
    const struct proposal_context *context = &proposal->contexts[i];
    if (context->transfer_syntax_count == 0 || context->transfer_syntax_count > PROPOSAL_SYNTAXES_MAX)
      return fail(error, CAS_INVALID, "no or too many transfer syntaxes");
    if (context->abstract_syntax[0] == '\0' || strlen(context->abstract_syntax) >= CAS_UID_TEXT_MAX)
      return fail(error, CAS_INVALID, "an abstract syntax is no UID");
  }
  return CAS_OK;
}

cas_status proposal_encode(const struct proposal *proposal, struct cas_buffer *bytes, struct cas_error *error) {
  const cas_status valid = check_proposal(proposal, error);
  if (valid != CAS_OK) return valid;
  struct encoder encoder = {.bytes = bytes, .status = CAS_OK};
  const size_t start = bytes->size;
  put(&encoder, (uint8_t[]){ASSOCIATE_RQ, 0, 0, 0, 0, 0, 0, 1, 0, 0}, 10);
  put_title(&encoder, proposal->called);
  put_title(&encoder, proposal->calling);
  put(&encoder, (uint8_t[32]){0}, 32);
  put_text_item(&encoder, APPLICATION_CONTEXT, APPLICATION_CONTEXT_NAME);
  for (size_t i = 0; i < proposal->context_count; i++) put_context(&encoder, &proposal->contexts[i], i);
  put_user_information(&encoder, proposal);
  if (encoder.status != CAS_OK) return encoder.status;
  const size_t size = bytes->size - start - 6;
  for (unsigned i = 0; i < 4; i++) bytes->data[start + 2 + i] = (uint8_t)(size >> (24 - 8 * i));
  return CAS_OK;
}

/* --- the answer --- */

static uint32_t big_u32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t big_u16(const uint8_t *p) { return (size_t)p[0] << 8 | p[1]; }

size_t proposal_answer_size(const uint8_t head[6]) {
  const uint32_t size = big_u32(head + 2);
  switch (head[0]) {
  case ASSOCIATE_AC: return size >= FIXED_BYTES - 6 && size <= PROPOSAL_ANSWER_BYTES_MAX - 6 ? size + 6 : 0;
  case ASSOCIATE_RJ:
  case ABORT: return size == 4 ? 10 : 0;
  default: return 0;
  }
}

/* Cuts the next item off; false at the end, or where it is cut short, which *whole then tells. */
static bool next_item(struct cas_slice *rest, uint8_t *type, struct cas_slice *item, bool *whole) {
  if (rest->size == 0) return false;
  const size_t size = rest->size >= 4 ? big_u16(rest->data + 2) : rest->size;
  if (rest->size < 4 || size > rest->size - 4) {
    *whole = false;
    return false;
  }
  *type = rest->data[0];
  *item = (struct cas_slice){.data = rest->data + 4, .size = size};
  *rest = (struct cas_slice){.data = item->data + size, .size = rest->size - 4 - size};
  return true;
}

static bool same_uid(struct cas_slice bytes, const char *uid) {
  while (bytes.size > 0 && (bytes.data[bytes.size - 1] == '\0' || bytes.data[bytes.size - 1] == ' ')) bytes.size--;
  return bytes.size == strlen(uid) && memcmp(bytes.data, uid, bytes.size) == 0;
}

static bool read_context(struct cas_slice item, const struct proposal *proposal, struct proposal_answer *answer) {
  if (item.size < 4) return false;
  const size_t index = item.data[0] / 2;
  const bool accepted = item.data[2] == 0 && item.data[0] % 2 == 1 && index < proposal->context_count;
  struct cas_slice rest = {.data = item.data + 4, .size = item.size - 4}, syntax;
  bool whole = true;
  uint8_t type;
  while (next_item(&rest, &type, &syntax, &whole)) {
    if (type != TRANSFER_SYNTAX || !accepted) continue;
    const struct proposal_context *context = &proposal->contexts[index];
    for (size_t i = 0; i < context->transfer_syntax_count; i++)
      if (same_uid(syntax, context->transfer_syntaxes[i])) answer->accepted[index] = (int)i;
  }
  return whole;
}

static bool read_user_information(struct cas_slice rest, struct proposal_answer *answer) {
  struct cas_slice item;
  bool whole = true;
  uint8_t type;
  while (next_item(&rest, &type, &item, &whole)) {
    if (type == MAXIMUM_LENGTH && item.size == 4) answer->peer_pdu_bytes_max = big_u32(item.data);
    if (type != EXTENDED_NEGOTIATION || item.size < 2 || answer->extended_size > 0) continue;
    const size_t uid_size = big_u16(item.data);
    if (uid_size > item.size - 2) return false;
    answer->extended_size = item.size - 2 - uid_size;
    if (answer->extended_size > sizeof answer->extended) answer->extended_size = sizeof answer->extended;
    memcpy(answer->extended, item.data + 2 + uid_size, answer->extended_size);
  }
  return whole;
}

static cas_status rejected(const uint8_t *pdu, struct cas_error *error) {
  const unsigned source = pdu[8], reason = pdu[9];
  const char *why = "for a reason of its own";
  if (source == 1 && reason == 1) why = "without a reason";
  if (source == 1 && reason == 3) why = "calling AE title not recognized";
  if (source == 1 && reason == 7) why = "called AE title not recognized";
  if (source == 3 && reason == 1) why = "temporary congestion";
  if (source == 3 && reason == 2) why = "local limit exceeded";
  char message[128];
  snprintf(message, sizeof message, "the peer rejected the association: %s", why);
  return fail(error, CAS_REFUSED, message);
}

cas_status proposal_answer_parse(struct cas_slice pdu, const struct proposal *proposal, struct proposal_answer *answer,
                                 struct cas_error *error) {
  static const char malformed[] = "the peer's answer to the association request is malformed";
  if (pdu.size < 6 || proposal_answer_size(pdu.data) != pdu.size) return fail(error, CAS_REFUSED, malformed);
  if (pdu.data[0] == ASSOCIATE_RJ) return rejected(pdu.data, error);
  if (pdu.data[0] == ABORT) return fail(error, CAS_REFUSED, "the peer aborted the association");
  *answer = (struct proposal_answer){.peer_pdu_bytes_max = 0};
  for (size_t i = 0; i < PROPOSAL_CONTEXTS_MAX; i++) answer->accepted[i] = -1;
  struct cas_slice rest = {.data = pdu.data + FIXED_BYTES, .size = pdu.size - FIXED_BYTES}, item;
  bool whole = true;
  uint8_t type;
  while (whole && next_item(&rest, &type, &item, &whole)) {
    if (type == CONTEXT_AC) whole = read_context(item, proposal, answer);
    if (type == USER_INFORMATION) whole = read_user_information(item, answer);
  }
  return whole ? CAS_OK : fail(error, CAS_REFUSED, malformed);
}
