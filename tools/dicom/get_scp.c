/*
 * Owns the sub-operations of one C-GET. Invariants:
 *  1. One C-STORE is under way at a time; between it and its response nothing but C-CANCEL may come.
 *  2. A peer that falls silent within a sub-operation is cut off as within any message.
 */
#include "get_scp.h"

#include <stdio.h>
#include <string.h>

#include "retrieve.h"

/* Reads until the response to `message_id` is there. False: the association ended. */
static bool await_response(struct retrieve *retrieve, uint16_t message_id, struct dimse_command *response) {
  struct session *session = retrieve->session;
  for (;;) {
    uint8_t context_id;
    retrieve->ended = message_read_command(&session->stream, &retrieve->bytes, &context_id, response, retrieve->error);
    if (retrieve->ended != PDU_FRAGMENT) return false;
    const bool answers = response->field == (DIMSE_C_STORE_RQ | DIMSE_RESPONSE_BIT) && !response->has_data_set &&
                         response->responded_to == message_id;
    if (answers) return true;
    retrieve_take_command(retrieve, response);
    if (retrieve->ended != PDU_FRAGMENT) return false;
  }
}

/* Sends the object that is open. */
static void send_open(struct retrieve *retrieve, const struct retrieve_item *item, uint8_t context_id) {
  const struct retrieve_kind *kind = &retrieve->selection.kinds[item->kind];
  struct dimse_command request = {.message_id = (uint16_t)(retrieve->done % UINT16_MAX + 1)}, response;
  snprintf(request.sop_class_uid, sizeof request.sop_class_uid, "%s", kind->sop_class_uid);
  snprintf(request.sop_instance_uid, sizeof request.sop_instance_uid, "%s", retrieve_uid(&retrieve->selection, item));
  bool damaged;
  if (store_scu_send(&retrieve->writer, context_id, &request, &retrieve->object, &damaged, retrieve->error) != CAS_OK) {
    retrieve->ended = damaged ? message_protocol_error(retrieve->error, "stored bytes are damaged") : PDU_CLOSED;
    retrieve_account(retrieve, item, STORE_FAILED, damaged ? "its stored bytes are damaged" : "the connection ended");
    return;
  }
  if (!await_response(retrieve, request.message_id, &response)) {
    retrieve_account(retrieve, item, STORE_FAILED, "no response came");
    return;
  }
  char reason[sizeof response.error_comment + 32];
  snprintf(reason, sizeof reason, "the peer answers %04X %s", response.status, response.error_comment);
  retrieve_account(retrieve, item, store_outcome_of(response.status), reason);
}

static void send_item(struct retrieve *retrieve, const struct retrieve_item *item) {
  const struct retrieve_kind *kind = &retrieve->selection.kinds[item->kind];
  const uint8_t context_id =
      dicom_association_provided(retrieve->session->association, kind->sop_class_uid, kind->transfer_syntax_uid);
  if (context_id == 0) {
    retrieve_account(retrieve, item, STORE_FAILED, "no context for its SOP class and transfer syntax");
  } else if (retrieve_open(retrieve, item)) {
    send_open(retrieve, item, context_id);
    store_object_close(&retrieve->object);
  }
}

enum pdu_event get_scp_serve(struct session *session, uint8_t context_id, const struct dimse_command *request,
                             struct cas_error *error) {
  enum pdu_event event;
  struct retrieve *retrieve = retrieve_create(session, context_id, request, "C-GET", error, &event);
  if (retrieve == NULL) return event;
  if (retrieve_select(retrieve, GET_PATIENT_ROOT_UID)) {
    while (retrieve->done < retrieve->selection.count && retrieve_goes_on(retrieve))
      send_item(retrieve, &retrieve->selection.items[retrieve->done]);
    event = retrieve_finish(retrieve);
  } else {
    event = retrieve->ended;
  }
  retrieve_destroy(retrieve);
  return event;
}
