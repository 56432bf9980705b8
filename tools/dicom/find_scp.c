/*
 * Owns one query at a time. Invariants:
 *  1. Matches are sent as the index gives them; no more than one response and the writer's buffer are held.
 *  2. Between two responses the peer's C-CANCEL is heeded; anything else that it sends then is a protocol error.
 *  3. At IMAGE level only the newest version of a SOP instance is a match.
 */
#include "find_scp.h"

#include <stdlib.h>
#include <string.h>

#include "cassette/node.h"
#include "find_response.h"
#include "message.h"
#include "pdu_writer.h"

#define CONDITIONS_MAX 48u
#define PATTERN_BYTES_MAX 1024u

struct query {
  struct session *session;
  const struct dimse_command *request;
  uint8_t context_id;
  struct find_response response;
  struct identifier identifier;
  struct cas_condition conditions[CONDITIONS_MAX];
  char patterns[CONDITIONS_MAX][PATTERN_BYTES_MAX];
  size_t condition_count;
  struct pdu_writer writer;
  struct cas_buffer bytes, command;
  unsigned matches;
  bool cancelled, too_many;
  enum pdu_event ended; /* PDU_FRAGMENT while the association is of use */
  struct cas_error *error;
};

static cas_status send_bytes(void *association, struct cas_slice bytes, struct cas_error *error) {
  return dicom_association_send(association, bytes, error);
}

/* --- the identifier --- */

static bool read_level(struct query *query) {
  static const struct {
    const char *name;
    enum cas_level level;
  } levels[] = {{"PATIENT", CAS_LEVEL_PATIENT},
                {"STUDY", CAS_LEVEL_STUDY},
                {"SERIES", CAS_LEVEL_SERIES},
                {"IMAGE", CAS_LEVEL_INSTANCE}};
  const struct identifier_key *key = identifier_find(&query->identifier, IDENTIFIER_TAG_LEVEL);
  for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
    if (identifier_key_is(key, levels[i].name)) query->response.level = levels[i].level;
  if (query->response.level == CAS_LEVEL_PATIENT)
    return strcmp(query->request->sop_class_uid, FIND_PATIENT_ROOT_UID) == 0;
  return query->response.level != 0;
}

/* Turns keys with a value into conditions; NULL or why the identifier is not taken. */
static const char *read_conditions(struct query *query) {
  if (!read_level(query)) return "no Query/Retrieve Level, or one that the SOP class has not";
  for (size_t i = 0; i < query->identifier.count; i++) {
    const struct identifier_key *key = &query->identifier.keys[i];
    const struct cas_attribute_definition *definition = cas_attribute_by_tag(key->tag);
    const bool modalities = key->tag == FIND_TAG_MODALITIES && query->response.level == CAS_LEVEL_STUDY;
    if (key->value.size == 0 || key->tag == CAS_TAG_SPECIFIC_CHARACTER_SET) continue;
    if (modalities) {
      if (!identifier_text(&query->identifier, key->value, query->response.modalities, PATTERN_BYTES_MAX))
        return "Modalities in Study cannot be read";
      continue;
    }
    if (definition == NULL || definition->level > query->response.level) continue;
    if (query->condition_count == CONDITIONS_MAX) return "too many matching keys";
    char *pattern = query->patterns[query->condition_count];
    if (!identifier_text(&query->identifier, key->value, pattern, PATTERN_BYTES_MAX))
      return "a value is too long, or in a character set that is not taken";
    query->conditions[query->condition_count++] = (struct cas_condition){.tag = key->tag, .pattern = pattern};
  }
  return NULL;
}

/* --- matches --- */

/* Whether the peer wants no more; what it sends while we answer can only be C-CANCEL or its end. */
static cas_status heed_peer(struct query *query) {
  struct session *session = query->session;
  if (!pdu_stream_has_input(&session->stream) && !dicom_association_has_input(session->association)) return CAS_OK;
  uint8_t context_id;
  struct dimse_command command;
  query->ended = message_read_command(&session->stream, &query->command, &context_id, &command, query->error);
  if (query->ended != PDU_FRAGMENT) return CAS_END;
  if (command.field != DIMSE_C_CANCEL_RQ || command.has_data_set) {
    query->ended = message_protocol_error(query->error, "a request while another one is answered");
    return CAS_END;
  }
  query->cancelled = command.responded_to == query->request->message_id;
  return query->cancelled ? CAS_END : CAS_OK;
}

static cas_status write_match(struct query *query, const struct cas_buffer *data) {
  query->command.size = 0;
  cas_status status = dimse_answer_encode(query->request, DIMSE_PENDING, NULL, true, NULL, &query->command);
  if (status != CAS_OK) return status;
  const struct cas_slice command = {.data = query->command.data, .size = query->command.size};
  status = pdu_writer_command(&query->writer, query->context_id, command, query->error);
  if (status == CAS_OK) {
    pdu_writer_begin(&query->writer, query->context_id, false);
    status = pdu_writer_write(&query->writer, (struct cas_slice){.data = data->data, .size = data->size}, query->error);
  }
  if (status == CAS_OK) status = pdu_writer_end(&query->writer, query->error);
  if (status != CAS_OK) query->ended = PDU_CLOSED; /* nothing more can be sent */
  return status;
}

static cas_status show(void *arg, const struct cas_node *node) {
  struct query *query = arg;
  bool matches;
  cas_status status = heed_peer(query);
  if (status == CAS_OK) status = find_response_matches(&query->response, node, &matches, query->error);
  if (status != CAS_OK || !matches) return status;
  query->too_many = query->matches == FIND_MATCHES_MAX;
  if (query->too_many) return CAS_END;
  query->matches++;
  query->bytes.size = 0;
  status = find_response_encode(&query->response, &query->identifier, node, &query->bytes, query->error);
  if (status == CAS_OK) status = write_match(query, &query->bytes);
  return status;
}

static enum pdu_event finish(struct query *query, enum dimse_status status, const char *comment) {
  query->command.size = 0;
  cas_status sent = dimse_response_encode(query->request, status, comment, &query->command);
  const struct cas_slice command = {.data = query->command.data, .size = query->command.size};
  if (sent == CAS_OK) sent = pdu_writer_command(&query->writer, query->context_id, command, query->error);
  if (sent == CAS_OK) sent = pdu_writer_flush(&query->writer, query->error);
  return sent == CAS_OK ? PDU_FRAGMENT : PDU_CLOSED;
}

static enum pdu_event answer(struct query *query, bool explicit_vr, bool whole) {
  struct cas_error reason = {0};
  const struct cas_slice bytes = {.data = query->bytes.data, .size = query->bytes.size};
  if (!whole || identifier_parse(bytes, explicit_vr, &query->identifier, &reason) != CAS_OK)
    return finish(query, DIMSE_CANNOT_UNDERSTAND, whole ? reason.message : "the identifier is too long");
  const char *wrong = read_conditions(query);
  if (wrong != NULL) return finish(query, DIMSE_IDENTIFIER_DOES_NOT_MATCH, wrong);
  /* Keys borrow from the identifier's bytes, of which only tags are needed from here on. */
  const struct cas_query wanted = {
      .level = query->response.level, .conditions = query->conditions, .condition_count = query->condition_count};
  const cas_status status = cas_find(query->session->node->store, &wanted, show, query, query->error);
  if (query->ended != PDU_FRAGMENT) return query->ended;
  if (query->cancelled) return finish(query, DIMSE_CANCELLED, NULL);
  if (query->too_many) return finish(query, DIMSE_OUT_OF_RESOURCES, "more matches than are sent");
  if (status == CAS_OK) return finish(query, DIMSE_SUCCESS, NULL);
  session_log(query->session, CAS_LOG_ERROR, "%s: C-FIND failed: %s", query->session->source, cas_status_text(status));
  return finish(query, DIMSE_PROCESSING_FAILURE, cas_status_text(status));
}

enum pdu_event find_scp_serve(struct session *session, uint8_t context_id, const struct dimse_command *request,
                              struct cas_error *error) {
  char abstract_syntax[DICOM_UID_TEXT_MAX], transfer_syntax[DICOM_UID_TEXT_MAX];
  struct query *query = calloc(1, sizeof *query);
  if (query == NULL) return message_protocol_error(error, "out of memory");
  query->session = session;
  query->request = request;
  query->context_id = context_id;
  query->ended = PDU_FRAGMENT;
  query->error = error;
  enum pdu_event event = message_protocol_error(error, "a query in a context that is none of C-FIND, or no identifier");
  const bool served = dicom_association_accepted(session->association, context_id, abstract_syntax, transfer_syntax) &&
                      strcmp(abstract_syntax, request->sop_class_uid) == 0 && request->has_data_set;
  if (served) {
    bool whole;
    *error = (struct cas_error){0};
    query->response.explicit_vr = strcmp(transfer_syntax, "1.2.840.10008.1.2") != 0;
    query->response.store = session->node->store;
    query->response.aet = session->node->options.aet;
    event = message_read_data_set(&session->stream, context_id, IDENTIFIER_BYTES_MAX, &query->bytes, &whole, error);
    if (event == PDU_FRAGMENT)
      association_audit_query(session, abstract_syntax, transfer_syntax,
                              (struct cas_slice){.data = query->bytes.data, .size = query->bytes.size});
    const uint32_t peer_bytes_max = dicom_association_peer_pdu_bytes(session->association);
    if (event == PDU_FRAGMENT)
      event = pdu_writer_init(&query->writer, peer_bytes_max, send_bytes, session->association) == CAS_OK
                  ? answer(query, query->response.explicit_vr, whole)
                  : message_protocol_error(error, "out of memory");
  }
  pdu_writer_fini(&query->writer);
  cas_buffer_fini(&query->bytes);
  cas_buffer_fini(&query->command);
  find_response_fini(&query->response);
  free(query);
  return event;
}
