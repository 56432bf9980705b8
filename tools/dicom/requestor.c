/*
 * Owns one outgoing association. States: connected -> negotiated -> released | aborted | broken.
 *
 * Invariants:
 *  1. Once a send or a read failed, `broken` is set, and the end sends nothing more than an abort.
 *  2. Message IDs are those of one association, in order, from 1.
 */
#include "requestor.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct requestor {
  struct dicom_association *association;
  struct pdu_stream stream;
  struct pdu_writer writer;
  struct cas_buffer command; /* of what was received last */
  struct proposal_answer answer;
  size_t context_count;
  unsigned response_seconds;
  uint16_t message_id;
  bool broken;
};

static cas_status fail(struct cas_error *error, cas_status status, int system_errno, const char *what,
                       const char *detail) {
  if (error != NULL) {
    error->status = status;
    error->system_errno = system_errno;
    snprintf(error->message, sizeof error->message, "%s%s%s", what, detail[0] != '\0' ? ": " : "", detail);
  }
  return status;
}

/* --- connecting --- */

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for a connect() under way; 0, or the errno of its failure. */
static int await_connection(int fd, int64_t end_ms) {
  for (;;) {
    const int64_t left = end_ms - now_ms();
    struct pollfd entry = {.fd = fd, .events = POLLOUT};
    const int ready = left > 0 ? poll(&entry, 1, (int)left) : 0;
    if (ready == 0) return ETIMEDOUT;
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return errno;
    int failed = 0;
    socklen_t size = sizeof failed;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 ? failed : errno;
  }
}

static int connect_one(const struct addrinfo *address, int64_t end_ms, int *fd) {
  const int made = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (made < 0) return errno;
  int failed = connect(made, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
  if (failed == EINPROGRESS || failed == EINTR) failed = await_connection(made, end_ms);
  if (failed != 0) {
    close(made);
    return failed;
  }
  *fd = made;
  return 0;
}

static cas_status connect_to(const struct requestor_options *options, int *fd, struct cas_error *error) {
  char port[8], where[300];
  snprintf(port, sizeof port, "%u", (unsigned)options->port);
  snprintf(where, sizeof where, "cannot connect to %.255s port %s", options->host, port);
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  struct addrinfo *addresses = NULL;
  const int unknown = getaddrinfo(options->host, port, &hints, &addresses);
  if (unknown != 0) return fail(error, CAS_IO, 0, where, gai_strerror(unknown));
  const int64_t end_ms = now_ms() + 1000 * (int64_t)(options->connect_seconds != 0 ? options->connect_seconds : 10);
  int failed = ENOENT;
  for (const struct addrinfo *at = addresses; at != NULL && failed != 0; at = at->ai_next)
    failed = connect_one(at, end_ms, fd);
  freeaddrinfo(addresses);
  if (failed == 0) return CAS_OK;
  return fail(error, failed == ETIMEDOUT ? CAS_BUSY : CAS_IO, failed, where, strerrordesc_np(failed));
}

/* --- negotiating --- */

static ssize_t receive(void *association, void *bytes, size_t size) {
  return dicom_association_recv(association, bytes, size);
}

static cas_status send_bytes(void *association, struct cas_slice bytes, struct cas_error *error) {
  return dicom_association_send(association, bytes, error);
}

static bool receive_all(struct dicom_association *association, uint8_t *bytes, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = dicom_association_recv(association, bytes + done, size - done);
    if (got <= 0) return false;
    done += (size_t)got;
  }
  return true;
}

static cas_status no_answer(const struct requestor *requestor, struct cas_error *error) {
  if (dicom_association_timed_out(requestor->association))
    return fail(error, CAS_BUSY, 0, "no answer to the association request within the time limit", "");
  return fail(error, CAS_IO, 0, "the peer closed the connection instead of answering the association request", "");
}

static cas_status read_answer(struct requestor *requestor, const struct proposal *proposal, struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer pdu = {0};
  uint8_t head[6];
  if (!receive_all(requestor->association, head, sizeof head)) return no_answer(requestor, error);
  const size_t size = proposal_answer_size(head);
  if (size == 0) return fail(error, CAS_REFUSED, 0, "the peer does not answer as a DICOM application", "");
  cas_status status = cas_buffer_reserve(&pdu, size);
  if (status != CAS_OK) return status;
  memcpy(pdu.data, head, sizeof head);
  if (!receive_all(requestor->association, pdu.data + sizeof head, size - sizeof head))
    return no_answer(requestor, error);
  const struct cas_slice whole = {.data = pdu.data, .size = size};
  return proposal_answer_parse(whole, proposal, &requestor->answer, error);
}

static cas_status negotiate(struct requestor *requestor, const struct proposal *proposal, struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer request = {0};
  cas_status status = proposal_encode(proposal, &request, error);
  if (status != CAS_OK) return status;
  const struct cas_slice bytes = {.data = request.data, .size = request.size};
  status = dicom_association_send(requestor->association, bytes, error);
  if (status == CAS_OK) status = read_answer(requestor, proposal, error);
  if (status != CAS_OK) return status;
  dicom_association_adopted(requestor->association);
  requestor->context_count = proposal->context_count;
  status = pdu_stream_init(&requestor->stream, proposal->pdu_bytes_max, receive, requestor->association);
  if (status != CAS_OK) return status;
  return pdu_writer_init(&requestor->writer, requestor->answer.peer_pdu_bytes_max, send_bytes, requestor->association);
}

void requestor_destroy(struct requestor *requestor) {
  if (requestor == NULL) return;
  pdu_stream_fini(&requestor->stream);
  pdu_writer_fini(&requestor->writer);
  cas_buffer_fini(&requestor->command);
  dicom_association_destroy(requestor->association);
  free(requestor);
}

static cas_status secure(struct requestor *requestor, const struct requestor_options *options,
                         struct cas_error *error) {
  const cas_status status = dicom_association_secure(requestor->association, options->tls, error);
  if (status != CAS_OK || options->certificate == NULL) return status;
  if (dicom_association_has_certificate(requestor->association, options->certificate)) return CAS_OK;
  return fail(error, CAS_REFUSED, 0, "the peer has another certificate than configured", "");
}

cas_status requestor_open(const struct requestor_options *options, struct requestor **requestor,
                          struct cas_error *error) {
  struct dicom_timeouts timeouts = options->timeouts;
  if (timeouts.negotiation_seconds == 0) timeouts.negotiation_seconds = 30;
  if (timeouts.message_seconds == 0) timeouts.message_seconds = 60;
  struct proposal proposal = options->proposal;
  if (proposal.pdu_bytes_max == 0) proposal.pdu_bytes_max = DICOM_PDU_BYTES_MAX;
  struct requestor *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return CAS_NO_MEMORY;
  opened->response_seconds = options->response_seconds != 0 ? options->response_seconds : 600;
  int fd = -1;
  cas_status status = connect_to(options, &fd, error);
  if (status == CAS_OK) status = dicom_association_adopt(fd, &timeouts, &opened->association, error);
  if (status == CAS_OK && options->tls != NULL) status = secure(opened, options, error);
  if (status == CAS_OK) status = negotiate(opened, &proposal, error);
  if (status != CAS_OK) {
    requestor_destroy(opened);
    return status;
  }
  *requestor = opened;
  return CAS_OK;
}

uint8_t requestor_context(const struct requestor *requestor, size_t index, size_t *transfer_syntax) {
  if (index >= requestor->context_count || requestor->answer.accepted[index] < 0) return 0;
  *transfer_syntax = (size_t)requestor->answer.accepted[index];
  return (uint8_t)(2 * index + 1);
}

struct cas_slice requestor_extended(const struct requestor *requestor) {
  return (struct cas_slice){.data = (const uint8_t *)requestor->answer.extended,
                            .size = requestor->answer.extended_size};
}

/* --- messages --- */

uint16_t requestor_next_message_id(struct requestor *requestor) {
  if (++requestor->message_id == 0) requestor->message_id = 1;
  return requestor->message_id;
}

struct pdu_writer *requestor_writer(struct requestor *requestor) {
  return &requestor->writer;
}

struct pdu_stream *requestor_stream(struct requestor *requestor) {
  return &requestor->stream;
}

cas_status requestor_send(struct requestor *requestor, uint8_t context_id, struct cas_slice command,
                          struct cas_slice data_set, struct cas_error *error) {
  struct pdu_writer *writer = &requestor->writer;
  cas_status status = pdu_writer_command(writer, context_id, command, error);
  if (status == CAS_OK && data_set.size > 0) {
    pdu_writer_begin(writer, context_id, false);
    status = pdu_writer_write(writer, data_set, error);
    if (status == CAS_OK) status = pdu_writer_end(writer, error);
  }
  if (status == CAS_OK) status = pdu_writer_flush(writer, error);
  if (status != CAS_OK) requestor->broken = true;
  return status;
}

cas_status requestor_ended(struct requestor *requestor, enum pdu_event event, struct cas_error *error) {
  requestor->broken = true;
  switch (event) {
  case PDU_PROTOCOL: return CAS_REFUSED;
  case PDU_ABORTED: return fail(error, CAS_IO, 0, "the peer aborted the association", "");
  case PDU_RELEASE_REQUESTED: return fail(error, CAS_IO, 0, "the peer released the association", "");
  default: break;
  }
  if (dicom_association_timed_out(requestor->association))
    return fail(error, CAS_BUSY, 0, "the peer was silent for too long", "");
  return fail(error, CAS_IO, 0, "the connection was lost", "");
}

cas_status requestor_receive_command(struct requestor *requestor, uint8_t *context_id, struct dimse_command *command,
                                     struct cas_error *error) {
  if (!pdu_stream_has_input(&requestor->stream) &&
      dicom_association_wait(requestor->association, requestor->response_seconds, -1) == DICOM_WAIT_TIMEOUT) {
    requestor->broken = true;
    return fail(error, CAS_BUSY, 0, "no response within the time limit", "");
  }
  const enum pdu_event event =
      message_read_command(&requestor->stream, &requestor->command, context_id, command, error);
  return event == PDU_FRAGMENT ? CAS_OK : requestor_ended(requestor, event, error);
}

cas_status requestor_receive(struct requestor *requestor, uint8_t *context_id, struct dimse_command *command,
                             size_t data_max, struct cas_buffer *data, bool *whole, struct cas_error *error) {
  const cas_status status = requestor_receive_command(requestor, context_id, command, error);
  if (status != CAS_OK) return status;
  data->size = 0;
  *whole = true;
  if (!command->has_data_set) return CAS_OK;
  const enum pdu_event event = message_read_data_set(&requestor->stream, *context_id, data_max, data, whole, error);
  return event == PDU_FRAGMENT ? CAS_OK : requestor_ended(requestor, event, error);
}

/* --- the end --- */

void requestor_interrupt(struct requestor *requestor) { dicom_association_interrupt(requestor->association); }

static void say_abort(struct requestor *requestor) {
  const struct cas_slice bytes = {.data = pdu_abort_user, .size = PDU_SHORT_BYTES};
  if (dicom_association_send(requestor->association, bytes, NULL) == CAS_OK)
    dicom_association_linger(requestor->association);
}

void requestor_part(struct requestor *requestor) {
  static const uint8_t release_request[PDU_SHORT_BYTES] = {5, 0, 0, 0, 0, 4, 0, 0, 0, 0};
  if (requestor == NULL) return;
  if (requestor->broken) {
    say_abort(requestor);
    return;
  }
  const struct cas_slice bytes = {.data = release_request, .size = sizeof release_request};
  /* A-RELEASE-RP, and the peer closes; whatever comes, nothing is left to say. */
  if (dicom_association_send(requestor->association, bytes, NULL) == CAS_OK) {
    uint8_t response[PDU_SHORT_BYTES];
    (void)receive_all(requestor->association, response, sizeof response);
  }
}

void requestor_release(struct requestor *requestor) {
  requestor_part(requestor);
  requestor_destroy(requestor);
}

void requestor_abort(struct requestor *requestor) {
  if (requestor == NULL) return;
  say_abort(requestor);
  requestor_destroy(requestor);
}
