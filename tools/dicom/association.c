/*
 * Owns one association. States:
 *
 *   connected -> negotiating -> idle <-> in a message -> released | aborted | closed
 *
 * Invariants:
 *  1. Between messages, and only there, the association heeds the node's stop.
 *  2. Every association that was received leaves one line in the log.
 */
#include "association.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commitment.h"
#include "commitment_scp.h"
#include "find_scp.h"
#include "get_scp.h"
#include "message.h"
#include "move_scp.h"
#include "node_views.h"
#include "storage_scp.h"
#include "verification_scp.h"

void session_log(const struct session *session, enum cas_log_level level, const char *format, ...) {
  const struct dicom_server_options *options = &session->node->options;
  if (options->log == NULL) return;
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  options->log(options->log_arg, level, line);
}

cas_status session_respond(struct session *session, uint8_t context_id, const struct dimse_command *request,
                           enum dimse_status status, const char *comment, struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer command = {0}, bytes = {0};
  node_count_answer(&session->node->counters, request, status);
  cas_status encoded = dimse_response_encode(request, status, comment, &command);
  if (encoded == CAS_OK) {
    const struct cas_slice slice = {.data = command.data, .size = command.size};
    encoded = pdu_encode_command(context_id, slice, dicom_association_peer_pdu_bytes(session->association), &bytes);
  }
  if (encoded != CAS_OK) return encoded;
  return dicom_association_send(session->association, (struct cas_slice){.data = bytes.data, .size = bytes.size},
                                error);
}

bool session_is_stopping(const struct session *session) {
  struct pollfd stop = {.fd = session->node->stop_fd, .events = POLLIN};
  return poll(&stop, 1, 0) > 0;
}

void session_keep_pace(struct session *session, uint64_t objects, uint64_t bytes) {
  const int64_t delay_ns = access_delay_ns(&session->grant, objects, bytes);
  struct pollfd stop = {.fd = session->node->stop_fd, .events = POLLIN};
  if (delay_ns > 1000000) (void)poll(&stop, 1, (int)(delay_ns / 1000000));
}

enum pdu_event session_read_data(struct session *session, uint8_t context_id, struct pdu_fragment *fragment,
                                 struct cas_error *error) {
  return message_read_fragment(&session->stream, context_id, fragment, error);
}

/* --- negotiation --- */

/* The right that a presentation context needs; 0: none. A peer that gets objects is the provider of their storage. */
static unsigned right_for(const struct session *session, const struct dicom_proposed_context *proposed) {
  const char *uid = proposed->abstract_syntax;
  if (strcmp(uid, "1.2.840.10008.1.1") == 0) return 0;
  if (strcmp(uid, COMMITMENT_CLASS_UID) == 0) return PEER_COMMIT;
  if (!negotiation_is_query(uid)) {
    return proposed->requestor_provides && (session->grant.rights & PEER_GET) != 0 ? PEER_GET : PEER_STORE;
  }
  const char kind = uid[strlen(uid) - 1]; /* PS3.6 A: FIND ends with 1, MOVE with 2, GET with 3 */
  return kind == '1' ? PEER_FIND : kind == '2' ? PEER_MOVE : PEER_GET;
}

static cas_status negotiate_context(struct session *session, const struct dicom_proposed_context *proposed,
                                    struct cas_error *error) {
  struct dicom_association *association = session->association;
  const unsigned right = right_for(session, proposed);
  const char *uid = proposed->abstract_syntax;
  const bool commitment = strcmp(uid, COMMITMENT_CLASS_UID) == 0 && session->node->commitments != NULL;
  if (proposed->transfer_syntax_count == 0 || (!commitment && !negotiation_accepts(uid, dicom_uid_kind_of(uid)))) {
    return dicom_association_refuse_context(association, proposed->id, DICOM_REFUSE_SYNTAX, error);
  }
  if ((session->grant.rights & right) != right)
    return dicom_association_refuse_context(association, proposed->id, DICOM_REFUSE_USER, error);
  const char *offered[DICOM_TRANSFER_SYNTAXES_MAX];
  for (size_t i = 0; i < proposed->transfer_syntax_count; i++) offered[i] = proposed->transfer_syntaxes[i];
  if (commitment || negotiation_is_query(uid)) {
    const char *plain = negotiation_choose_plain(offered, proposed->transfer_syntax_count);
    if (plain == NULL) return dicom_association_refuse_context(association, proposed->id, DICOM_REFUSE_SYNTAX, error);
    return dicom_association_accept_context(association, proposed->id, plain, false, error);
  }
  const size_t chosen = negotiation_choose(offered, proposed->transfer_syntax_count);
  return dicom_association_accept_context(association, proposed->id, offered[chosen], true, error);
}

static cas_status negotiate(struct session *session, struct cas_error *error) {
  struct dicom_association *association = session->association;
  struct dicom_proposed_context *proposed = malloc(sizeof *proposed);
  if (proposed == NULL) return CAS_NO_MEMORY;
  cas_status status = CAS_OK;
  const size_t count = dicom_association_context_count(association);
  for (size_t i = 0; i < count && status == CAS_OK; i++) {
    status = dicom_association_context(association, i, proposed);
    if (status == CAS_OK) status = negotiate_context(session, proposed, error);
  }
  free(proposed);
  if (status != CAS_OK) return status;
  status = dicom_association_answer_extended(association, error);
  if (status != CAS_OK) return status;
  return dicom_association_acknowledge(association, error);
}

/* --- messages --- */

/* An operation that we do not provide, or not to this peer: passes over its data set and says so. */
static enum pdu_event decline(struct session *session, uint8_t context_id, const struct dimse_command *request,
                              enum dimse_status status, struct cas_error *error) {
  struct pdu_fragment fragment = {.last = !request->has_data_set};
  while (!fragment.last) {
    const enum pdu_event event = session_read_data(session, context_id, &fragment, error);
    if (event != PDU_FRAGMENT) return event;
  }
  if (request->field == DIMSE_C_CANCEL_RQ) return PDU_FRAGMENT; /* nothing runs that it could cancel */
  if (request->field & DIMSE_RESPONSE_BIT) return message_protocol_error(error, "a response to nothing that was asked");
  const cas_status sent = session_respond(session, context_id, request, status, NULL, error);
  return sent == CAS_OK ? PDU_FRAGMENT : PDU_CLOSED;
}

static unsigned right_of(uint16_t field) {
  switch (field) {
  case DIMSE_C_STORE_RQ: return PEER_STORE;
  case DIMSE_C_FIND_RQ: return PEER_FIND;
  case DIMSE_C_GET_RQ: return PEER_GET;
  case DIMSE_C_MOVE_RQ: return PEER_MOVE;
  case DIMSE_N_ACTION_RQ: return PEER_COMMIT;
  default: return 0;
  }
}

static enum pdu_event serve_command(struct session *session, uint8_t context_id, const struct dimse_command *command,
                                    struct cas_error *error) {
  const unsigned right = right_of(command->field);
  if ((session->grant.rights & right) != right) {
    session_log(session, CAS_LOG_WARNING, "%s: operation %04X refused: the peer may not do that", session->source,
                command->field);
    association_audit_alert(session, "the peer may not do what it asked for");
    return decline(session, context_id, command, DIMSE_NOT_AUTHORIZED, error);
  }
  if (command->field == DIMSE_C_STORE_RQ) return storage_scp_serve(session, context_id, command, error);
  if (command->field == DIMSE_C_FIND_RQ) return find_scp_serve(session, context_id, command, error);
  if (command->field == DIMSE_C_GET_RQ) return get_scp_serve(session, context_id, command, error);
  if (command->field == DIMSE_C_MOVE_RQ) return move_scp_serve(session, context_id, command, error);
  if (command->field == DIMSE_N_ACTION_RQ) return commitment_scp_serve(session, context_id, command, error);
  if (command->field == (DIMSE_N_EVENT_REPORT_RQ | DIMSE_RESPONSE_BIT))
    return commitment_scp_answered(session, command, error);
  if (command->field == DIMSE_C_ECHO_RQ && !command->has_data_set) {
    return verification_scp_serve(session, context_id, command, error) == CAS_OK ? PDU_FRAGMENT : PDU_CLOSED;
  }
  return decline(session, context_id, command, DIMSE_UNRECOGNIZED_OPERATION, error);
}

static enum pdu_event serve_message(struct session *session, struct cas_buffer *bytes, struct cas_error *error) {
  uint8_t context_id = 0;
  struct dimse_command command;
  const enum pdu_event event = message_read_command(&session->stream, bytes, &context_id, &command, error);
  if (event != PDU_FRAGMENT) return event;
  const int64_t began_ns = node_counters_now_ns();
  const enum pdu_event served = serve_command(session, context_id, &command, error);
  node_count_request(&session->node->counters, command.field, began_ns);
  return served;
}

/* The last PDU of an association. */
static void send_last(struct session *session, const uint8_t pdu[PDU_SHORT_BYTES]) {
  struct cas_error error = {0};
  const struct cas_slice bytes = {.data = pdu, .size = PDU_SHORT_BYTES};
  if (dicom_association_send(session->association, bytes, &error) == CAS_OK)
    dicom_association_linger(session->association);
}

static enum dicom_wait wait_for_message(struct session *session) {
  if (pdu_stream_has_input(&session->stream)) return DICOM_WAIT_READY;
  const int fd = commitment_wait_fd(session);
  return dicom_association_wait(session->association, session->node->options.idle_seconds, fd);
}

/* Serves messages until the association ends; returns how, in words. */
static const char *serve_messages(struct session *session, struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer command = {0};
  for (;;) {
    cas_status reported;
    if (commitment_scp_report(session, &reported, error) && reported != CAS_OK) return "connection lost";
    const enum dicom_wait waited = wait_for_message(session);
    if (waited == DICOM_WAIT_STOP && !session_is_stopping(session)) continue; /* an answer is there */
    if (waited != DICOM_WAIT_READY) {
      send_last(session, pdu_abort_user);
      return waited == DICOM_WAIT_STOP ? "aborted: stopping" : "aborted: idle for too long";
    }
    switch (serve_message(session, &command, error)) {
    case PDU_FRAGMENT: break;
    case PDU_RELEASE_REQUESTED: send_last(session, pdu_release_response); return "released";
    case PDU_ABORTED: return "aborted by the peer";
    case PDU_CLOSED:
      if (!dicom_association_timed_out(session->association)) return "connection lost";
      send_last(session, pdu_abort_user);
      return "aborted: silent for too long";
    case PDU_PROTOCOL: send_last(session, pdu_abort_provider); return "aborted: protocol error";
    }
  }
}

/* --- the whole --- */

/* AE titles come from the network: spaces around are cut, what could spoil a log or a terminal becomes '?'. */
static void copy_title(const char *title, char text[DICOM_AE_TITLE_TEXT_MAX]) {
  while (*title == ' ') title++;
  size_t size = strnlen(title, DICOM_AE_TITLE_TEXT_MAX - 1);
  while (size > 0 && title[size - 1] == ' ') size--;
  for (size_t i = 0; i < size; i++) text[i] = (title[i] < ' ' || title[i] >= 0x7F) ? '?' : title[i];
  text[size] = '\0';
}

static double seconds_since(const struct timespec *start) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void log_end(const struct session *session, const char *how, const struct cas_error *error, double seconds) {
  const struct association_tally *tally = &session->tally;
  const bool protocol = error->status == CAS_REFUSED; /* others say no more than `how` */
  session_log(session, CAS_LOG_NOTICE,
              "association %s: %s%s%s; %" PRIu64 " stored, %" PRIu64 " duplicates, %" PRIu64 " new versions, %" PRIu64
              " refused, %" PRIu64 " failed, %" PRIu64 " echoes, %.1f MB in %.2f s",
              session->source, how, protocol ? ": " : "", protocol ? error->message : "", tally->stored,
              tally->duplicates, tally->new_versions, tally->refused, tally->failed, tally->echoes,
              (double)tally->received_bytes / 1e6, seconds);
}

static void release_claim(struct session *session) {
  atomic_fetch_sub(&session->node->counters.associations_open, 1);
  access_leave(&session->grant);
}

/* Takes one of the associations that are allowed at once, to all and to this peer. False: how many there are. */
static bool claim(struct session *session, unsigned *limit) {
  struct dicom_node *node = session->node;
  if (!access_enter(&session->grant)) {
    *limit = session->grant.peer->associations_max;
    return false;
  }
  if (atomic_fetch_add(&node->counters.associations_open, 1) < node->options.associations_max) return true;
  release_claim(session);
  *limit = node->options.associations_max;
  return false;
}

static void reject(struct session *session, enum dicom_reject why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void reject(struct session *session, enum dicom_reject why, const char *format, ...) {
  static const enum node_counter counters[] = {[DICOM_REJECT_CALLED_TITLE] = NODE_REJECTED_CALLED,
                                               [DICOM_REJECT_CALLING_TITLE] = NODE_REJECTED_CALLING,
                                               [DICOM_REJECT_LOCAL_LIMIT] = NODE_REJECTED_LIMIT};
  char reason[128];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  node_count(&session->node->counters, counters[why], 1);
  dicom_association_reject(session->association, why);
  association_audit_alert(session, reason);
  session_log(session, CAS_LOG_WARNING, "association %s: rejected: %s", session->source, reason);
}

/* Shows the peer the part of the archive that answers at the title. */
static void enter(struct session *session, const struct node_title *title) {
  session->store = title->store;
  session->aet = title->aet;
  if (title->view != NULL && !title->view->store) session->grant.rights &= ~(unsigned)(PEER_STORE | PEER_REJECT);
}

/* Lets the association in, or rejects it. */
static bool admit(struct session *session) {
  const struct dicom_node *node = session->node;
  char called[DICOM_AE_TITLE_TEXT_MAX];
  struct node_title title;
  copy_title(dicom_association_called(session->association), called);
  unsigned limit;
  const char *unknown = access_judge(&node->access, session->calling, session->address, &session->grant);
  const struct dicom_peer *known = session->grant.peer;
  if (unknown == NULL && known != NULL && known->certificate[0] != '\0' &&
      !dicom_association_has_certificate(session->association, known->certificate))
    unknown = "it shows another certificate than configured, or none";
  if (unknown != NULL) {
    reject(session, DICOM_REJECT_CALLING_TITLE, "%s", unknown);
  } else if (!node_title_find(node, called, &title)) {
    reject(session, DICOM_REJECT_CALLED_TITLE, "it called %s", called);
  } else if (known != NULL && !peer_may_call(known, title.aet)) {
    reject(session, DICOM_REJECT_CALLED_TITLE, "it called %s, which it may not", called);
  } else if (!claim(session, &limit)) {
    reject(session, DICOM_REJECT_LOCAL_LIMIT, "%u associations are open", limit);
  } else {
    enter(session, &title);
    return true;
  }
  return false;
}

static ssize_t receive(void *association, void *bytes, size_t size) {
  return dicom_association_recv(association, bytes, size);
}

static void serve_association(struct session *session) {
  struct dicom_node *node = session->node;
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  node_count(&node->counters, NODE_ASSOCIATIONS_ACCEPTED, 1);
  association_audit_login(session);
  struct cas_error error = {0};
  const char *how = "negotiation failed";
  if (pdu_stream_init(&session->stream, node->options.pdu_bytes_max, receive, session->association) == CAS_OK) {
    if (negotiate(session, &error) == CAS_OK) how = serve_messages(session, &error);
    pdu_stream_fini(&session->stream);
  }
  commitment_scp_close(session);
  release_claim(session);
  association_audit_flush_received(session);
  log_end(session, how, &error, seconds_since(&start));
}

void association_serve(struct dicom_node *node, int fd, struct tls_context *tls, const char *peer) {
  struct session session = {.node = node, .address = peer, .store = node->store, .aet = node->options.aet};
  if (!access_admits_address(&node->access, peer)) {
    close(fd);
    node_count(&node->counters, NODE_REJECTED_ADDRESS, 1);
    connection_audit_alert(node->options.audit, peer, "no peer has that address");
    session_log(&session, CAS_LOG_WARNING, "connection from %s closed at once: no peer has that address", peer);
    return;
  }
  struct cas_error error = {0};
  const struct dicom_timeouts timeouts = {.negotiation_seconds = node->options.negotiation_seconds,
                                          .message_seconds = node->options.message_seconds};
  if (dicom_association_receive(node->network, fd, tls, &timeouts, &session.association, &error) == CAS_OK) {
    copy_title(dicom_association_calling(session.association), session.calling);
    snprintf(session.source, sizeof session.source, "%s@%s", session.calling, peer);
    if (admit(&session)) serve_association(&session);
  } else {
    node_count(&node->counters, NODE_CONNECTIONS_FAILED, 1);
    if (error.status == CAS_REFUSED) connection_audit_alert(node->options.audit, peer, error.message);
    session_log(&session, CAS_LOG_NOTICE, "connection from %s: %s", peer, error.message);
  }
  dicom_association_destroy(session.association);
}
