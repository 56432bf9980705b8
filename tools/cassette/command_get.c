/*
 * cassette get: fetches objects from a DICOM node into a folder (C-GET).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_json.h"
#include "cli_text.h"
#include "commands.h"
#include "node_family.h"
#include "remote_get.h"

enum { KEY_JSON = 256 };

static const struct cli_option options[] = {
    {'l', "level", "LEVEL", "patient, study, series or instance (default: as the keys need)"},
    {'f', "force", NULL, "replace files that are there"},
    {'q', "quiet", NULL, "do not show how far it is"},
    {KEY_JSON, "json", NULL, "print one JSON object at the end"},
    REMOTE_OPTIONS,
    {0},
};

struct settings {
  struct remote remote;
  struct remote_keys keys;
  bool force, quiet, json;
};

static int read_settings(struct cli_arguments *arguments, struct settings *settings) {
  int key, code;
  while ((key = cli_option(arguments)) > 0) {
    if (remote_option(arguments, key, &settings->remote, &code)) {
      if (code != CLI_OK) return code;
      continue;
    }
    if (key == 'f') settings->force = true;
    if (key == 'q') settings->quiet = true;
    if (key == KEY_JSON) settings->json = true;
    if (key != 'l') continue;
    settings->keys.level = level_by_name(arguments->value);
    if (settings->keys.level == 0)
      return cli_usage(arguments, "\"%s\" is no level: patient, study, series, instance", arguments->value);
  }
  if (key < 0) return arguments->exit_code;
  code = remote_operand(arguments, 0, &settings->remote);
  if (code == CLI_OK) code = remote_keys_read(arguments, 2, &settings->keys);
  remote_keys_settle(&settings->keys);
  return code;
}

static void report(const struct remote_get *get, const struct settings *settings, double seconds) {
  if (settings->json) {
    json_t *object = json_object();
    cli_json_count(object, "written", get->written);
    cli_json_count(object, "there", get->kept);
    cli_json_count(object, "refused", get->refused);
    cli_json_count(object, "failed", get->counts.failed);
    cli_json_count(object, "bytes", get->bytes);
    cli_json_count(object, "status", get->status);
    json_object_set_new(object, "seconds", json_real(seconds));
    cli_json_print(object);
    return;
  }
  char bytes[CLI_TEXT_MAX], duration[CLI_TEXT_MAX];
  printf("%llu objects (%s) in %s", (unsigned long long)get->written, cli_format_bytes(bytes, get->bytes),
         cli_format_duration(duration, seconds));
  if (get->kept > 0) printf(", %llu were there", (unsigned long long)get->kept);
  if (get->counts.failed > 0) printf(", %u failed", (unsigned)get->counts.failed);
  putchar('\n');
}

static int exit_code(const struct remote_get *get) {
  if (get->interrupted) return CLI_INTERRUPTED;
  if (get->status != DIMSE_SUCCESS)
    cli_error("%s@%s: status %04X: %s", get->remote->called, get->remote->host, get->status,
              remote_status_text(get->status));
  return get->status != DIMSE_SUCCESS || get->refused > 0 || get->written + get->kept == 0 ? CLI_PARTLY : CLI_OK;
}

static int get_into(struct settings *settings, int folder_fd, struct get_proposal *proposal) {
  struct cli_interrupt interrupt;
  struct cas_error error = {0};
  cli_interrupt_open(&interrupt);
  struct remote_get get = {.remote = &settings->remote,
                           .keys = &settings->keys,
                           .folder_fd = folder_fd,
                           .force = settings->force,
                           .interrupt = &interrupt,
                           .progress = cli_progress_create("objects", settings->quiet)};
  if (get.progress == NULL) return cli_fail("get", CAS_NO_MEMORY, NULL);
  cas_status status = get_proposal_make(&settings->remote, &settings->keys, proposal, &error);
  if (status == CAS_OK) status = remote_get_run(&get, proposal, &error);
  const double seconds = cli_progress_seconds(get.progress);
  cli_progress_destroy(get.progress);
  if (status != CAS_OK) return remote_fail(&settings->remote, status, &error);
  report(&get, settings, seconds);
  return exit_code(&get);
}

static int run(struct cli_arguments *arguments) {
  struct settings settings = {0};
  int code = read_settings(arguments, &settings);
  if (code != CLI_OK || arguments->operands == NULL || arguments->operand_count < 3) return code;
  const char *folder = arguments->operands[1];
  if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
    cli_error("%s: %s", folder, strerror(errno));
    return CLI_IO;
  }
  const int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd < 0) {
    cli_error("%s: %s", folder, strerror(errno));
    return CLI_IO;
  }
  CLI_FREE struct get_proposal *proposal = malloc(sizeof *proposal);
  code = proposal != NULL ? get_into(&settings, folder_fd, proposal) : cli_fail("get", CAS_NO_MEMORY, NULL);
  close(folder_fd);
  return code;
}

const struct cli_command command_get = {
    .name = "get",
    .operands = "PEER FOLDER Keyword=value…",
    .summary = "Fetch objects from a DICOM node into a folder (C-GET)",
    .details =
        "PEER is [dicom://][AET@]HOST:PORT. The keys are unique ones: PatientID, StudyInstanceUID,\n"
        "SeriesInstanceUID, SOPInstanceUID, values as lists with backslashes between; a UID alone is a study's.\n"
        "Each object becomes FOLDER/SOPINSTANCEUID.dcm, its data set byte for byte as it came; a file that is\n"
        "there is left alone unless --force is given.\n"
        "Exit status: 0 all came, 1 something did not or nothing matched, 4 no connection.\n",
    .options = options,
    .operands_min = 3,
    .operands_max = -1,
    .run = run,
};
