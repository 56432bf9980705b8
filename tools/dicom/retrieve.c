/*
 * Owns one C-GET or C-MOVE. Invariants:
 *  1. completed + failed + warning == done <= selection.count.
 *  2. Each item is counted once; what fails is named in the Failed SOP Instance UID List as far as a value has room.
 */
#include "retrieve.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FAILED_TAG 0x00080058u
#define FAILED_BYTES_MAX 65534u

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static cas_status send_bytes(void *association, struct cas_slice bytes, struct cas_error *error) {
  return dicom_association_send(association, bytes, error);
}

/* --- begin --- */

static enum pdu_event begin(struct retrieve *retrieve) {
  char abstract_syntax[DICOM_UID_TEXT_MAX], transfer_syntax[DICOM_UID_TEXT_MAX];
  struct dicom_association *association = retrieve->session->association;
  if (!dicom_association_accepted(association, retrieve->context_id, abstract_syntax, transfer_syntax) ||
      strcmp(abstract_syntax, retrieve->request->sop_class_uid) != 0 || !retrieve->request->has_data_set)
    return message_protocol_error(retrieve->error, "a retrieve in a context of another kind, or without identifier");
  retrieve->explicit_vr = strcmp(transfer_syntax, "1.2.840.10008.1.2") != 0;
  const uint32_t peer_bytes_max = dicom_association_peer_pdu_bytes(association);
  if (pdu_writer_init(&retrieve->writer, peer_bytes_max, send_bytes, association) != CAS_OK)
    return message_protocol_error(retrieve->error, "out of memory");
  bool whole;
  const enum pdu_event event = message_read_data_set(&retrieve->session->stream, retrieve->context_id,
                                                     IDENTIFIER_BYTES_MAX, &retrieve->bytes, &whole, retrieve->error);
  if (!whole) retrieve->bytes.size = 0;
  return event;
}

struct retrieve *retrieve_create(struct session *session, uint8_t context_id, const struct dimse_command *request,
                                 const char *name, struct cas_error *error, enum pdu_event *event) {
  *error = (struct cas_error){0};
  struct retrieve *retrieve = calloc(1, sizeof *retrieve);
  if (retrieve == NULL) {
    *event = message_protocol_error(error, "out of memory");
    return NULL;
  }
  retrieve->session = session;
  retrieve->request = request;
  retrieve->name = name;
  retrieve->context_id = context_id;
  retrieve->ended = PDU_FRAGMENT;
  retrieve->error = error;
  retrieve->began_ms = now_ms();
  pthread_mutex_init(&retrieve->lock, NULL);
  *event = begin(retrieve);
  if (*event == PDU_FRAGMENT) return retrieve;
  retrieve_destroy(retrieve);
  return NULL;
}

void retrieve_destroy(struct retrieve *retrieve) {
  pdu_writer_fini(&retrieve->writer);
  pthread_mutex_destroy(&retrieve->lock);
  retrieve_selection_fini(&retrieve->selection);
  cas_buffer_fini(&retrieve->failed_uids);
  cas_buffer_fini(&retrieve->bytes);
  free(retrieve);
}

static void audit_item(struct retrieve *retrieve, enum audit_kind kind, const struct retrieve_item *item) {
  association_audit_transfer(retrieve->session, kind, retrieve->destination,
                             retrieve->selection.kinds[item->kind].sop_class_uid,
                             retrieve_path(&retrieve->selection, item));
}

static void audit_begin(struct retrieve *retrieve) {
  if (retrieve->session->node->options.audit == NULL) return;
  for (size_t i = 0; i < retrieve->selection.count; i++)
    audit_item(retrieve, AUDIT_BEGIN_TRANSFER, &retrieve->selection.items[i]);
  association_audit_flush_transfer(retrieve->session, AUDIT_BEGIN_TRANSFER, retrieve->destination);
}

bool retrieve_select(struct retrieve *retrieve, const char *patient_root_uid) {
  struct identifier *identifier = malloc(sizeof *identifier);
  struct cas_error reason = {0};
  cas_status status = identifier != NULL ? CAS_OK : CAS_NO_MEMORY;
  const struct cas_slice bytes = {.data = retrieve->bytes.data, .size = retrieve->bytes.size};
  if (status == CAS_OK && bytes.size == 0) status = CAS_REFUSED;
  if (status == CAS_OK) status = identifier_parse(bytes, retrieve->explicit_vr, identifier, &reason);
  const bool patient_root = strcmp(retrieve->request->sop_class_uid, patient_root_uid) == 0;
  if (status == CAS_OK)
    status = retrieve_selection_fill(&retrieve->selection, retrieve->session->store, identifier, patient_root, &reason);
  free(identifier);
  if (status == CAS_OK) {
    audit_begin(retrieve);
    return true;
  }
  const char *why = reason.message[0] != '\0' ? reason.message : "no identifier, or one that is too long";
  session_log(retrieve->session, CAS_LOG_WARNING, "%s: %s refused: %s", retrieve->session->source, retrieve->name, why);
  const enum dimse_status answer = status == CAS_INVALID ? DIMSE_IDENTIFIER_DOES_NOT_MATCH
                                   : status == CAS_BUSY  ? DIMSE_CANNOT_COUNT_MATCHES
                                                         : DIMSE_CANNOT_UNDERSTAND;
  retrieve->ended = retrieve_refuse(retrieve, answer, why);
  return false;
}

/* --- sub-operations --- */

void retrieve_fail(struct retrieve_result *result, const char *reason) {
  result->outcome = STORE_FAILED;
  snprintf(result->reason, sizeof result->reason, "%s", reason);
}

void retrieve_answered(struct retrieve_result *result, const char *who, const struct dimse_command *response) {
  result->outcome = store_outcome_of(response->status);
  snprintf(result->reason, sizeof result->reason, "%s answers %04X %s", who, response->status, response->error_comment);
}

bool retrieve_open(const struct retrieve *retrieve, const struct retrieve_item *item, const char *transfer_syntax,
                   struct store_object *object, struct retrieve_result *result) {
  struct dicom_node *node = retrieve->session->node;
  const char *from = retrieve->selection.kinds[item->kind].transfer_syntax_uid;
  struct cas_error reason = {0};
  cas_status status =
      store_object_open(object, retrieve->session->store, retrieve_path(&retrieve->selection, item), &reason);
  if (status == CAS_OK && strcmp(from, transfer_syntax) != 0)
    status = store_object_transcode(object, from, transfer_syntax, &node->transcoding, node->options.message_seconds,
                                    &reason);
  result->bytes = status == CAS_OK ? store_object_bytes(object) : 0;
  if (status == CAS_OK) return true;
  store_object_close(object);
  retrieve_fail(result, reason.message[0] != '\0' ? reason.message : cas_status_text(status));
  return false;
}

struct dimse_command retrieve_store_request(const struct retrieve *retrieve, const struct retrieve_item *item) {
  struct dimse_command request = {.priority = retrieve->request->priority};
  snprintf(request.sop_class_uid, sizeof request.sop_class_uid, "%s",
           retrieve->selection.kinds[item->kind].sop_class_uid);
  snprintf(request.sop_instance_uid, sizeof request.sop_instance_uid, "%s", retrieve_uid(&retrieve->selection, item));
  return request;
}

static void note_failed_uid(struct retrieve *retrieve, const char *uid) {
  struct cas_buffer *list = &retrieve->failed_uids;
  const size_t size = strlen(uid);
  if (size + 1 > FAILED_BYTES_MAX - list->size || size == 0) return;
  cas_status status = CAS_OK;
  if (list->size > 0) status = cas_buffer_append(list, (struct cas_slice){.data = (const uint8_t *)"\\", .size = 1});
  if (status == CAS_OK)
    status = cas_buffer_append(list, (struct cas_slice){.data = (const uint8_t *)uid, .size = size});
  if (status != CAS_OK) list->size = 0; /* better no list than one cut within a UID */
}

void retrieve_account(struct retrieve *retrieve, const struct retrieve_item *item,
                      const struct retrieve_result *result) {
  const char *uid = retrieve_uid(&retrieve->selection, item);
  const bool failed = result->outcome == STORE_FAILED;
  pthread_mutex_lock(&retrieve->lock);
  retrieve->done++;
  retrieve->completed += result->outcome == STORE_COMPLETED;
  retrieve->warning += result->outcome == STORE_WARNING;
  retrieve->failed += failed;
  if (failed)
    note_failed_uid(retrieve, uid);
  else
    audit_item(retrieve, AUDIT_SENT, item);
  retrieve->sent_bytes += failed ? 0 : result->bytes;
  pthread_mutex_unlock(&retrieve->lock);
  struct node_counters *counters = &retrieve->session->node->counters;
  node_count(counters,
             failed                             ? NODE_SENT_FAILED
             : result->outcome == STORE_WARNING ? NODE_SENT_WARNING
                                                : NODE_SENT_COMPLETED,
             1);
  if (!failed) node_count(counters, NODE_SENT_BYTES, result->bytes);
  if (failed)
    session_log(retrieve->session, CAS_LOG_WARNING, "%s: %s: %s was not sent: %s", retrieve->session->source,
                retrieve->name, uid, result->reason);
}

size_t retrieve_done(struct retrieve *retrieve) {
  pthread_mutex_lock(&retrieve->lock);
  const size_t done = retrieve->done;
  pthread_mutex_unlock(&retrieve->lock);
  return done;
}

/* --- responses --- */

static struct dimse_counts counts_of(struct retrieve *retrieve) {
  pthread_mutex_lock(&retrieve->lock);
  const struct dimse_counts counts = {.remaining = (uint16_t)(retrieve->selection.count - retrieve->done),
                                      .completed = (uint16_t)retrieve->completed,
                                      .failed = (uint16_t)retrieve->failed,
                                      .warning = (uint16_t)retrieve->warning};
  pthread_mutex_unlock(&retrieve->lock);
  return counts;
}

static cas_status put_failed_list(struct retrieve *retrieve) {
  const struct cas_slice list = {.data = retrieve->failed_uids.data, .size = retrieve->failed_uids.size};
  retrieve->bytes.size = 0;
  const cas_status put = identifier_put(&retrieve->bytes, retrieve->explicit_vr, FAILED_TAG, "UI", list);
  if (put != CAS_OK) return put;
  pdu_writer_begin(&retrieve->writer, retrieve->context_id, false);
  const struct cas_slice bytes = {.data = retrieve->bytes.data, .size = retrieve->bytes.size};
  const cas_status written = pdu_writer_write(&retrieve->writer, bytes, retrieve->error);
  return written == CAS_OK ? pdu_writer_end(&retrieve->writer, retrieve->error) : written;
}

/* With the counts, and the list of what failed unless it is pending or a success. */
static void respond(struct retrieve *retrieve, enum dimse_status status, const char *comment, bool at_once) {
  const struct dimse_counts counts = counts_of(retrieve);
  const bool listed = status != DIMSE_PENDING && status != DIMSE_SUCCESS && retrieve->failed_uids.size > 0;
  retrieve->bytes.size = 0;
  node_count_answer(&retrieve->session->node->counters, retrieve->request, status);
  cas_status sent = dimse_answer_encode(retrieve->request, status, comment, listed, &counts, &retrieve->bytes);
  const struct cas_slice command = {.data = retrieve->bytes.data, .size = retrieve->bytes.size};
  if (sent == CAS_OK) sent = pdu_writer_command(&retrieve->writer, retrieve->context_id, command, retrieve->error);
  if (sent == CAS_OK && listed) sent = put_failed_list(retrieve);
  if (sent == CAS_OK && at_once) sent = pdu_writer_flush(&retrieve->writer, retrieve->error);
  if (sent != CAS_OK) retrieve->ended = PDU_CLOSED;
}

void retrieve_take_command(struct retrieve *retrieve, const struct dimse_command *command) {
  if (command->field == DIMSE_C_CANCEL_RQ && !command->has_data_set) {
    retrieve->cancelled |= command->responded_to == retrieve->request->message_id;
  } else {
    retrieve->ended = message_protocol_error(retrieve->error, "another message while a retrieve is under way");
  }
}

/* What the peer that asked has sent meanwhile. */
static void heed_peer(struct retrieve *retrieve) {
  struct session *session = retrieve->session;
  if (!pdu_stream_has_input(&session->stream) && !dicom_association_has_input(session->association)) return;
  uint8_t context_id;
  struct dimse_command command;
  retrieve->ended = message_read_command(&session->stream, &retrieve->bytes, &context_id, &command, retrieve->error);
  if (retrieve->ended == PDU_FRAGMENT) retrieve_take_command(retrieve, &command);
}

bool retrieve_goes_on(struct retrieve *retrieve) {
  if (retrieve->ended == PDU_FRAGMENT) heed_peer(retrieve);
  retrieve->stopping |= session_is_stopping(retrieve->session);
  return retrieve->ended == PDU_FRAGMENT && !retrieve->cancelled && !retrieve->stopping;
}

void retrieve_pending(struct retrieve *retrieve, bool at_once) { respond(retrieve, DIMSE_PENDING, NULL, at_once); }

/* --- the end --- */

enum dimse_status retrieve_status(size_t completed, size_t failed, size_t warning, bool cancelled) {
  if (cancelled) return DIMSE_CANCELLED;
  if (failed == 0 && warning == 0) return DIMSE_SUCCESS;
  return completed + warning > 0 ? DIMSE_SUBOPERATIONS_FAILED : DIMSE_CANNOT_PERFORM_SUBOPERATIONS;
}

/* What was not tried because the node stops. */
static void give_up_rest(struct retrieve *retrieve) {
  while (retrieve->done < retrieve->selection.count) {
    note_failed_uid(retrieve, retrieve_uid(&retrieve->selection, &retrieve->selection.items[retrieve->done++]));
    retrieve->failed++;
  }
}

enum pdu_event retrieve_finish(struct retrieve *retrieve) {
  if (retrieve->stopping && !retrieve->cancelled) give_up_rest(retrieve);
  const enum dimse_status status =
      retrieve_status(retrieve->completed, retrieve->failed, retrieve->warning, retrieve->cancelled);
  if (retrieve->ended == PDU_FRAGMENT) respond(retrieve, status, retrieve->stopping ? "the archive stops" : NULL, true);
  association_audit_flush_transfer(retrieve->session, AUDIT_SENT, retrieve->destination);
  session_log(retrieve->session, CAS_LOG_NOTICE,
              "%s: %s: %zu of %zu instances sent, %zu failed, %zu with warnings%s%s, %.1f MB in %.2f s",
              retrieve->session->source, retrieve->name, retrieve->completed + retrieve->warning,
              retrieve->selection.count, retrieve->failed, retrieve->warning, retrieve->cancelled ? ", cancelled" : "",
              retrieve->ended != PDU_FRAGMENT ? ", the association ended" : "", (double)retrieve->sent_bytes / 1e6,
              (double)(now_ms() - retrieve->began_ms) / 1e3);
  return retrieve->ended;
}

enum pdu_event retrieve_refuse(struct retrieve *retrieve, enum dimse_status status, const char *comment) {
  retrieve->bytes.size = 0;
  node_count_answer(&retrieve->session->node->counters, retrieve->request, status);
  cas_status sent = dimse_response_encode(retrieve->request, status, comment, &retrieve->bytes);
  const struct cas_slice command = {.data = retrieve->bytes.data, .size = retrieve->bytes.size};
  if (sent == CAS_OK) sent = pdu_writer_command(&retrieve->writer, retrieve->context_id, command, retrieve->error);
  if (sent == CAS_OK) sent = pdu_writer_flush(&retrieve->writer, retrieve->error);
  return sent == CAS_OK ? PDU_FRAGMENT : PDU_CLOSED;
}
