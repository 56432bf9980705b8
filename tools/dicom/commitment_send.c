/* Owns one association at a time. */
#include "commitment_send.h"

#include <stdio.h>

#include "requestor.h"

#define CONNECT_SECONDS 5
#define NEGOTIATION_SECONDS 10
#define RESPONSE_SECONDS 30

cas_status commitment_event_encode(const struct commitment *commitment, uint16_t message_id,
                                   struct cas_buffer *command) {
  const struct dimse_command event = {.field = DIMSE_N_EVENT_REPORT_RQ,
                                      .message_id = message_id,
                                      .has_data_set = true,
                                      .sop_class_uid = COMMITMENT_CLASS_UID,
                                      .sop_instance_uid = COMMITMENT_INSTANCE_UID,
                                      .event_type = commitment_failures(commitment) > 0 ? 2 : 1};
  return dimse_request_encode(&event, command);
}

/* Who was asked, answers. */
static const char *title_of(const struct dicom_node *node, const struct commitment *commitment) {
  return commitment->called[0] != '\0' ? commitment->called : node->options.aet;
}

static cas_status exchange(struct requestor *requestor, const struct dicom_node *node,
                           const struct commitment *commitment, struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer command = {0}, data_set = {0}, answer = {0};
  size_t syntax = 0;
  const uint8_t context_id = requestor_context(requestor, 0, &syntax);
  if (context_id == 0) {
    snprintf(error->message, sizeof error->message, "the peer does not take storage commitment's answers");
    return CAS_REFUSED;
  }
  cas_status status = commitment_event_encode(commitment, requestor_next_message_id(requestor), &command);
  if (status == CAS_OK) status = commitment_report(commitment, syntax == 0, title_of(node, commitment), &data_set);
  if (status == CAS_OK)
    status = requestor_send(requestor, context_id, (struct cas_slice){.data = command.data, .size = command.size},
                            (struct cas_slice){.data = data_set.data, .size = data_set.size}, error);
  struct dimse_command response;
  uint8_t answered;
  bool whole;
  if (status == CAS_OK) status = requestor_receive(requestor, &answered, &response, 0, &answer, &whole, error);
  if (status != CAS_OK) return status;
  if (response.field == (DIMSE_N_EVENT_REPORT_RQ | DIMSE_RESPONSE_BIT) && response.status == DIMSE_SUCCESS)
    return CAS_OK;
  snprintf(error->message, sizeof error->message, "the peer answers %04X to the event", response.status);
  return CAS_REFUSED;
}

cas_status commitment_send(const struct dicom_node *node, const struct commitment *commitment,
                           struct cas_error *error) {
  const struct dicom_peer *peer = peer_find(node->options.peers, node->options.peer_count, commitment->aet);
  if (peer == NULL) {
    snprintf(error->message, sizeof error->message, "no destination is configured");
    return CAS_NOT_FOUND;
  }
  const struct proposal_context context = {.abstract_syntax = COMMITMENT_CLASS_UID,
                                           .transfer_syntaxes = {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2"},
                                           .transfer_syntax_count = 2,
                                           .provider = true};
  const struct requestor_options options = {
      .host = peer->host,
      .port = peer->port,
      .tls = peer->tls ? node->options.tls : NULL,
      .certificate = peer->certificate[0] != '\0' ? peer->certificate : NULL,
      .connect_seconds = CONNECT_SECONDS,
      .timeouts = {.negotiation_seconds = NEGOTIATION_SECONDS, .message_seconds = RESPONSE_SECONDS},
      .response_seconds = RESPONSE_SECONDS,
      .proposal = {.calling = title_of(node, commitment),
                   .called = peer->aet,
                   .contexts = &context,
                   .context_count = 1},
  };
  struct requestor *requestor = NULL;
  cas_status status = requestor_open(&options, &requestor, error);
  if (status != CAS_OK) return status;
  status = exchange(requestor, node, commitment, error);
  requestor_release(requestor);
  return status;
}
