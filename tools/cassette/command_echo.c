/*
 * cassette echo: asks a remote application entity whether it is there (C-ECHO).
 */
#include <string.h>
#include <time.h>

#include "cli_text.h"
#include "commands.h"
#include "remote.h"

static const struct cli_option options[] = {REMOTE_OPTIONS, {0}};

static const struct proposal_context verification = {
    .abstract_syntax = "1.2.840.10008.1.1",
    .transfer_syntaxes = {"1.2.840.10008.1.2"},
    .transfer_syntax_count = 1,
};

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* One request and its response. */
static cas_status echo(struct requestor *requestor, uint8_t context_id, struct dimse_command *response,
                       struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer command = {0}, data = {0};
  struct dimse_command request = {.field = DIMSE_C_ECHO_RQ, .message_id = requestor_next_message_id(requestor)};
  snprintf(request.sop_class_uid, sizeof request.sop_class_uid, "%s", verification.abstract_syntax);
  cas_status status = dimse_request_encode(&request, &command);
  const struct cas_slice bytes = {.data = command.data, .size = command.size};
  if (status == CAS_OK) status = requestor_send(requestor, context_id, bytes, (struct cas_slice){0}, error);
  bool whole;
  if (status == CAS_OK) status = requestor_receive(requestor, &context_id, response, 0, &data, &whole, error);
  return status;
}

static int run(struct cli_arguments *arguments) {
  struct remote remote = {0};
  int key, code;
  while ((key = cli_option(arguments)) > 0)
    if (remote_option(arguments, key, &remote, &code) && code != CLI_OK) return code;
  if (key < 0) return arguments->exit_code;
  code = remote_operand(arguments, 0, &remote);
  if (code != CLI_OK) return code;
  struct requestor *requestor;
  struct cas_error error = {0};
  const double start = milliseconds();
  cas_status status = remote_open(&remote, &verification, 1, (struct cas_slice){0}, &requestor, &error);
  if (status != CAS_OK) return remote_fail(&remote, status, &error);
  struct dimse_command response;
  size_t syntax;
  const double opened = milliseconds();
  const uint8_t context_id = requestor_context(requestor, 0, &syntax);
  if (context_id == 0) {
    requestor_release(requestor);
    snprintf(error.message, sizeof error.message, "the peer does not provide Verification");
    return remote_fail(&remote, CAS_REFUSED, &error);
  }
  status = echo(requestor, context_id, &response, &error);
  const double echoed = milliseconds();
  requestor_release(requestor);
  if (status != CAS_OK) return remote_fail(&remote, status, &error);
  if (response.status != DIMSE_SUCCESS) {
    cli_error("%s@%s: status %04X: %s", remote.called, remote.host, response.status,
              remote_status_text(response.status));
    return CLI_PARTLY;
  }
  printf("%s@%s:%u answers: association in %.1f ms, echo in %.1f ms\n", remote.called, remote.host,
         (unsigned)remote.port, opened - start, echoed - opened);
  return CLI_OK;
}

const struct cli_command command_echo = {
    .name = "echo",
    .operands = "PEER",
    .summary = "Ask a remote DICOM node whether it is there (C-ECHO)",
    .details = "PEER is [dicom://][AET@]HOST:PORT; without AET, ANY-SCP is called.\n"
               "Exit status: 0 it answers, 1 it answers with a failure or refuses, 4 no connection.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
