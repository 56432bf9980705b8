/*
 * Owns nothing. Invariants:
 *  1. No byte outside of the slice is read: every item is cut out of what is left of the item around it.
 *  2. No recursion: items, their sub-items, and no deeper.
 */
#include "associate_request.h"

#include <stdbool.h>
#include <string.h>

enum pdu_type { A_ASSOCIATE_RQ = 1 };

enum item_type {
  APPLICATION_CONTEXT = 0x10,
  PRESENTATION_CONTEXT = 0x20,
  PRESENTATION_CONTEXT_AC = 0x21,
  ABSTRACT_SYNTAX = 0x30,
  TRANSFER_SYNTAX = 0x40,
  USER_INFORMATION = 0x50,
  MAXIMUM_LENGTH = 0x51,
  IMPLEMENTATION_CLASS = 0x52,
  ASYNCHRONOUS_OPERATIONS = 0x53,
  ROLE_SELECTION = 0x54,
  IMPLEMENTATION_VERSION = 0x55,
  EXTENDED_NEGOTIATION = 0x56,
  USER_IDENTITY = 0x58,
  USER_IDENTITY_AC = 0x59,
};

#define FIXED_BYTES 68u   /* version, AE titles and what is reserved, behind the head */
#define TITLES_OFFSET 10u /* of the called title, which the calling one follows */
#define TITLE_BYTES 16u
#define ITEM_HEAD_BYTES 4u
#define UID_BYTES_MAX 64u
#define VERSION_BIT 1u

/* Types of user identity: user name, the same with a passcode, Kerberos, SAML, JSON web token. */
#define IDENTITY_MIN 1u
#define IDENTITY_PASSCODE 2u
#define IDENTITY_MAX 5u

/* What one request had so far. */
struct request {
  bool application_context, user_information;
  unsigned contexts;
  uint8_t context_seen[256];
  uint8_t sub_item_seen[256]; /* of the user information */
  unsigned roles, extended;
};

struct item {
  uint8_t type;
  struct cas_slice body;
};

static unsigned big_u16(const uint8_t *at) { return (unsigned)at[0] << 8 | at[1]; }

/* Cuts the next item off `rest`. */
static const char *next_item(struct cas_slice *rest, struct item *item) {
  if (rest->size < ITEM_HEAD_BYTES) return "bytes that are no item";
  const size_t size = big_u16(rest->data + 2);
  if (size > rest->size - ITEM_HEAD_BYTES) return "an item is longer than what it is in";
  *item = (struct item){.type = rest->data[0], .body = {.data = rest->data + ITEM_HEAD_BYTES, .size = size}};
  rest->data += ITEM_HEAD_BYTES + size;
  rest->size -= ITEM_HEAD_BYTES + size;
  return NULL;
}

/* Printable, with padding at its end: some pad with NUL, others with a space. What the UID names is decided later. */
static const char *check_uid(struct cas_slice uid) {
  if (uid.size == 0) return "an empty UID";
  if (uid.size > UID_BYTES_MAX) return "a UID is longer than 64 bytes";
  while (uid.size > 0 && (uid.data[uid.size - 1] == '\0' || uid.data[uid.size - 1] == ' ')) uid.size--;
  if (uid.size == 0) return "an empty UID";
  for (size_t i = 0; i < uid.size; i++) {
    if (uid.data[i] <= ' ' || uid.data[i] >= 0x7F) return "a UID has a character that is not allowed";
  }
  return NULL;
}

static const char *check_context(struct request *request, struct cas_slice body) {
  if (body.size < 4) return "a presentation context is too short";
  const uint8_t id = body.data[0];
  if (id % 2 == 0) return "a presentation context ID is even";
  if (request->context_seen[id]++ != 0) return "a presentation context ID is given twice";
  request->contexts++;
  struct cas_slice rest = {.data = body.data + 4, .size = body.size - 4};
  unsigned abstract_syntaxes = 0, transfer_syntaxes = 0;
  while (rest.size > 0) {
    struct item item;
    const char *why = next_item(&rest, &item);
    if (why != NULL) return why;
    if (item.type != ABSTRACT_SYNTAX && item.type != TRANSFER_SYNTAX) continue;
    why = check_uid(item.body);
    if (why != NULL) return why;
    if (item.type == ABSTRACT_SYNTAX) {
      abstract_syntaxes++;
    } else {
      transfer_syntaxes++;
    }
  }
  if (abstract_syntaxes != 1) return "a presentation context has not one abstract syntax";
  return transfer_syntaxes == 0 ? "a presentation context has no transfer syntax" : NULL;
}

/* A sub-item that begins with the length of a UID and the UID; `tail` becomes the rest. */
static const char *cut_uid(struct cas_slice body, struct cas_slice *tail) {
  if (body.size < 2) return "a sub-item is too short";
  const size_t size = big_u16(body.data);
  if (size > body.size - 2) return "a UID is longer than its sub-item";
  *tail = (struct cas_slice){.data = body.data + 2 + size, .size = body.size - 2 - size};
  return check_uid((struct cas_slice){.data = body.data + 2, .size = size});
}

static const char *check_role(struct request *request, struct cas_slice body) {
  if (++request->roles > ASSOCIATE_SUB_ITEMS_MAX) return "too many role selections";
  struct cas_slice roles;
  const char *why = cut_uid(body, &roles);
  if (why != NULL) return why;
  return roles.size != 2 ? "a role selection of a wrong length" : NULL;
}

static const char *check_extended(struct request *request, struct cas_slice body) {
  if (++request->extended > ASSOCIATE_SUB_ITEMS_MAX) return "too many extended negotiations";
  struct cas_slice information;
  return cut_uid(body, &information);
}

/* Type, response wanted, and two fields with a length each (PS3.7 D.3.3.7.1). */
static const char *check_identity(struct cas_slice body) {
  static const char wrong[] = "a user identity whose lengths contradict each other";
  if (body.size < 6) return wrong;
  if (body.data[0] < IDENTITY_MIN || body.data[0] > IDENTITY_MAX) return "a user identity of an unknown type";
  const size_t primary = big_u16(body.data + 2);
  if (primary > body.size - 6) return wrong;
  const size_t secondary = big_u16(body.data + 4 + primary);
  if (secondary != body.size - 6 - primary) return wrong;
  const bool may_have = body.data[0] == IDENTITY_PASSCODE;
  return secondary != 0 && !may_have ? "a user identity with a passcode that it has not" : NULL;
}

static const char *check_sub_item(struct request *request, const struct item *item) {
  const bool again = request->sub_item_seen[item->type] != 0;
  request->sub_item_seen[item->type] = 1;
  switch (item->type) {
  case ROLE_SELECTION: return check_role(request, item->body);
  case EXTENDED_NEGOTIATION: return check_extended(request, item->body);
  case MAXIMUM_LENGTH: return again || item->body.size != 4 ? "a wrong maximum length" : NULL;
  case ASYNCHRONOUS_OPERATIONS: return again || item->body.size != 4 ? "a wrong operations window" : NULL;
  case IMPLEMENTATION_CLASS: return again ? "two implementation class UIDs" : check_uid(item->body);
  case IMPLEMENTATION_VERSION:
    return again || item->body.size > UID_BYTES_MAX ? "a wrong implementation version name" : NULL;
  case USER_IDENTITY: return again ? "two user identities" : check_identity(item->body);
  case USER_IDENTITY_AC: return "an answer to a user identity";
  default: return NULL;
  }
}

static const char *check_user_information(struct request *request, struct cas_slice rest) {
  while (rest.size > 0) {
    struct item item;
    const char *why = next_item(&rest, &item);
    if (why == NULL) why = check_sub_item(request, &item);
    if (why != NULL) return why;
  }
  return NULL;
}

static const char *check_item(struct request *request, const struct item *item) {
  switch (item->type) {
  case APPLICATION_CONTEXT:
    if (request->application_context) return "two application contexts";
    request->application_context = true;
    return check_uid(item->body);
  case PRESENTATION_CONTEXT: return check_context(request, item->body);
  case PRESENTATION_CONTEXT_AC: return "an answer to a presentation context";
  case USER_INFORMATION:
    if (request->user_information) return "two items of user information";
    request->user_information = true;
    return check_user_information(request, item->body);
  default: return NULL;
  }
}

static const char *check_items(struct cas_slice rest) {
  struct request request = {0};
  while (rest.size > 0) {
    struct item item;
    const char *why = next_item(&rest, &item);
    if (why == NULL) why = check_item(&request, &item);
    if (why != NULL) return why;
  }
  if (!request.application_context) return "no application context";
  if (!request.user_information) return "no user information";
  return request.contexts == 0 ? "no presentation context" : NULL;
}

/* DCMTK takes a title for the text before its first NUL, and cannot answer where that is blank (PS3.5 6.2, AE). */
static const char *check_title(const uint8_t *title) {
  for (size_t i = 0; i < TITLE_BYTES && title[i] != '\0'; i++) {
    if (title[i] != ' ') return NULL;
  }
  return "a blank AE title";
}

enum associate_verdict associate_request_head(const uint8_t *head, size_t *size, const char **why) {
  if (head[0] != A_ASSOCIATE_RQ) {
    *why = "another PDU than an association request";
    return ASSOCIATE_UNEXPECTED;
  }
  const uint32_t body = (uint32_t)big_u16(head + 2) << 16 | big_u16(head + 4);
  if (body < FIXED_BYTES || body > ASSOCIATE_REQUEST_BYTES_MAX - ASSOCIATE_HEAD_BYTES) {
    *why = body < FIXED_BYTES ? "too short for an association request" : "too long for an association request";
    return ASSOCIATE_MALFORMED;
  }
  *size = ASSOCIATE_HEAD_BYTES + body;
  return ASSOCIATE_GOOD;
}

enum associate_verdict associate_request_check(struct cas_slice pdu, const char **why) {
  *why = "cut short";
  if (pdu.size < ASSOCIATE_HEAD_BYTES) return ASSOCIATE_MALFORMED;
  size_t size = 0;
  const enum associate_verdict verdict = associate_request_head(pdu.data, &size, why);
  if (verdict != ASSOCIATE_GOOD) return verdict;
  if (size != pdu.size) return ASSOCIATE_MALFORMED;
  if ((big_u16(pdu.data + ASSOCIATE_HEAD_BYTES) & VERSION_BIT) == 0) {
    *why = "a protocol version that is not known";
    return ASSOCIATE_VERSION;
  }
  const size_t fixed = ASSOCIATE_HEAD_BYTES + FIXED_BYTES;
  *why = check_title(pdu.data + TITLES_OFFSET);
  if (*why == NULL) *why = check_title(pdu.data + TITLES_OFFSET + TITLE_BYTES);
  if (*why == NULL) *why = check_items((struct cas_slice){.data = pdu.data + fixed, .size = pdu.size - fixed});
  return *why == NULL ? ASSOCIATE_GOOD : ASSOCIATE_MALFORMED;
}

void associate_request_answer(enum associate_verdict verdict, uint8_t pdu[ASSOCIATE_ANSWER_BYTES]) {
  /* PS3.8 9.3.8: by the provider, unexpected PDU or invalid PDU parameter value. 9.3.4: permanent, by the provider's
   * association control, protocol version not supported. */
  static const uint8_t unexpected[] = {7, 0, 0, 0, 0, 4, 0, 0, 2, 2}, malformed[] = {7, 0, 0, 0, 0, 4, 0, 0, 2, 6},
                       version[] = {3, 0, 0, 0, 0, 4, 0, 1, 2, 2};
  _Static_assert(sizeof malformed == ASSOCIATE_ANSWER_BYTES, "a short PDU");
  const uint8_t *answer = verdict == ASSOCIATE_UNEXPECTED ? unexpected
                          : verdict == ASSOCIATE_VERSION  ? version
                                                          : malformed;
  memcpy(pdu, answer, ASSOCIATE_ANSWER_BYTES);
}
