/*
 * cassette import: files into the archive, many at once. The main thread reports while walker and lanes work
 * (import.h).
 */
#include <pthread.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "cli_interrupt.h"
#include "commands.h"
#include "control/control_client.h"
#include "import.h"

#define KEY_JOBS 'j'
#define QUEUED_JOBS_MAX 256
#define QUEUED_RESULTS_MAX 512
#define REPORT_INTERVAL_SECONDS 0.1

static const struct cli_option options[] = {
    {'0', "null", NULL, "the list on standard input is separated by NUL bytes"},
    {'j', "jobs", "N", "files read at once (default: twice the processors)"},
    {'q', "quiet", NULL, "say only what was not taken"},
    {'v', "verbose", NULL, "say what became of every file"},
    {256, "json", NULL, "print one JSON object for every file, then a summary"},
    {0},
};

struct settings {
  char separator;
  unsigned lanes;
  enum import_verbosity verbosity;
  bool json;
};

static bool read_settings(struct cli_arguments *arguments, struct settings *settings) {
  unsigned long long number = 2 * (unsigned)get_nprocs();
  *settings = (struct settings){.separator = '\n', .verbosity = IMPORT_NORMAL};
  int key;
  while ((key = cli_option(arguments)) > 0) {
    if (key == '0') settings->separator = '\0';
    if (key == 'q') settings->verbosity = IMPORT_QUIET;
    if (key == 'v') settings->verbosity = IMPORT_VERBOSE;
    if (key == 256) settings->json = true;
    if (key == KEY_JOBS && !cli_number(arguments, arguments->value, 1, IMPORT_LANES_MAX, &number)) return false;
  }
  settings->lanes = number > IMPORT_LANES_MAX ? IMPORT_LANES_MAX : (unsigned)number;
  return key == 0;
}

/* Opens the store for writing; where another process holds it, looks for the daemon. */
static int open_target(struct import *import, const char *path, unsigned *lanes) {
  import->store_path = path;
  import->has_store_facts = stat(path, &import->store_facts) == 0;
  struct cas_error error = {0}, no_daemon = {0};
  cas_status status = cli_store_try(path, CAS_OPEN_WRITE, &import->store, &error);
  if (status == CAS_OK) return CLI_OK;
  if (status != CAS_BUSY) return cli_fail(path, status, &error);
  struct control_client *client = NULL;
  if (control_connect(path, &client, &no_daemon) != CAS_OK) {
    cli_error("%s: %s; and no cassetted answers there: %s", path, cli_reason(status, &error),
              cli_reason(no_daemon.status, &no_daemon));
    return CLI_BUSY;
  }
  control_close(client);
  if (*lanes > CONTROL_CONNECTIONS_MAX / 2) *lanes = CONTROL_CONNECTIONS_MAX / 2;
  return CLI_OK;
}

static void draw(const struct import *import, const struct import_report *report) {
  struct cli_progress_state state = {.files = report->files, .bytes = report->bytes};
  if (atomic_load(&import->surveyed)) {
    state.files_total = atomic_load(&import->files_total);
    state.bytes_total = atomic_load(&import->bytes_total);
  }
  cli_progress_set(report->progress, &state);
}

/* A store that cannot write will not take the next file either. */
static bool is_final(cas_status status) {
  return status == CAS_IO || status == CAS_NO_SPACE || status == CAS_NO_MEMORY || status == CAS_NO_DESCRIPTORS;
}

/* Takes results until every job has come back. Returns whether it was interrupted. */
static bool report_all(struct import *import, struct import_report *report, struct cli_interrupt *interrupt) {
  bool interrupted = false;
  for (uint64_t reported = 0; !atomic_load(&import->walked) || reported < atomic_load(&import->job_count);) {
    struct import_job *job = cli_queue_get_within(import->results, REPORT_INTERVAL_SECONDS);
    if (job) {
      reported++;
      import_report_job(report, job);
      if (import->store) sem_post(&import->in_flight);
      import_job_free(job);
    }
    if (!interrupted && cli_interrupted(interrupt)) {
      interrupted = true;
      cli_progress_line(report->progress, stderr, "cassette: interrupted; finishing what is under way");
    }
    if (interrupted || is_final(report->fault)) atomic_store(&import->stop, true);
    draw(import, report);
  }
  return interrupted;
}

/* Starts up to `count` threads; returns how many. */
static unsigned start(pthread_t *threads, unsigned count, void *(*run)(void *), struct import *import) {
  for (unsigned i = 0; i < count; i++)
    if (pthread_create(&threads[i], NULL, run, import) != 0) return i;
  return count;
}

static int run_threads(struct import *import, struct import_report *report, unsigned lanes_wanted,
                       struct cli_interrupt *interrupt) {
  pthread_t lanes[IMPORT_LANES_MAX], walker, survey;
  unsigned lane_count = start(lanes, lanes_wanted, import_lane_run, import);
  unsigned walker_count = lane_count > 0 ? start(&walker, 1, import_walker_run, import) : 0;
  unsigned survey_count = 0;
  bool interrupted = false;
  if (walker_count > 0) {
    if (report->verbosity != IMPORT_QUIET) survey_count = start(&survey, 1, import_survey_run, import);
    interrupted = report_all(import, report, interrupt);
    atomic_store(&import->stop, true);
  } else {
    cli_queue_close(import->jobs);
  }
  for (unsigned i = 0; i < lane_count; i++) pthread_join(lanes[i], NULL);
  if (walker_count) pthread_join(walker, NULL);
  if (survey_count) pthread_join(survey, NULL);
  if (!walker_count) return cli_fail("threads", CAS_NO_MEMORY, NULL);
  return interrupted ? CLI_INTERRUPTED : CLI_OK;
}

static int exit_code(const struct import_report *report, int run_code) {
  if (run_code != CLI_OK) return run_code;
  if (report->fault != CAS_OK) return cli_exit_code(report->fault);
  return report->refused ? CLI_PARTLY : CLI_OK;
}

static int run(struct cli_arguments *arguments) {
  struct settings settings;
  if (!read_settings(arguments, &settings)) return arguments->exit_code;
  struct cli_interrupt interrupt;
  cli_interrupt_open(&interrupt);
  struct import import = {.interrupt = interrupt.event,
                          .list_separator = settings.separator,
                          .operands = arguments->operands + 1,
                          .operand_count = arguments->operand_count - 1};
  int code = open_target(&import, arguments->operands[0], &settings.lanes);
  if (code != CLI_OK) return code;
  struct import_report report = {.progress = cli_progress_create("files", settings.verbosity == IMPORT_QUIET),
                                 .verbosity = settings.verbosity,
                                 .json = settings.json};
  import.jobs = cli_queue_create(QUEUED_JOBS_MAX);
  import.results = cli_queue_create(QUEUED_RESULTS_MAX);
  sem_init(&import.in_flight, 0, IMPORT_IN_FLIGHT_MAX);
  if (report.progress && import.jobs && import.results)
    code = run_threads(&import, &report, settings.lanes, &interrupt);
  else
    code = cli_fail("import", CAS_NO_MEMORY, NULL);
  double seconds = report.progress ? cli_progress_seconds(report.progress) : 0;
  cas_store_close(import.store);
  cli_progress_destroy(report.progress);
  if (code == CLI_OK || code == CLI_INTERRUPTED) import_report_summary(&report, seconds, code == CLI_INTERRUPTED);
  sem_destroy(&import.in_flight);
  cli_queue_destroy(import.results);
  cli_queue_destroy(import.jobs);
  return exit_code(&report, code);
}

const struct cli_command command_import = {
    .name = "import",
    .operands = "STORE PATH…",
    .summary = "Take DICOM files into a store",
    .details = "PATH is a file, a folder (with everything below it), or - for a list of paths on standard\n"
               "input. What is refused is listed with the reason and does not stop the rest. A file that\n"
               "was reported is durable. Works through cassetted while it holds the store.\n"
               "Exit status: 0 all was taken, 1 some files were refused or unreadable.\n",
    .options = options,
    .operands_min = 2,
    .operands_max = -1,
    .run = run,
};
