/*
 * Owns one query at a time. Invariants:
 *  1. Matches are sent as the index gives them; no more than one response and the writer's buffer are held.
 *  2. Between two responses, and every few nodes that are looked at, the peer's C-CANCEL, the node's stop and the time
 *     are heeded; anything else that the peer sends then is a protocol error.
 *  3. Only what has a current version of a SOP instance is a match; where there were no others when the query began,
 *     none is asked for its versions.
 */
#include "find_scp.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cassette/node.h"
#include "cassette/snapshot.h"
#include "find_response.h"
#include "message.h"
#include "pdu_writer.h"

/* Nodes that are looked at between two looks at peer and clock. */
#define LOOK_EVERY 64u

/* What was found does not wait longer than this for more that fills a write. */
#define FLUSH_MS 100

struct query {
  struct session *session;
  const struct dimse_command *request;
  uint8_t context_id;
  struct find_query find;
  struct find_response response;
  struct pdu_writer writer;
  struct cas_buffer bytes, data, command;
  unsigned matches, looks;
  int64_t begun_ms, flushed_ms;
  bool cancelled;
  bool has_versions;    /* when it began */
  const char *limit;    /* that ended it */
  enum pdu_event ended; /* PDU_FRAGMENT while the association is of use */
  struct cas_error *error;
};

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static cas_status send_bytes(void *association, struct cas_slice bytes, struct cas_error *error) {
  return dicom_association_send(association, bytes, error);
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

static cas_status end_by(struct query *query, const char *limit) {
  query->limit = limit;
  return CAS_END;
}

/* What a long search that finds little must not pass over. */
static cas_status look(void *arg) {
  struct query *query = arg;
  if (++query->looks % LOOK_EVERY != 0) return CAS_OK;
  const cas_status status = heed_peer(query);
  if (status != CAS_OK) return status;
  const int64_t now = now_ms();
  if (now - query->begun_ms > query->session->node->options.find_seconds_max * INT64_C(1000))
    return end_by(query, "the query took too long");
  if (session_is_stopping(query->session)) return end_by(query, "the archive stops");
  if (now - query->flushed_ms < FLUSH_MS || query->writer.used == 0) return CAS_OK;
  query->flushed_ms = now;
  const cas_status sent = pdu_writer_flush(&query->writer, query->error);
  if (sent != CAS_OK) query->ended = PDU_CLOSED;
  return sent;
}

static cas_status show(void *arg, const struct cas_node *node) {
  struct query *query = arg;
  bool matches = true;
  cas_status status = heed_peer(query);
  if (status == CAS_OK && query->has_versions)
    status = cas_node_is_current(query->response.store, node, &matches, query->error);
  if (status != CAS_OK || !matches) return status;
  if (query->matches == query->session->node->options.find_matches_max)
    return end_by(query, "more matches than are sent");
  query->matches++;
  node_count(&query->session->node->counters, NODE_FIND_MATCHES, 1);
  status = find_response_encode(&query->response, node, &query->data, query->error);
  if (status == CAS_OK) status = write_match(query, &query->data);
  return status;
}

static enum pdu_event finish(struct query *query, enum dimse_status status, const char *comment) {
  query->command.size = 0;
  node_count_answer(&query->session->node->counters, query->request, status);
  cas_status sent = dimse_response_encode(query->request, status, comment, &query->command);
  const struct cas_slice command = {.data = query->command.data, .size = query->command.size};
  if (sent == CAS_OK) sent = pdu_writer_command(&query->writer, query->context_id, command, query->error);
  if (sent == CAS_OK) sent = pdu_writer_flush(&query->writer, query->error);
  return sent == CAS_OK ? PDU_FRAGMENT : PDU_CLOSED;
}

/* Matches come in path order. */
static cas_status find_near(struct query *query, const struct cas_query *wanted, struct cas_error *error) {
  struct cas_store *store = query->response.store, *near;
  cas_status status = cas_near_open(store, &near, error);
  if (status != CAS_OK) return status;
  query->response.store = near;
  status = cas_find(near, wanted, show, query, error);
  query->response.store = store;
  cas_snapshot_close(near);
  return status;
}

static enum pdu_event search(struct query *query) {
  const struct session *session = query->session;
  const struct cas_query wanted = {
      .level = query->find.level,
      .conditions = query->find.conditions,
      .condition_count = query->find.condition_count,
      .combined_date_time = dicom_association_extended(session->association, query->request->sop_class_uid,
                                                       NEGOTIATION_DATE_TIME_BYTE) == 1,
      .look = look,
      .look_arg = query,
  };
  struct cas_error reason = {0};
  cas_status status = cas_has_versions(session->store, &query->has_versions, &reason);
  if (status == CAS_OK) status = find_near(query, &wanted, &reason);
  if (query->ended != PDU_FRAGMENT) return query->ended;
  if (query->cancelled) return finish(query, DIMSE_CANCELLED, NULL);
  if (query->limit != NULL) return finish(query, DIMSE_OUT_OF_RESOURCES, query->limit);
  if (status == CAS_OK) return finish(query, DIMSE_SUCCESS, NULL);
  if (status == CAS_INVALID) return finish(query, DIMSE_IDENTIFIER_DOES_NOT_MATCH, reason.message);
  session_log(session, CAS_LOG_ERROR, "%s: C-FIND failed: %s", session->source, cas_status_text(status));
  return finish(query, DIMSE_PROCESSING_FAILURE, cas_status_text(status));
}

static enum pdu_event answer(struct query *query, bool explicit_vr, bool whole) {
  struct cas_error reason = {0};
  struct dicom_node *node = query->session->node;
  const struct cas_slice bytes = {.data = query->bytes.data, .size = query->bytes.size};
  if (!whole || identifier_parse(bytes, explicit_vr, &query->find.identifier, &reason) != CAS_OK)
    return finish(query, DIMSE_CANNOT_UNDERSTAND, whole ? reason.message : "the identifier is too long");
  query->find.further = &node->find_attributes;
  const char *wrong = find_query_read(&query->find, strcmp(query->request->sop_class_uid, FIND_PATIENT_ROOT_UID) == 0);
  if (wrong != NULL) return finish(query, DIMSE_IDENTIFIER_DOES_NOT_MATCH, wrong);
  const struct identifier_key *set = identifier_find(&query->find.identifier, CAS_TAG_SPECIFIC_CHARACTER_SET);
  find_text_init(&query->response.text, set != NULL ? set->value : (struct cas_slice){0});
  query->response.query = &query->find;
  query->begun_ms = query->flushed_ms = now_ms();
  /* Bounded, so that queries leave processors to those who store. */
  const unsigned others = atomic_fetch_add(&node->counters.queries_open, 1);
  const enum pdu_event event = others < node->options.find_queries_max
                                   ? search(query)
                                   : finish(query, DIMSE_OUT_OF_RESOURCES, "too many queries at once");
  atomic_fetch_sub(&node->counters.queries_open, 1);
  return event;
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
    const bool explicit_vr = strcmp(transfer_syntax, "1.2.840.10008.1.2") != 0;
    query->response.store = session->store;
    query->response.aet = session->aet;
    event = message_read_data_set(&session->stream, context_id, IDENTIFIER_BYTES_MAX, &query->bytes, &whole, error);
    if (event == PDU_FRAGMENT)
      association_audit_query(session, abstract_syntax, transfer_syntax,
                              (struct cas_slice){.data = query->bytes.data, .size = query->bytes.size});
    const uint32_t peer_bytes_max = dicom_association_peer_pdu_bytes(session->association);
    if (event == PDU_FRAGMENT)
      event = pdu_writer_init(&query->writer, peer_bytes_max, send_bytes, session->association) == CAS_OK
                  ? answer(query, explicit_vr, whole)
                  : message_protocol_error(error, "out of memory");
  }
  pdu_writer_fini(&query->writer);
  cas_buffer_fini(&query->bytes);
  cas_buffer_fini(&query->data);
  cas_buffer_fini(&query->command);
  find_response_fini(&query->response);
  find_query_fini(&query->find);
  free(query);
  return event;
}
