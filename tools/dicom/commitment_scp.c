/*
 * Owns a session's share in storage commitment. Invariant: one N-EVENT-REPORT is under way at a time.
 */
#include "commitment_scp.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "commitment_desk.h"
#include "commitment_send.h"
#include "message.h"
#include "pdu_writer.h"

#define ACTION_REQUEST_COMMITMENT 1

/* Has the session hear of answers; where that fails, they go out over associations of their own. */
static void open_mail(struct session *session, uint8_t context_id, bool explicit_vr) {
  struct session_commitment *own = &session->commitment;
  own->context_id = context_id;
  own->explicit_vr = explicit_vr;
  if (own->mail != NULL) return;
  struct epoll_event stop = {.events = EPOLLIN}, answer = {.events = EPOLLIN};
  own->mail = commitment_mail_open(session->node->commitments);
  own->wait_fd = own->mail != NULL ? epoll_create1(EPOLL_CLOEXEC) : -1;
  const bool waits = own->wait_fd >= 0 && epoll_ctl(own->wait_fd, EPOLL_CTL_ADD, session->node->stop_fd, &stop) == 0 &&
                     epoll_ctl(own->wait_fd, EPOLL_CTL_ADD, commitment_mail_fd(own->mail), &answer) == 0;
  if (!waits) commitment_scp_close(session);
}

/* The status of the N-ACTION's response. */
static enum dimse_status take(struct session *session, const struct dimse_command *request, bool explicit_vr,
                              struct cas_slice data_set, struct cas_error *reason) {
  struct commitment commitment = {0};
  bool duplicate;
  if (strcmp(request->sop_instance_uid, COMMITMENT_INSTANCE_UID) != 0) return DIMSE_NO_SUCH_INSTANCE;
  if (request->action_type != ACTION_REQUEST_COMMITMENT) return DIMSE_NO_SUCH_ACTION;
  cas_status status = commitment_parse(data_set, explicit_vr, &commitment, reason);
  snprintf(commitment.aet, sizeof commitment.aet, "%s", session->calling);
  if (session->store != session->node->store) snprintf(commitment.called, sizeof commitment.called, "%s", session->aet);
  if (status == CAS_OK)
    status =
        commitment_desk_take(session->node->commitments, &commitment, session->commitment.mail, &duplicate, reason);
  const size_t count = commitment.count;
  commitment_fini(&commitment);
  if (status == CAS_OK) {
    session_log(session, CAS_LOG_NOTICE, "%s: storage commitment of %zu instances is asked for%s", session->source,
                count, duplicate ? ", under a transaction UID that is in use" : "");
    return DIMSE_SUCCESS;
  }
  session_log(session, CAS_LOG_WARNING, "%s: storage commitment refused: %s", session->source, reason->message);
  return status == CAS_REFUSED ? DIMSE_INVALID_ARGUMENT
         : status == CAS_BUSY  ? DIMSE_RESOURCE_LIMITATION
                               : DIMSE_PROCESSING_FAILURE;
}

enum pdu_event commitment_scp_serve(struct session *session, uint8_t context_id, const struct dimse_command *request,
                                    struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer data_set = {0};
  char abstract_syntax[DICOM_UID_TEXT_MAX], transfer_syntax[DICOM_UID_TEXT_MAX];
  bool whole = true;
  if (request->has_data_set) {
    const enum pdu_event event =
        message_read_data_set(&session->stream, context_id, COMMITMENT_BYTES_MAX, &data_set, &whole, error);
    if (event != PDU_FRAGMENT) return event;
  }
  enum dimse_status answer = DIMSE_NO_SUCH_CLASS;
  struct cas_error reason = {0};
  if (dicom_association_accepted(session->association, context_id, abstract_syntax, transfer_syntax) &&
      strcmp(abstract_syntax, COMMITMENT_CLASS_UID) == 0 && session->node->commitments != NULL) {
    const bool explicit_vr = strcmp(transfer_syntax, "1.2.840.10008.1.2") != 0;
    open_mail(session, context_id, explicit_vr);
    answer = !whole ? DIMSE_RESOURCE_LIMITATION
                    : take(session, request, explicit_vr,
                           (struct cas_slice){.data = data_set.data, .size = data_set.size}, &reason);
  }
  const cas_status sent = session_respond(session, context_id, request, answer, reason.message, error);
  return sent == CAS_OK ? PDU_FRAGMENT : PDU_CLOSED;
}

int commitment_wait_fd(const struct session *session) {
  const bool waits = session->commitment.mail != NULL && session->commitment.reported == NULL;
  return waits ? session->commitment.wait_fd : session->node->stop_fd;
}

static cas_status send_bytes(void *association, struct cas_slice bytes, struct cas_error *error) {
  return dicom_association_send(association, bytes, error);
}

static cas_status send_report(struct session *session, const struct commitment *commitment, struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer command = {0}, data_set = {0};
  struct session_commitment *own = &session->commitment;
  struct pdu_writer writer;
  if (++own->message_id == 0) own->message_id = 1;
  cas_status status = commitment_event_encode(commitment, own->message_id, &command);
  if (status == CAS_OK) status = commitment_report(commitment, own->explicit_vr, session->aet, &data_set);
  if (status == CAS_OK)
    status = pdu_writer_init(&writer, dicom_association_peer_pdu_bytes(session->association), send_bytes,
                             session->association);
  if (status != CAS_OK) return status;
  status = pdu_writer_command(&writer, own->context_id, (struct cas_slice){.data = command.data, .size = command.size},
                              error);
  if (status == CAS_OK) {
    pdu_writer_begin(&writer, own->context_id, false);
    status = pdu_writer_write(&writer, (struct cas_slice){.data = data_set.data, .size = data_set.size}, error);
  }
  if (status == CAS_OK) status = pdu_writer_end(&writer, error);
  if (status == CAS_OK) status = pdu_writer_flush(&writer, error);
  pdu_writer_fini(&writer);
  return status;
}

bool commitment_scp_report(struct session *session, cas_status *status, struct cas_error *error) {
  struct session_commitment *own = &session->commitment;
  struct commitment commitment = {0};
  *status = CAS_OK;
  if (own->mail == NULL || own->reported != NULL || session_is_stopping(session)) return false;
  own->reported = commitment_mail_next(own->mail, &commitment);
  if (own->reported == NULL) return false;
  *status = send_report(session, &commitment, error);
  commitment_fini(&commitment);
  return true;
}

enum pdu_event commitment_scp_answered(struct session *session, const struct dimse_command *response,
                                       struct cas_error *error) {
  struct session_commitment *own = &session->commitment;
  if (own->reported == NULL || response->responded_to != own->message_id || response->has_data_set)
    return message_protocol_error(error, "a response to nothing that was asked");
  if (response->status != DIMSE_SUCCESS)
    session_log(session, CAS_LOG_WARNING, "%s: storage commitment: the peer answers %04X to the event", session->source,
                response->status);
  commitment_done(session->node->commitments, own->reported, response->status == DIMSE_SUCCESS);
  own->reported = NULL;
  return PDU_FRAGMENT;
}

void commitment_scp_close(struct session *session) {
  struct session_commitment *own = &session->commitment;
  if (own->mail != NULL) commitment_mail_close(own->mail);
  if (own->mail != NULL && own->wait_fd >= 0) close(own->wait_fd);
  own->mail = NULL;
  own->reported = NULL;
}
