/*
 * cassette correct, merge: other values of attributes, as new versions over the same pixels.
 */
#include <string.h>
#include <unistd.h>

#include "cassette/node.h"
#include "cli_json.h"
#include "cli_text.h"
#include "commands.h"
#include "control/control_change.h"
#include "control/control_client.h"
#include "dicom_shim.h"
#include "remote_keys.h"

#define KEY_REASON 256
#define KEY_JSON 257
#define KEY_FROM 258
#define KEY_TO 259

/* How many paths are shown before the question. */
#define SHOWN_MAX 10

struct correcting {
  const char *why, *from, *to;
  bool yes, dry, json;
  struct cas_assignment assignments[CAS_ASSIGNMENTS_MAX];
  char *values[CAS_ASSIGNMENTS_MAX]; /* owned */
  char vrs[CAS_ASSIGNMENTS_MAX][3];
  size_t assignment_count;
  char **paths; /* owned */
  size_t count, capacity;
  unsigned patients; /* with the ID that is merged to */
};

static void correcting_fini(struct correcting *correcting) {
  for (size_t i = 0; i < correcting->assignment_count; i++) free(correcting->values[i]);
  for (size_t i = 0; i < correcting->count; i++) free(correcting->paths[i]);
  free(correcting->paths);
}

static bool assign(struct correcting *correcting, uint32_t tag, const char *value) {
  const size_t index = correcting->assignment_count;
  if (index == CAS_ASSIGNMENTS_MAX) return false;
  char *copy = strdup(value), *vr = correcting->vrs[index];
  if (copy == NULL) return false;
  correcting->values[index] = copy;
  correcting->assignments[index] = (struct cas_assignment){.tag = tag, .value = copy};
  if (dicom_dictionary_vr(tag, vr)) correcting->assignments[index].vr = vr;
  correcting->assignment_count++;
  return true;
}

static cas_status take(void *arg, const struct cas_node *node) {
  struct correcting *correcting = arg;
  if (correcting->count == correcting->capacity) {
    size_t capacity = correcting->capacity == 0 ? 64 : correcting->capacity * 2;
    char **grown = reallocarray(correcting->paths, capacity, sizeof *grown);
    if (grown == NULL) return CAS_NO_MEMORY;
    correcting->paths = grown;
    correcting->capacity = capacity;
  }
  char *path = strdup(node->path);
  if (path == NULL) return CAS_NO_MEMORY;
  correcting->paths[correcting->count++] = path;
  FILE *out = correcting->dry ? stdout : stderr;
  if (!correcting->dry && correcting->count > SHOWN_MAX) return CAS_OK;
  cli_put(out, node->path);
  fputc('\n', out);
  return CAS_OK;
}

/* --- writing --- */

static cas_status write_corrections(const struct correcting *correcting, const char *store_path,
                                    struct control_corrected *corrected, struct cas_error *error) {
  struct cas_correction correction = {
      .assignments = correcting->assignments, .count = correcting->assignment_count, .why = correcting->why};
  const char *const *paths = (const char *const *)correcting->paths;
  struct control_client *client;
  struct cas_error no_daemon = {0};
  if (control_connect(store_path, &client, &no_daemon) == CAS_OK) {
    cas_status status = control_correct(client, &correction, paths, correcting->count, corrected, error);
    control_close(client);
    return status;
  }
  CLI_STORE struct cas_store *store = NULL;
  char who[256];
  correction.who = control_user_name(getuid(), who, sizeof who);
  cas_status status = cli_store_try(store_path, CAS_OPEN_WRITE, &store, error);
  if (status == CAS_OK)
    status = control_correct_run(store, &correction, paths, correcting->count, NULL, NULL, corrected, error);
  return status;
}

static void report(const struct correcting *correcting, const struct control_corrected *corrected) {
  char count[CLI_TEXT_MAX], unchanged[CLI_TEXT_MAX];
  if (!correcting->json) {
    printf("%s instances corrected, %s as they were\n", cli_format_count(count, corrected->corrected),
           cli_format_count(unchanged, corrected->unchanged));
    return;
  }
  json_t *object = json_object();
  cli_json_count(object, "corrected", corrected->corrected);
  cli_json_count(object, "unchanged", corrected->unchanged);
  cli_json_count(object, "failed", corrected->failed);
  cli_json_print(object);
}

static bool confirm(const struct correcting *correcting) {
  char count[CLI_TEXT_MAX], answer[16];
  if (correcting->count > SHOWN_MAX) fputs("…\n", stderr);
  fprintf(stderr, "correct %s instances? [y/N] ", cli_format_count(count, correcting->count));
  fflush(stderr);
  return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static int correct(const struct correcting *correcting, const char *store_path, const char *what) {
  struct control_corrected corrected = {0};
  struct cas_error error = {0};
  if (correcting->dry) return CLI_OK;
  if (!correcting->yes && !confirm(correcting)) {
    cli_error("nothing was changed");
    return CLI_PARTLY;
  }
  cas_status status = write_corrections(correcting, store_path, &corrected, &error);
  if (status != CAS_OK) return cli_fail(what, status, &error);
  report(correcting, &corrected);
  if (corrected.failed == 0) return CLI_OK;
  char count[CLI_TEXT_MAX];
  cli_error("%s instances could not be corrected: %s", cli_format_count(count, corrected.failed), corrected.reason);
  return corrected.status == CAS_REFUSED ? CLI_PARTLY : cli_exit_code(corrected.status);
}

/* --- the commands --- */

static bool read_options(struct cli_arguments *arguments, struct correcting *correcting) {
  int key;
  while ((key = cli_option(arguments)) > 0) {
    if (key == 'y') correcting->yes = true;
    if (key == 'n') correcting->dry = true;
    if (key == KEY_JSON) correcting->json = true;
    if (key == KEY_REASON) correcting->why = arguments->value;
    if (key == KEY_FROM) correcting->from = arguments->value;
    if (key == KEY_TO) correcting->to = arguments->value;
  }
  return key == 0;
}

static int read_assignments(struct cli_arguments *arguments, struct correcting *correcting) {
  struct cas_error error = {0};
  for (int i = 2; i < arguments->operand_count; i++) {
    char *text = arguments->operands[i], *equals = strchr(text, '=');
    if (equals == NULL) return cli_usage(arguments, "%s is not Keyword=value", text);
    *equals = '\0';
    const struct cas_attribute_definition *indexed = cas_attribute_by_name(text);
    uint32_t tag = indexed != NULL ? indexed->tag : 0;
    if (indexed == NULL && !remote_key_tag(text, &tag) && !dicom_dictionary_tag(text, &tag))
      return cli_usage(arguments, "\"%s\" is neither a known keyword nor gggg,eeee", text);
    if (!assign(correcting, tag, equals + 1)) return cli_usage(arguments, "too many attributes");
  }
  struct cas_correction correction = {.assignments = correcting->assignments, .count = correcting->assignment_count};
  if (cas_correction_check(&correction, &error) != CAS_OK) return cli_usage(arguments, "%s", error.message);
  return CLI_OK;
}

static int run_chosen(struct correcting *correcting, const char *store_path, const char *what) {
  struct cas_error error = {0};
  struct cas_store *store = NULL;
  int code = cli_store_open(store_path, CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  cas_status status = cas_select(store, what, take, correcting, &error);
  cas_store_close(store);
  return status == CAS_OK ? correct(correcting, store_path, what) : cli_fail(what, status, &error);
}

static int run_correct(struct cli_arguments *arguments) {
  struct correcting correcting = {0};
  if (!read_options(arguments, &correcting)) return arguments->exit_code;
  if (correcting.why == NULL && !correcting.dry) return cli_usage(arguments, "--reason says why, for the record");
  int code = read_assignments(arguments, &correcting);
  if (code == CLI_OK) code = run_chosen(&correcting, arguments->operands[0], arguments->operands[1]);
  correcting_fini(&correcting);
  return code;
}

/* What says who a patient is, as the one has it who is merged to. */
static cas_status take_patient(void *arg, const struct cas_node *node) {
  static const uint32_t tags[] = {CAS_TAG_PATIENT_NAME, CAS_TAG_PATIENT_ID, CAS_TAG_ISSUER_OF_PATIENT_ID,
                                  CAS_TAG_PATIENT_BIRTH_DATE, CAS_TAG_PATIENT_SEX};
  struct correcting *correcting = arg;
  if (correcting->patients++ > 0) return CAS_OK;
  for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
    const char *value = cas_attributes_text(node->attributes, tags[i]);
    if (value[0] != '\0' && !assign(correcting, tags[i], value)) return CAS_NO_MEMORY;
  }
  return CAS_OK;
}

struct patient_below {
  struct cas_store *store;
  struct correcting *correcting;
};

static cas_status take_below(void *arg, const struct cas_node *node) {
  struct patient_below *below = arg;
  return cas_instances_below(below->store, node->path, take, below->correcting, NULL);
}

static cas_status find_patients(struct correcting *correcting, struct cas_store *store, struct cas_error *error) {
  struct patient_below below = {.store = store, .correcting = correcting};
  cas_status status = cas_node_by_uid(store, CAS_LEVEL_PATIENT, correcting->to, take_patient, correcting, error);
  if (status == CAS_OK) status = cas_node_by_uid(store, CAS_LEVEL_PATIENT, correcting->from, take_below, &below, error);
  return status;
}

static int run_merge_of(struct correcting *correcting, const char *store_path) {
  struct cas_error error = {0};
  struct cas_store *store = NULL;
  int code = cli_store_open(store_path, CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  cas_status status = find_patients(correcting, store, &error);
  cas_store_close(store);
  if (status != CAS_OK && status != CAS_NOT_FOUND) return cli_fail("merge", status, &error);
  if (correcting->patients > 1) {
    cli_error("there are %u patients %s: use correct, by path", correcting->patients, correcting->to);
    return CLI_PARTLY;
  }
  if (correcting->patients == 0) return cli_fail(correcting->to, CAS_NOT_FOUND, NULL);
  if (correcting->count == 0) return cli_fail(correcting->from, CAS_NOT_FOUND, NULL);
  return correct(correcting, store_path, correcting->from);
}

static int run_merge(struct cli_arguments *arguments) {
  struct correcting correcting = {0};
  if (!read_options(arguments, &correcting)) return arguments->exit_code;
  if (correcting.from == NULL || correcting.to == NULL) return cli_usage(arguments, "--from and --to are needed");
  if (strcmp(correcting.from, correcting.to) == 0) return cli_usage(arguments, "--from and --to are the same");
  if (correcting.why == NULL && !correcting.dry) return cli_usage(arguments, "--reason says why, for the record");
  int code = run_merge_of(&correcting, arguments->operands[0]);
  correcting_fini(&correcting);
  return code;
}

#define COMMON_OPTIONS                                                                                                 \
  {KEY_REASON, "reason", "TEXT", "why, for the record"}, {'y', "yes", NULL, "do not ask"},                             \
      {'n', "dry-run", NULL, "list what is meant, and change nothing"}, {                                              \
    KEY_JSON, "json", NULL, "print a JSON object"                                                                      \
  }

static const struct cli_option correct_options[] = {COMMON_OPTIONS, {0}};
static const struct cli_option merge_options[] = {{KEY_FROM, "from", "ID", "the Patient ID that goes"},
                                                  {KEY_TO, "to", "ID", "the Patient ID that stays"},
                                                  COMMON_OPTIONS,
                                                  {0}};

const struct cli_command command_correct = {
    .name = "correct",
    .operands = "STORE WHAT Keyword=value…",
    .summary = "Give instances other values of attributes",
    .details =
        "Each becomes a new version with a new header over the same pixels, and replaces the version before, "
        "which is kept:\n`ls --hidden` and snapshots made before show it. Attributes are keywords or gggg,eeee of "
        "what stands in the object\nitself and is text. The object's Original Attributes Sequence tells what was "
        "there.\n",
    .options = correct_options,
    .operands_min = 3,
    .operands_max = -1,
    .run = run_correct,
};

const struct cli_command command_merge = {
    .name = "merge",
    .operands = "STORE",
    .summary = "Give all images of one patient to another",
    .details = "Corrects Patient ID, its issuer, name, birth date and sex to those of the patient that stays.\n",
    .options = merge_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_merge,
};
