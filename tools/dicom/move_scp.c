/*
 * Owns the sub-operations of one C-MOVE and the association with its destination. Invariants:
 *  1. An association proposes a context for each kind of a range of PROPOSAL_CONTEXTS_MAX, each with one transfer
 * syntax, so that the destination takes or refuses each for itself. There is one association at a time.
 *  2. A lost association fails the item under way and no other, unless no new one comes about.
 */
#include "move_scp.h"

#include <stdio.h>
#include <string.h>

#include "requestor.h"
#include "retrieve.h"

struct move {
  struct retrieve *retrieve;
  const struct dicom_peer *destination;
  struct requestor *requestor; /* NULL while there is none */
  size_t first_kind;           /* of the range that was proposed */
  unsigned losses;             /* associations that did not come about, or were lost */
  struct cas_error reason;     /* of the last loss */
};

static size_t range_of(size_t kind) { return kind - kind % PROPOSAL_CONTEXTS_MAX; }

/* Opens an association for the range of `kind`. */
static cas_status open_for(struct move *move, size_t kind) {
  const struct retrieve_selection *selection = &move->retrieve->selection;
  const struct dicom_node *node = move->retrieve->session->node;
  struct proposal_context contexts[PROPOSAL_CONTEXTS_MAX];
  size_t count = 0;
  move->first_kind = range_of(kind);
  for (size_t i = move->first_kind; i < selection->kind_count && count < PROPOSAL_CONTEXTS_MAX; i++) {
    contexts[count++] = (struct proposal_context){.abstract_syntax = selection->kinds[i].sop_class_uid,
                                                  .transfer_syntaxes = {selection->kinds[i].transfer_syntax_uid},
                                                  .transfer_syntax_count = 1};
  }
  const struct requestor_options options = {
      .host = move->destination->host,
      .port = move->destination->port,
      .timeouts = {.negotiation_seconds = node->options.negotiation_seconds,
                   .message_seconds = node->options.message_seconds},
      .response_seconds = node->options.message_seconds,
      .proposal = {.calling = node->options.aet,
                   .called = move->destination->aet,
                   .contexts = contexts,
                   .context_count = count},
  };
  return requestor_open(&options, &move->requestor, &move->reason);
}

static void lose(struct move *move) {
  requestor_abort(move->requestor);
  move->requestor = NULL;
  move->losses++;
}

/* Sends the object that is open and reads the response. */
static cas_status exchange(struct move *move, const struct retrieve_item *item, uint8_t context_id,
                           struct dimse_command *response) {
  struct retrieve *retrieve = move->retrieve;
  struct dimse_command request = {.message_id = requestor_next_message_id(move->requestor),
                                  .move_originator_id = retrieve->request->message_id};
  snprintf(request.sop_class_uid, sizeof request.sop_class_uid, "%s",
           retrieve->selection.kinds[item->kind].sop_class_uid);
  snprintf(request.sop_instance_uid, sizeof request.sop_instance_uid, "%s", retrieve_uid(&retrieve->selection, item));
  snprintf(request.move_originator, sizeof request.move_originator, "%.*s",
           (int)strcspn(retrieve->session->source, "@"), retrieve->session->source);
  struct pdu_writer *writer = requestor_writer(move->requestor);
  bool damaged, whole;
  cas_status status = store_scu_send(writer, context_id, &request, &retrieve->object, &damaged, &move->reason);
  if (status != CAS_OK) return status;
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer data = {0};
  status = requestor_receive(move->requestor, &context_id, response, 0, &data, &whole, &move->reason);
  const bool answers = status == CAS_OK && response->field == (DIMSE_C_STORE_RQ | DIMSE_RESPONSE_BIT) &&
                       response->responded_to == request.message_id;
  if (status == CAS_OK && !answers) {
    snprintf(move->reason.message, sizeof move->reason.message, "the destination answers something else");
    return CAS_REFUSED;
  }
  return status;
}

static void send_open(struct move *move, const struct retrieve_item *item, uint8_t context_id) {
  struct dimse_command response;
  if (exchange(move, item, context_id, &response) != CAS_OK) {
    retrieve_account(move->retrieve, item, STORE_FAILED, move->reason.message);
    lose(move);
    return;
  }
  char reason[sizeof response.error_comment + 48];
  snprintf(reason, sizeof reason, "the destination answers %04X %s", response.status, response.error_comment);
  retrieve_account(move->retrieve, item, store_outcome_of(response.status), reason);
}

static void send_item(struct move *move, const struct retrieve_item *item) {
  struct retrieve *retrieve = move->retrieve;
  if (retrieve->selection.kinds[item->kind].transfer_syntax_uid[0] == '\0') {
    retrieve_account(retrieve, item, STORE_FAILED, "its transfer syntax is unknown");
    return;
  }
  if (move->requestor != NULL && range_of(item->kind) != move->first_kind) {
    requestor_release(move->requestor);
    move->requestor = NULL;
  }
  if (move->requestor == NULL && move->losses < MOVE_LOSSES_MAX && open_for(move, item->kind) != CAS_OK)
    move->losses = MOVE_LOSSES_MAX;
  if (move->requestor == NULL) {
    retrieve_account(retrieve, item, STORE_FAILED, move->reason.message);
    return;
  }
  size_t syntax;
  const uint8_t context_id = requestor_context(move->requestor, item->kind - move->first_kind, &syntax);
  if (context_id == 0) {
    retrieve_account(retrieve, item, STORE_FAILED, "the destination does not take its SOP class and transfer syntax");
  } else if (retrieve_open(retrieve, item)) {
    send_open(move, item, context_id);
    store_object_close(&retrieve->object);
  }
}

static enum pdu_event move_all(struct retrieve *retrieve, const struct dicom_peer *destination) {
  struct move move = {.retrieve = retrieve, .destination = destination};
  while (retrieve->done < retrieve->selection.count && retrieve_goes_on(retrieve))
    send_item(&move, &retrieve->selection.items[retrieve->done]);
  requestor_release(move.requestor);
  return retrieve_finish(retrieve);
}

enum pdu_event move_scp_serve(struct session *session, uint8_t context_id, const struct dimse_command *request,
                              struct cas_error *error) {
  enum pdu_event event;
  struct retrieve *retrieve = retrieve_create(session, context_id, request, "C-MOVE", error, &event);
  if (retrieve == NULL) return event;
  const struct dicom_server_options *options = &session->node->options;
  const struct dicom_peer *destination = peer_find(options->peers, options->peer_count, request->move_destination);
  if (destination == NULL) {
    session_log(session, CAS_LOG_WARNING, "%s: C-MOVE refused: the destination %s is not among the peers",
                session->source, request->move_destination);
    event = retrieve_refuse(retrieve, DIMSE_MOVE_DESTINATION_UNKNOWN, "the move destination is not configured");
  } else if (retrieve_select(retrieve, MOVE_PATIENT_ROOT_UID)) {
    retrieve->destination = destination;
    event = move_all(retrieve, destination);
  } else {
    event = retrieve->ended;
  }
  retrieve_destroy(retrieve);
  return event;
}
