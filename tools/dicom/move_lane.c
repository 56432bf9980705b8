/*
 * Owns the association of one lane. Invariants:
 *  1. There is one association at a time, for a range of the move's kinds (store_proposal.h).
 *  2. A lost association fails the item under way and no other, unless no new one comes about MOVE_LOSSES_MAX times.
 *  3. Every instance that a lane has taken is accounted for once: by the lane, or when it is cut off.
 */
#include "move_lane.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "move_scp.h"

/* --- the association --- */

static void set_requestor(struct move_lane *lane, struct requestor *requestor) {
  pthread_mutex_lock(&lane->move->lock);
  lane->requestor = requestor;
  if (requestor != NULL && lane->move->closed) requestor_interrupt(requestor);
  pthread_mutex_unlock(&lane->move->lock);
}

static cas_status open_for(struct move_lane *lane, size_t kind) {
  const struct retrieve_selection *selection = &lane->move->retrieve->selection;
  const struct dicom_node *node = lane->move->retrieve->session->node;
  const struct dicom_peer *destination = lane->move->destination;
  store_proposal_make(selection->kinds, selection->kind_count, kind, lane->fallbacks, &lane->proposal);
  const struct requestor_options options = {
      .host = destination->host,
      .port = destination->port,
      .tls = destination->tls ? node->options.tls : NULL,
      .certificate = destination->certificate[0] != '\0' ? destination->certificate : NULL,
      .timeouts = {.negotiation_seconds = node->options.negotiation_seconds,
                   .message_seconds = node->options.message_seconds},
      .response_seconds = node->options.message_seconds,
      .proposal = {.calling = node->options.aet,
                   .called = destination->aet,
                   .contexts = lane->proposal.contexts,
                   .context_count = lane->proposal.context_count},
  };
  struct requestor *opened = NULL;
  const cas_status status = requestor_open(&options, &opened, &lane->reason);
  if (status == CAS_OK) set_requestor(lane, opened);
  return status;
}

static void lose(struct move_lane *lane) {
  struct requestor *lost = lane->requestor;
  set_requestor(lane, NULL);
  requestor_abort(lost);
  lane->losses++;
}

/* It may be interrupted while it waits for the destination's goodbye. */
static void release(struct move_lane *lane) {
  struct requestor *released = lane->requestor;
  requestor_part(released);
  set_requestor(lane, NULL);
  requestor_destroy(released);
}

/* Has an association for the kind, or returns false. */
static bool have_association(struct move_lane *lane, size_t kind) {
  const struct store_proposal *proposal = &lane->proposal;
  const bool fits = kind >= proposal->first && kind < proposal->end && proposal->fallbacks == lane->fallbacks;
  if (lane->requestor != NULL && !fits) release(lane);
  if (lane->requestor == NULL && lane->losses < MOVE_LOSSES_MAX && open_for(lane, kind) != CAS_OK)
    lane->losses = MOVE_LOSSES_MAX;
  return lane->requestor != NULL;
}

/* A store_accepted_fn. */
static int accepted(const void *requestor, size_t context) {
  size_t syntax;
  return requestor_context(requestor, context, &syntax) != 0 ? (int)syntax : -1;
}

/* Has an association in which the kind finds a route. */
static bool find_route(struct move_lane *lane, const struct retrieve_item *item, struct store_route *route,
                       struct retrieve_result *result) {
  const struct store_kind *kind = &lane->move->retrieve->selection.kinds[item->kind];
  for (;;) {
    if (!have_association(lane, item->kind)) {
      retrieve_fail(result, lane->reason.message);
      return false;
    }
    if (store_proposal_route(&lane->proposal, kind, accepted, lane->requestor, route)) return true;
    if (!store_proposal_may_fall_back(&lane->proposal, kind)) break;
    lane->fallbacks = true;
  }
  retrieve_fail(result, "the destination takes its SOP class in no transfer syntax that it can be given");
  return false;
}

/* --- sending --- */

/* Sends the object that is open and reads the response. */
static cas_status exchange(struct move_lane *lane, const struct retrieve_item *item, uint8_t context_id,
                           struct dimse_command *response) {
  const struct retrieve *retrieve = lane->move->retrieve;
  struct dimse_command request = retrieve_store_request(retrieve, item);
  request.message_id = requestor_next_message_id(lane->requestor);
  request.move_originator_id = retrieve->request->message_id;
  snprintf(request.move_originator, sizeof request.move_originator, "%.*s",
           (int)strcspn(retrieve->session->source, "@"), retrieve->session->source);
  struct pdu_writer *writer = requestor_writer(lane->requestor);
  bool damaged, whole;
  cas_status status = store_scu_send(writer, context_id, &request, &lane->object, &damaged, &lane->reason);
  if (status != CAS_OK) return status;
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer data = {0};
  status = requestor_receive(lane->requestor, &context_id, response, 0, &data, &whole, &lane->reason);
  const bool answers = status == CAS_OK && response->field == (DIMSE_C_STORE_RQ | DIMSE_RESPONSE_BIT) &&
                       response->responded_to == request.message_id;
  if (status == CAS_OK && !answers) {
    snprintf(lane->reason.message, sizeof lane->reason.message, "the destination answers something else");
    return CAS_REFUSED;
  }
  return status;
}

static void send_item(struct move_lane *lane, const struct retrieve_item *item, struct retrieve_result *result) {
  const struct retrieve *retrieve = lane->move->retrieve;
  const struct store_kind *kind = &retrieve->selection.kinds[item->kind];
  if (kind->transfer_syntax_uid[0] == '\0') {
    retrieve_fail(result, "its transfer syntax is unknown");
    return;
  }
  struct store_route route;
  if (!find_route(lane, item, &route, result)) return;
  if (!retrieve_open(retrieve, item, route.transfer_syntax, &lane->object, result)) return;
  size_t syntax;
  struct dimse_command response;
  const uint8_t context_id = requestor_context(lane->requestor, route.context, &syntax);
  if (exchange(lane, item, context_id, &response) == CAS_OK) {
    retrieve_answered(result, "the destination", &response);
  } else {
    retrieve_fail(result, lane->reason.message);
    lose(lane);
  }
  store_object_close(&lane->object);
}

/* --- the thread --- */

static const struct retrieve_item *take_item(struct move_lane *lane) {
  struct move *move = lane->move;
  const struct retrieve_selection *selection = &move->retrieve->selection;
  pthread_mutex_lock(&move->lock);
  if (!move->stop && move->next < selection->count) lane->item = &selection->items[move->next++];
  const struct retrieve_item *item = lane->item;
  pthread_mutex_unlock(&move->lock);
  return item;
}

static void tell(const struct move *move) {
  const uint64_t one = 1;
  (void)!write(move->progress_fd, &one, sizeof one);
}

static void account(struct move_lane *lane, const struct retrieve_result *result) {
  struct move *move = lane->move;
  pthread_mutex_lock(&move->lock);
  if (lane->item != NULL) retrieve_account(move->retrieve, lane->item, result);
  lane->item = NULL;
  pthread_mutex_unlock(&move->lock);
  tell(move);
}

static void *lane_main(void *arg) {
  struct move_lane *lane = arg;
  struct move *move = lane->move;
  const struct retrieve_item *item;
  pthread_setname_np(pthread_self(), "dicom-move");
  while ((item = take_item(lane)) != NULL) {
    struct retrieve_result result = {0};
    send_item(lane, item, &result);
    account(lane, &result);
  }
  release(lane);
  store_object_fini(&lane->object);
  pthread_mutex_lock(&move->lock);
  move->running--;
  pthread_mutex_unlock(&move->lock);
  tell(move);
  return NULL;
}

bool move_lane_start(struct move_lane *lane, struct move *move) {
  *lane = (struct move_lane){.move = move};
  pthread_mutex_lock(&move->lock);
  move->running++;
  pthread_mutex_unlock(&move->lock);
  if (pthread_create(&lane->thread, NULL, lane_main, lane) == 0) return true;
  pthread_mutex_lock(&move->lock);
  move->running--;
  pthread_mutex_unlock(&move->lock);
  return false;
}

void move_lane_cut_off(struct move_lane *lane) {
  struct retrieve_result result = {0};
  retrieve_fail(&result, "it was cut off");
  if (lane->item != NULL) retrieve_account(lane->move->retrieve, lane->item, &result);
  lane->item = NULL;
  if (lane->requestor != NULL) requestor_interrupt(lane->requestor);
}

void move_lane_join(struct move_lane *lane) { (void)pthread_join(lane->thread, NULL); }
