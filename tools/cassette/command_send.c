/*
 * cassette send: sends files, or parts of a store, to a DICOM node (C-STORE).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_interrupt.h"
#include "cli_json.h"
#include "cli_progress.h"
#include "cli_text.h"
#include "commands.h"
#include "remote.h"
#include "send_list.h"
#include "store_scu.h"

enum { KEY_JSON = 256 };

#define LOSSES_MAX 3u /* of associations, after which the rest is given up */

static const struct cli_option options[] = {
    {'s', "store", "STORE", "send from this store what the operands mean there; without operands everything"},
    {'q', "quiet", NULL, "do not show how far it is"},
    {KEY_JSON, "json", NULL, "print one JSON object at the end"},
    REMOTE_OPTIONS,
    {0},
};

struct sending {
  struct remote remote;
  const char *store_path;
  struct cas_store *store;
  bool quiet, json;
  struct send_list list;
  struct store_proposal proposal;
  bool fallbacks;
  struct requestor *requestor;
  unsigned losses;
  struct store_object object;
  struct transcode_budget budget;
  uint64_t sent, warnings, failed, bytes;
  struct cas_error reason; /* why there is no association */
  cas_status lost;         /* of it */
};

/* --- the association --- */

static int accepted(const void *requestor, size_t context) {
  size_t syntax;
  return requestor_context(requestor, context, &syntax) != 0 ? (int)syntax : -1;
}

static bool have_association(struct sending *sending, size_t kind) {
  const struct store_proposal *proposal = &sending->proposal;
  const bool fits = kind >= proposal->first && kind < proposal->end && proposal->fallbacks == sending->fallbacks;
  if (sending->requestor != NULL && fits) return true;
  requestor_release(sending->requestor);
  sending->requestor = NULL;
  if (sending->losses >= LOSSES_MAX) return false;
  store_proposal_make(sending->list.kinds, sending->list.kind_count, kind, sending->fallbacks, &sending->proposal);
  sending->lost = remote_open(&sending->remote, proposal->contexts, proposal->context_count, (struct cas_slice){0},
                              &sending->requestor, &sending->reason);
  if (sending->lost != CAS_OK) sending->losses = LOSSES_MAX;
  return sending->lost == CAS_OK;
}

static const char *find_route(struct sending *sending, const struct send_item *item, struct store_route *route) {
  const struct store_kind *kind = &sending->list.kinds[item->kind];
  for (;;) {
    if (kind->transfer_syntax_uid[0] == '\0') return "its transfer syntax is unknown";
    if (!have_association(sending, item->kind)) return cli_reason(sending->lost, &sending->reason);
    if (store_proposal_route(&sending->proposal, kind, accepted, sending->requestor, route)) return NULL;
    if (!store_proposal_may_fall_back(&sending->proposal, kind))
      return "the peer takes its SOP class in no transfer syntax that it can be given";
    sending->fallbacks = true;
  }
}

/* --- one object --- */

struct mapping {
  void *bytes;
  size_t size;
};

static void cleanup_mapping(struct mapping *mapping) {
  if (mapping->bytes != NULL) munmap(mapping->bytes, mapping->size);
}

static cas_status open_object(struct sending *sending, const struct send_item *item, struct mapping *mapping,
                              struct cas_error *error) {
  if (sending->store != NULL) return store_object_open(&sending->object, sending->store, item->path, error);
  struct stat facts;
  const int fd = open(item->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd >= 0 && fstat(fd, &facts) == 0 && (uint64_t)facts.st_size > item->data_set_offset) {
    mapping->size = (size_t)facts.st_size;
    mapping->bytes = mmap(NULL, mapping->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapping->bytes == MAP_FAILED) mapping->bytes = NULL;
  }
  const int failed = errno;
  if (fd >= 0) close(fd);
  if (mapping->bytes == NULL) {
    snprintf(error->message, sizeof error->message, "%s", fd < 0 ? strerror(failed) : "it cannot be read");
    return CAS_IO;
  }
  const struct cas_slice file = {.data = mapping->bytes, .size = mapping->size};
  return store_object_open_file(&sending->object, file, item->data_set_offset, error);
}

static cas_status exchange(struct sending *sending, const struct send_item *item, const struct store_route *route,
                           struct dimse_command *response, struct cas_error *error) {
  struct dimse_command request = {.message_id = requestor_next_message_id(sending->requestor)};
  snprintf(request.sop_class_uid, sizeof request.sop_class_uid, "%s", sending->list.kinds[item->kind].sop_class_uid);
  snprintf(request.sop_instance_uid, sizeof request.sop_instance_uid, "%s", item->sop_instance_uid);
  size_t syntax;
  bool damaged, whole;
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer data = {0};
  uint8_t context_id = requestor_context(sending->requestor, route->context, &syntax);
  cas_status status =
      store_scu_send(requestor_writer(sending->requestor), context_id, &request, &sending->object, &damaged, error);
  if (status == CAS_OK) status = requestor_receive(sending->requestor, &context_id, response, 0, &data, &whole, error);
  if (status == CAS_OK) return CAS_OK;
  requestor_abort(sending->requestor);
  sending->requestor = NULL;
  sending->losses++;
  sending->lost = status;
  sending->reason = *error;
  return status;
}

/* NULL: it was sent; else why not. */
static const char *send_item(struct sending *sending, const struct send_item *item, struct cas_error *error) {
  __attribute__((cleanup(cleanup_mapping))) struct mapping mapping = {0};
  struct store_route route;
  const char *why = find_route(sending, item, &route);
  if (why != NULL) return why;
  const char *own = sending->list.kinds[item->kind].transfer_syntax_uid;
  cas_status status = open_object(sending, item, &mapping, error);
  if (status == CAS_OK && strcmp(own, route.transfer_syntax) != 0)
    status = store_object_transcode(&sending->object, own, route.transfer_syntax, &sending->budget, 1, error);
  const uint64_t bytes = status == CAS_OK ? store_object_bytes(&sending->object) : 0;
  struct dimse_command response;
  if (status == CAS_OK) status = exchange(sending, item, &route, &response, error);
  store_object_close(&sending->object);
  if (status != CAS_OK) return cli_reason(status, error);
  const enum store_outcome outcome = store_outcome_of(response.status);
  if (outcome == STORE_FAILED) {
    snprintf(error->message, sizeof error->message, "the peer answers %04X: %s %s", response.status,
             remote_status_text(response.status), response.error_comment);
    return error->message;
  }
  sending->warnings += outcome == STORE_WARNING;
  sending->bytes += bytes;
  return NULL;
}

static bool send_all(struct sending *sending, struct cli_progress *progress) {
  struct cli_interrupt interrupt;
  bool interrupted = false;
  cli_interrupt_open(&interrupt);
  for (size_t i = 0; i < sending->list.count && !interrupted; i++) {
    struct cas_error error = {0};
    const struct send_item *item = &sending->list.items[i];
    const char *why = send_item(sending, item, &error);
    sending->sent += why == NULL;
    sending->failed += why != NULL;
    if (why != NULL) cli_error("%s: %s", item->path, why);
    const struct cli_progress_state state = {
        .files = i + 1, .bytes = sending->bytes, .files_total = sending->list.count};
    cli_progress_set(progress, &state);
    interrupted = cli_interrupted(&interrupt);
  }
  requestor_release(sending->requestor);
  return interrupted;
}

/* --- the whole --- */

static int read_settings(struct cli_arguments *arguments, struct sending *sending) {
  int key, code;
  while ((key = cli_option(arguments)) > 0) {
    if (remote_option(arguments, key, &sending->remote, &code)) {
      if (code != CLI_OK) return code;
      continue;
    }
    if (key == 's') sending->store_path = arguments->value;
    if (key == 'q') sending->quiet = true;
    if (key == KEY_JSON) sending->json = true;
  }
  if (key < 0) return arguments->exit_code;
  if (sending->store_path == NULL && arguments->operand_count < 2) return cli_usage(arguments, "nothing is to be sent");
  return remote_operand(arguments, 0, &sending->remote);
}

static int gather(const struct cli_arguments *arguments, struct sending *sending) {
  struct cas_error error = {0};
  cas_status status = CAS_OK;
  if (sending->store_path != NULL) {
    const int code = cli_store_open(sending->store_path, CAS_OPEN_FOLLOW, &sending->store);
    if (code != CLI_OK) return code;
  }
  if (sending->store != NULL && arguments->operand_count == 1)
    status = send_list_add_instances(&sending->list, sending->store, NULL, &error);
  for (int i = 1; i < arguments->operand_count && status == CAS_OK; i++) {
    const char *operand = arguments->operands[i];
    status = sending->store != NULL ? send_list_add_instances(&sending->list, sending->store, operand, &error)
                                    : send_list_add_path(&sending->list, operand);
    if (status != CAS_NOT_FOUND) continue;
    sending->list.left_out++;
    cli_error("%s: nothing is there", operand);
    status = CAS_OK;
  }
  if (status != CAS_OK) return cli_fail("send", status, &error);
  send_list_sort(&sending->list);
  return CLI_OK;
}

static void report(const struct sending *sending, double seconds) {
  char bytes[CLI_TEXT_MAX], duration[CLI_TEXT_MAX];
  if (!sending->json) {
    printf("%llu objects (%s) sent in %s, %llu with warnings, %llu failed\n", (unsigned long long)sending->sent,
           cli_format_bytes(bytes, sending->bytes), cli_format_duration(duration, seconds),
           (unsigned long long)sending->warnings, (unsigned long long)sending->failed);
    return;
  }
  json_t *object = json_object();
  cli_json_count(object, "sent", sending->sent);
  cli_json_count(object, "warnings", sending->warnings);
  cli_json_count(object, "failed", sending->failed);
  cli_json_count(object, "left_out", sending->list.left_out);
  cli_json_count(object, "bytes", sending->bytes);
  json_object_set_new(object, "seconds", json_real(seconds));
  cli_json_print(object);
}

static int send_gathered(struct sending *sending) {
  struct cli_progress *progress = cli_progress_create("objects", sending->quiet);
  if (progress == NULL) return cli_fail("send", CAS_NO_MEMORY, NULL);
  transcode_budget_init(&sending->budget, TRANSCODE_BYTES_DEFAULT, TRANSCODE_SECONDS_DEFAULT);
  const bool interrupted = send_all(sending, progress);
  const double seconds = cli_progress_seconds(progress);
  cli_progress_destroy(progress);
  store_object_fini(&sending->object);
  transcode_budget_fini(&sending->budget);
  report(sending, seconds);
  if (interrupted) return CLI_INTERRUPTED;
  if (sending->sent == 0 && sending->lost != CAS_OK && sending->failed > 0) return cli_exit_code(sending->lost);
  return sending->failed + sending->list.left_out > 0 ? CLI_PARTLY : CLI_OK;
}

static int run(struct cli_arguments *arguments) {
  CLI_FREE struct sending *sending = calloc(1, sizeof *sending);
  if (sending == NULL) return cli_fail("send", CAS_NO_MEMORY, NULL);
  int code = read_settings(arguments, sending);
  if (code == CLI_OK && arguments->operand_count > 0) code = gather(arguments, sending);
  if (code == CLI_OK && arguments->operand_count > 0) code = send_gathered(sending);
  send_list_fini(&sending->list);
  cas_store_close(sending->store);
  return code;
}

const struct cli_command command_send = {
    .name = "send",
    .operands = "PEER [PATH…|WHAT…]",
    .summary = "Send files, or parts of a store, to a DICOM node (C-STORE)",
    .details =
        "PEER is [dicom://][AET@]HOST:PORT. PATH are files of Part 10 and folders; with --store, WHAT are parts of\n"
        "that store, of which the newest versions are sent. Data sets go out byte for byte where the peer takes\n"
        "their transfer syntax, else transcoded without loss.\n"
        "Exit status: 0 all was stored, 1 something was not, 4 no connection.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = -1,
    .run = run,
};
