/* Owns one query to a peer, and how its matches are shown. */
#include "remote_find.h"

#include <string.h>

#include "cli_json.h"
#include "cli_table.h"
#include "cli_text.h"

#define IMPLICIT_UID "1.2.840.10008.1.2"
#define VALUE_TEXT_MAX 1024u

cas_status remote_ask(struct requestor *requestor, uint8_t context_id, struct dimse_command *request,
                      const struct remote_keys *keys, struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer command = {0}, identifier = {0};
  request->message_id = requestor_next_message_id(requestor);
  request->has_data_set = true;
  cas_status status = dimse_request_encode(request, &command);
  if (status == CAS_OK) status = remote_keys_encode(keys, &identifier);
  if (status != CAS_OK) return status;
  return requestor_send(requestor, context_id, (struct cas_slice){.data = command.data, .size = command.size},
                        (struct cas_slice){.data = identifier.data, .size = identifier.size}, error);
}

cas_status remote_cancel(struct requestor *requestor, uint8_t context_id, uint16_t message_id,
                         struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer command = {0};
  const struct dimse_command cancel = {.field = DIMSE_C_CANCEL_RQ, .responded_to = message_id};
  const cas_status status = dimse_request_encode(&cancel, &command);
  if (status != CAS_OK) return status;
  return requestor_send(requestor, context_id, (struct cas_slice){.data = command.data, .size = command.size},
                        (struct cas_slice){0}, error);
}

static bool is_pending(uint16_t status) { return status == DIMSE_PENDING || status == DIMSE_PENDING_UNSUPPORTED_KEYS; }

/* Hands one match on. */
static cas_status take_match(struct cas_slice bytes, remote_match_fn each, void *arg, bool *going,
                             struct cas_error *error) {
  CLI_FREE struct identifier *match = malloc(sizeof *match);
  if (match == NULL) return CAS_NO_MEMORY;
  const cas_status status = identifier_parse(bytes, false, match, error);
  if (status == CAS_OK && *going) *going = each(arg, match);
  return status;
}

cas_status remote_find(struct requestor *requestor, uint8_t context_id, const struct remote_keys *keys,
                       remote_match_fn each, void *arg, uint16_t *final, struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer data = {0};
  struct dimse_command request = {.field = DIMSE_C_FIND_RQ}, response;
  snprintf(request.sop_class_uid, sizeof request.sop_class_uid, "%s", remote_keys_model(keys, REMOTE_FIND));
  cas_status status = remote_ask(requestor, context_id, &request, keys, error);
  bool going = true, cancelled = false;
  while (status == CAS_OK) {
    bool whole;
    uint8_t context;
    status = requestor_receive(requestor, &context, &response, IDENTIFIER_BYTES_MAX, &data, &whole, error);
    if (status != CAS_OK || !is_pending(response.status)) break;
    status = take_match((struct cas_slice){.data = data.data, .size = data.size}, each, arg, &going, error);
    if (status == CAS_OK && !going && !cancelled) {
      cancelled = true;
      status = remote_cancel(requestor, context_id, request.message_id, error);
    }
  }
  if (status == CAS_OK) *final = response.status;
  return status;
}

/* --- showing --- */

struct shown {
  const char *keyword;
  const char *title;
  bool right;
};

static const struct shown patient_columns[] = {{"PatientID", "PATIENT ID", false},
                                               {"PatientName", "NAME", false},
                                               {"PatientBirthDate", "BORN", false},
                                               {"PatientSex", "SEX", false},
                                               {0}};
static const struct shown study_columns[] = {{"PatientID", "PATIENT ID", false},
                                             {"PatientName", "NAME", false},
                                             {"StudyDate", "DATE", false},
                                             {"AccessionNumber", "ACCESSION", false},
                                             {"ModalitiesInStudy", "MODALITIES", false},
                                             {"StudyDescription", "DESCRIPTION", false},
                                             {"NumberOfStudyRelatedInstances", "INSTANCES", true},
                                             {"StudyInstanceUID", "STUDY INSTANCE UID", false},
                                             {0}};
static const struct shown series_columns[] = {{"SeriesNumber", "SERIES", true},
                                              {"Modality", "MODALITY", false},
                                              {"SeriesDescription", "DESCRIPTION", false},
                                              {"NumberOfSeriesRelatedInstances", "INSTANCES", true},
                                              {"StudyInstanceUID", "STUDY INSTANCE UID", false},
                                              {"SeriesInstanceUID", "SERIES INSTANCE UID", false},
                                              {0}};
static const struct shown instance_columns[] = {{"InstanceNumber", "INSTANCE", true},
                                                {"SOPClassUID", "SOP CLASS UID", false},
                                                {"SOPInstanceUID", "SOP INSTANCE UID", false},
                                                {0}};

struct showing {
  const struct remote_find_options *options;
  const struct remote_keys *keys;
  const struct shown *shown;
  struct cli_table *table;
  unsigned long long found;
};

static const char *text_of(const struct identifier *match, uint32_t tag, char text[VALUE_TEXT_MAX]) {
  const struct identifier_key *key = identifier_find(match, tag);
  if (key == NULL || key->is_sequence || !identifier_text(match, key->value, text, VALUE_TEXT_MAX)) text[0] = '\0';
  return text;
}

static void show_json(const struct showing *showing, const struct identifier *match) {
  json_t *object = json_object(), *attributes = json_object();
  char text[VALUE_TEXT_MAX];
  for (size_t i = 0; i < showing->keys->count; i++)
    cli_json_text(attributes, showing->keys->keys[i].keyword, text_of(match, showing->keys->keys[i].tag, text));
  json_object_set_new(object, "attributes", attributes);
  cli_json_print(object);
}

static bool show_row(const struct showing *showing, const struct identifier *match) {
  char texts[CLI_COLUMNS_MAX][VALUE_TEXT_MAX];
  const char *cells[CLI_COLUMNS_MAX];
  for (size_t i = 0; showing->shown[i].keyword != NULL; i++) {
    cells[i] = "";
    for (size_t k = 0; k < showing->keys->count; k++)
      if (strcmp(showing->keys->keys[k].keyword, showing->shown[i].keyword) == 0)
        cells[i] = text_of(match, showing->keys->keys[k].tag, texts[i]);
  }
  return cli_table_row(showing->table, cells);
}

static bool show(void *arg, const struct identifier *match) {
  struct showing *showing = arg;
  showing->found++;
  if (showing->options->json)
    show_json(showing, match);
  else if (!show_row(showing, match))
    return false;
  return showing->found != showing->options->limit && ferror(stdout) == 0;
}

static const struct shown *columns_of(enum cas_level level) {
  const struct shown *const all[] = {NULL, patient_columns, study_columns, series_columns, instance_columns};
  return all[level];
}

/* What is shown is asked for. */
static void want_columns(struct remote_keys *keys, const struct shown *shown) {
  struct remote_keys wanted = {0};
  for (; shown->keyword != NULL; shown++) {
    char operand[80];
    snprintf(operand, sizeof operand, "%s=", shown->keyword);
    struct cli_arguments none = {.operands = (char *[]){operand}, .operand_count = 1};
    if (remote_keys_read(&none, 0, &wanted) != CLI_OK) continue;
    const struct remote_key *key = &wanted.keys[wanted.count - 1];
    remote_keys_want(keys, key->tag, key->vr, key->keyword);
  }
}

static int find(struct showing *showing, const struct remote_find_options *options) {
  const struct proposal_context context = {.abstract_syntax = remote_keys_model(showing->keys, REMOTE_FIND),
                                           .transfer_syntaxes = {IMPLICIT_UID},
                                           .transfer_syntax_count = 1};
  struct requestor *requestor;
  struct cas_error error = {0};
  cas_status status = remote_open(&options->remote, &context, 1, (struct cas_slice){0}, &requestor, &error);
  if (status != CAS_OK) return remote_fail(&options->remote, status, &error);
  size_t syntax;
  uint16_t final = 0;
  const uint8_t context_id = requestor_context(requestor, 0, &syntax);
  if (context_id == 0) {
    status = CAS_REFUSED;
    snprintf(error.message, sizeof error.message, "the peer does not answer queries of this model");
  } else {
    status = remote_find(requestor, context_id, showing->keys, show, showing, &final, &error);
  }
  if (status == CAS_OK)
    requestor_release(requestor);
  else
    requestor_abort(requestor);
  if (status != CAS_OK) return remote_fail(&options->remote, status, &error);
  const bool enough = final == DIMSE_CANCELLED && showing->found == options->limit;
  if (final != DIMSE_SUCCESS && !enough) {
    cli_error("%s@%s: status %04X: %s", options->remote.called, options->remote.host, final, remote_status_text(final));
    return CLI_PARTLY;
  }
  return showing->found > 0 ? CLI_OK : CLI_PARTLY;
}

int remote_find_run(struct cli_arguments *arguments, struct remote_find_options *options) {
  struct remote_keys keys = {.level = options->level};
  int code = remote_operand(arguments, 0, &options->remote);
  if (code == CLI_OK) code = remote_keys_read(arguments, 1, &keys);
  if (code != CLI_OK) return code;
  remote_keys_settle(&keys);
  struct showing showing = {.options = options, .keys = &keys, .shown = columns_of(keys.level)};
  want_columns(&keys, showing.shown);
  struct cli_column columns[CLI_COLUMNS_MAX] = {0};
  for (size_t i = 0; showing.shown[i].keyword != NULL; i++)
    columns[i] = (struct cli_column){showing.shown[i].title, showing.shown[i].right};
  if (!options->json) showing.table = cli_table_create(columns);
  if (!options->json && showing.table == NULL) return cli_fail("find", CAS_NO_MEMORY, NULL);
  code = find(&showing, options);
  cli_table_finish(showing.table);
  return code;
}
