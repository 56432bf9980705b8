/*
 * cassette move: has a DICOM node send objects to another one (C-MOVE).
 */
#include <string.h>

#include "cli_interrupt.h"
#include "cli_json.h"
#include "cli_progress.h"
#include "commands.h"
#include "node_family.h"
#include "remote_find.h"

enum { KEY_JSON = 256 };

static const struct cli_option options[] = {
    {'l', "level", "LEVEL", "patient, study, series or instance (default: as the keys need)"},
    {'q', "quiet", NULL, "do not show how far it is"},
    {KEY_JSON, "json", NULL, "print one JSON object at the end"},
    REMOTE_OPTIONS,
    {0},
};

struct moving {
  struct remote remote;
  struct remote_keys keys;
  const char *destination;
  bool quiet, json, interrupted;
  struct cli_progress *progress;
  struct cli_interrupt interrupt;
  struct dimse_command response; /* the last one */
};

static int read_settings(struct cli_arguments *arguments, struct moving *moving) {
  int key, code;
  while ((key = cli_option(arguments)) > 0) {
    if (remote_option(arguments, key, &moving->remote, &code)) {
      if (code != CLI_OK) return code;
      continue;
    }
    if (key == 'q') moving->quiet = true;
    if (key == KEY_JSON) moving->json = true;
    if (key != 'l') continue;
    moving->keys.level = level_by_name(arguments->value);
    if (moving->keys.level == 0)
      return cli_usage(arguments, "\"%s\" is no level: patient, study, series, instance", arguments->value);
  }
  if (key < 0) return arguments->exit_code;
  moving->destination = arguments->operands[1];
  if (strlen(moving->destination) == 0 || strlen(moving->destination) >= DIMSE_AE_TITLE_TEXT_MAX)
    return cli_usage(arguments, "\"%s\" has not 1 to 16 characters", moving->destination);
  code = remote_operand(arguments, 0, &moving->remote);
  if (code == CLI_OK) code = remote_keys_read(arguments, 2, &moving->keys);
  remote_keys_settle(&moving->keys);
  return code;
}

static void show(const struct moving *moving) {
  const struct dimse_counts *counts = &moving->response.counts;
  const uint64_t done = (uint64_t)counts->completed + counts->warning + counts->failed;
  const struct cli_progress_state state = {.files = done, .files_total = done + counts->remaining};
  cli_progress_set(moving->progress, &state);
}

static cas_status follow(struct moving *moving, struct requestor *requestor, uint8_t context_id, uint16_t message_id,
                         struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer list = {0};
  for (;;) {
    bool whole;
    uint8_t context;
    cas_status status = requestor_receive(requestor, &context, &moving->response, 0, &list, &whole, error);
    if (status != CAS_OK || moving->response.status != DIMSE_PENDING) return status;
    show(moving);
    if (moving->interrupted || !cli_interrupted(&moving->interrupt)) continue;
    moving->interrupted = true;
    status = remote_cancel(requestor, context_id, message_id, error);
    if (status != CAS_OK) return status;
  }
}

static cas_status move(struct moving *moving, struct cas_error *error) {
  const struct proposal_context context = {.abstract_syntax = remote_keys_model(&moving->keys, REMOTE_MOVE),
                                           .transfer_syntaxes = {"1.2.840.10008.1.2"},
                                           .transfer_syntax_count = 1};
  struct requestor *requestor;
  cas_status status = remote_open(&moving->remote, &context, 1, (struct cas_slice){0}, &requestor, error);
  if (status != CAS_OK) return status;
  size_t syntax;
  const uint8_t context_id = requestor_context(requestor, 0, &syntax);
  struct dimse_command request = {.field = DIMSE_C_MOVE_RQ};
  snprintf(request.sop_class_uid, sizeof request.sop_class_uid, "%s", context.abstract_syntax);
  snprintf(request.move_destination, sizeof request.move_destination, "%s", moving->destination);
  if (context_id == 0) {
    snprintf(error->message, sizeof error->message, "the peer does not provide C-MOVE of this model");
    status = CAS_REFUSED;
  }
  if (status == CAS_OK) status = remote_ask(requestor, context_id, &request, &moving->keys, error);
  if (status == CAS_OK) status = follow(moving, requestor, context_id, request.message_id, error);
  if (status == CAS_OK)
    requestor_release(requestor);
  else
    requestor_abort(requestor);
  return status;
}

static void report(const struct moving *moving) {
  const struct dimse_counts *counts = &moving->response.counts;
  if (moving->json) {
    json_t *object = json_object();
    cli_json_count(object, "completed", counts->completed);
    cli_json_count(object, "failed", counts->failed);
    cli_json_count(object, "warning", counts->warning);
    cli_json_count(object, "status", moving->response.status);
    cli_json_print(object);
  } else {
    printf("%u objects sent to %s, %u with warnings, %u failed\n", (unsigned)(counts->completed + counts->warning),
           moving->destination, (unsigned)counts->warning, (unsigned)counts->failed);
  }
}

static int run(struct cli_arguments *arguments) {
  struct moving moving = {0};
  struct cas_error error = {0};
  const int code = read_settings(arguments, &moving);
  if (code != CLI_OK || moving.destination == NULL) return code;
  cli_interrupt_open(&moving.interrupt);
  moving.progress = cli_progress_create("objects", moving.quiet);
  if (moving.progress == NULL) return cli_fail("move", CAS_NO_MEMORY, NULL);
  const cas_status status = move(&moving, &error);
  cli_progress_destroy(moving.progress);
  if (status != CAS_OK) return remote_fail(&moving.remote, status, &error);
  report(&moving);
  if (moving.interrupted) return CLI_INTERRUPTED;
  if (moving.response.status != DIMSE_SUCCESS)
    cli_error("%s@%s: status %04X: %s", moving.remote.called, moving.remote.host, moving.response.status,
              remote_status_text(moving.response.status));
  const bool some = moving.response.counts.completed + moving.response.counts.warning > 0;
  return moving.response.status == DIMSE_SUCCESS && some ? CLI_OK : CLI_PARTLY;
}

const struct cli_command command_move = {
    .name = "move",
    .operands = "PEER DESTINATION Keyword=value…",
    .summary = "Have a DICOM node send objects to another one (C-MOVE)",
    .details = "PEER is [dicom://][AET@]HOST:PORT, DESTINATION the AE title of a node that PEER knows. The keys are\n"
               "those of `cassette get`.\n"
               "Exit status: 0 all were sent, 1 something was not or nothing matched, 4 no connection.\n",
    .options = options,
    .operands_min = 3,
    .operands_max = -1,
    .run = run,
};
