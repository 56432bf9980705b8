/*
 * Owns the sub-operations of one C-GET. Invariants:
 *  1. One C-STORE is under way at a time; between it and its response nothing but C-CANCEL may come.
 *  2. A peer that falls silent within a sub-operation is cut off as within any message.
 *  3. While the peer works on an object, the next one is opened: `prepared` items were opened, or failed to be.
 */
#include "get_scp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "retrieve.h"
#include "transcode_policy.h"

/* In which of the accepted contexts a kind goes out. */
struct choice {
  bool made;
  uint8_t context_id; /* 0: in none */
  char transfer_syntax[DICOM_UID_TEXT_MAX];
};

struct get {
  struct retrieve *retrieve;
  struct choice *choices;     /* one for each kind */
  size_t prepared;            /* items; the last of them may be open */
  struct store_object object; /* of the last one prepared, where `ready` */
  bool ready;
  struct retrieve_result result; /* of the last one prepared, where not ready */
};

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

static void choose(const struct retrieve *retrieve, const struct store_kind *kind, struct choice *choice) {
  struct dicom_provided provided[DICOM_CONTEXTS_MAX];
  const char *accepted[DICOM_CONTEXTS_MAX];
  const size_t count = dicom_association_provided(retrieve->session->association, kind->sop_class_uid, provided);
  for (size_t i = 0; i < count; i++) accepted[i] = provided[i].transfer_syntax;
  const size_t chosen = transcode_choose(kind->transfer_syntax_uid, accepted, count);
  choice->made = true;
  if (chosen == count) return;
  choice->context_id = provided[chosen].id;
  snprintf(choice->transfer_syntax, sizeof choice->transfer_syntax, "%s", provided[chosen].transfer_syntax);
}

/* Opens the next item, unless it is prepared already or there is none. */
static void prepare(struct get *get, size_t index) {
  struct retrieve *retrieve = get->retrieve;
  if (index < get->prepared || index >= retrieve->selection.count) return;
  const struct retrieve_item *item = &retrieve->selection.items[index];
  struct choice *choice = &get->choices[item->kind];
  if (!choice->made) choose(retrieve, &retrieve->selection.kinds[item->kind], choice);
  get->prepared = index + 1;
  get->ready =
      choice->context_id != 0 && retrieve_open(retrieve, item, choice->transfer_syntax, &get->object, &get->result);
  if (choice->context_id == 0)
    retrieve_fail(&get->result, "no context for its SOP class in a transfer syntax that it can be given");
}

/* Sends the item that is open, and opens the next one while the peer works on it. */
static void send_open(struct get *get, const struct retrieve_item *item, struct retrieve_result *result) {
  struct retrieve *retrieve = get->retrieve;
  struct dimse_command request = retrieve_store_request(retrieve, item), response;
  request.message_id = (uint16_t)(retrieve->done % UINT16_MAX + 1);
  bool damaged;
  const cas_status sent = store_scu_send(&retrieve->writer, get->choices[item->kind].context_id, &request, &get->object,
                                         &damaged, retrieve->error);
  store_object_close(&get->object);
  if (sent != CAS_OK) {
    retrieve->ended = damaged ? message_protocol_error(retrieve->error, "stored bytes are damaged") : PDU_CLOSED;
    retrieve_fail(result, damaged ? "its stored bytes are damaged" : "the connection ended");
    return;
  }
  prepare(get, retrieve->done + 1);
  if (await_response(retrieve, request.message_id, &response))
    retrieve_answered(result, "the peer", &response);
  else
    retrieve_fail(result, "no response came");
}

static void get_item(struct get *get) {
  struct retrieve *retrieve = get->retrieve;
  const struct retrieve_item *item = &retrieve->selection.items[retrieve->done];
  prepare(get, retrieve->done);
  struct retrieve_result result = get->result;
  if (get->ready) send_open(get, item, &result);
  retrieve_account(retrieve, item, &result);
}

static enum pdu_event get_all(struct retrieve *retrieve) {
  struct get get = {.retrieve = retrieve};
  get.choices = calloc(retrieve->selection.kind_count + 1, sizeof *get.choices);
  if (get.choices == NULL) return retrieve_refuse(retrieve, DIMSE_OUT_OF_RESOURCES, "out of memory");
  while (retrieve->done < retrieve->selection.count && retrieve_goes_on(retrieve)) {
    if (retrieve->done > 0) retrieve_pending(retrieve, false);
    if (retrieve->ended == PDU_FRAGMENT) get_item(&get);
  }
  store_object_fini(&get.object);
  free(get.choices);
  return retrieve_finish(retrieve);
}

enum pdu_event get_scp_serve(struct session *session, uint8_t context_id, const struct dimse_command *request,
                             struct cas_error *error) {
  struct retrieve *retrieve;
  enum pdu_event event;
  retrieve = retrieve_create(session, context_id, request, "C-GET", error, &event);
  if (retrieve == NULL) return event;
  event = retrieve_select(retrieve, GET_PATIENT_ROOT_UID) ? get_all(retrieve) : retrieve->ended;
  retrieve_destroy(retrieve);
  return event;
}
