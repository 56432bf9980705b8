/*
 * cassette bench send: a load on a storage provider, and how it took it.
 */
#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "bench_figures.h"
#include "bench_series.h"
#include "cli_interrupt.h"
#include "cli_json.h"
#include "cli_progress.h"
#include "commands.h"
#include "load.h"
#include "remote.h"

enum { KEY_SEED = 256, KEY_SAME, KEY_JSON };

#define RATE_MAX 1e6

static const struct cli_option options[] = {
    {'a', "associations", "N", "scanners that send at once, 1 to 1024 (default 1)"},
    {'n', "count", "N", "send everything as many times, anew each (default 1)"},
    {'r', "rate", "N", "images a second, of all scanners together (default: as fast as it goes)"},
    {'q', "quiet", NULL, "do not show how far it is"},
    {KEY_SAME, "same", NULL, "send the objects as they are, without new UIDs"},
    {KEY_SEED, "seed", "N", "of the new UIDs (default: others each time)"},
    {KEY_JSON, "json", NULL, "print one JSON object"},
    REMOTE_OPTIONS,
    BENCH_SERIES_OPTIONS,
    {0},
};

struct settings {
  struct remote remote;
  struct synthetic_series series;
  unsigned long long scanners, count, seed;
  double rate;
  bool quiet, same, json;
};

static bool read_rate(struct cli_arguments *arguments, double *rate) {
  char *end;
  errno = 0;
  const double value = strtod(arguments->value, &end);
  if (end != arguments->value && *end == '\0' && errno == 0 && value > 0 && value <= RATE_MAX) {
    *rate = value;
    return true;
  }
  cli_usage(arguments, "\"%s\" is no rate: a number above 0, at most %.0f", arguments->value, RATE_MAX);
  return false;
}

static bool take(struct cli_arguments *arguments, int key, struct settings *settings) {
  int code;
  if (bench_series_option(arguments, key, &settings->series, &code)) return code == CLI_OK;
  if (remote_option(arguments, key, &settings->remote, &code)) return code == CLI_OK;
  switch (key) {
  case 'a': return cli_number(arguments, arguments->value, 1, LOAD_SCANNERS_MAX, &settings->scanners);
  case 'n': return cli_number(arguments, arguments->value, 1, BENCH_COUNT_MAX, &settings->count);
  case 'r': return read_rate(arguments, &settings->rate);
  case 'q': settings->quiet = true; return true;
  case KEY_SAME: settings->same = true; return true;
  case KEY_SEED: return cli_number(arguments, arguments->value, 0, UINT64_MAX, &settings->seed);
  default: settings->json = true; return true;
  }
}

static bool read_settings(struct cli_arguments *arguments, struct settings *settings) {
  *settings = (struct settings){.series = {.images = BENCH_IMAGES_DEFAULT, .seed = 1}, .scanners = 1, .count = 1};
  if (getrandom(&settings->seed, sizeof settings->seed, 0) != sizeof settings->seed)
    settings->seed = (unsigned long long)time(NULL);
  int key;
  while ((key = cli_option(arguments)) > 0)
    if (!take(arguments, key, settings)) return false;
  return key == 0;
}

/* --- reporting --- */

static struct bench_figures figures_of(const struct load_result *result) {
  return (struct bench_figures){.noun = "images",
                                .operation = "C-STORE",
                                .count = result->objects,
                                .bytes = result->bytes,
                                .seconds = result->seconds,
                                .processor_seconds = result->processor_seconds,
                                .latency = &result->latency};
}

static void report_json(const struct load_result *result, const struct settings *settings) {
  json_t *object = json_object(), *statuses = json_object();
  const struct bench_figures figures = figures_of(result);
  cli_json_count(object, "associations", settings->scanners);
  bench_figures_json(&figures, object);
  cli_json_count(object, "failed", result->failed);
  cli_json_count(object, "refused", result->refused);
  cli_json_count(object, "lost", result->lost);
  cli_json_count(object, "unsent", result->unsent);
  for (size_t i = 0; i < result->status_count; i++) {
    char name[8];
    snprintf(name, sizeof name, "%04X", result->statuses[i].status);
    cli_json_count(statuses, name, result->statuses[i].count);
  }
  json_object_set_new(object, "statuses", statuses);
  if (result->error.status != CAS_OK) cli_json_text(object, "error", cli_reason(result->error.status, &result->error));
  cli_json_print(object);
}

static void report_failures(const struct load_result *result) {
  for (size_t i = 0; i < result->status_count; i++)
    if (result->statuses[i].status != DIMSE_SUCCESS)
      cli_error("%llu answers with status %04X: %s", (unsigned long long)result->statuses[i].count,
                result->statuses[i].status, remote_status_text(result->statuses[i].status));
  if (result->refused > 0)
    cli_error("%llu images: the peer does not take their SOP class in their transfer syntax",
              (unsigned long long)result->refused);
  if (result->lost > 0) cli_error("%llu images: no answer", (unsigned long long)result->lost);
  if (result->unsent > 0) cli_error("%llu images were not sent", (unsigned long long)result->unsent);
  if (result->error.status != CAS_OK) cli_error("%s", cli_reason(result->error.status, &result->error));
}

struct watch {
  struct cli_progress *progress;
  struct cli_progress_state state;
  struct cli_interrupt interrupt;
  bool interrupted;
};

static bool watch(void *arg, uint64_t objects, uint64_t bytes) {
  struct watch *watching = arg;
  watching->state.files = objects;
  watching->state.bytes = bytes;
  cli_progress_set(watching->progress, &watching->state);
  if (cli_interrupted(&watching->interrupt)) watching->interrupted = true;
  return !watching->interrupted;
}

static int send_set(struct settings *settings, const struct object_set *set) {
  const struct remote *remote = &settings->remote;
  struct watch watching = {
      .progress = cli_progress_create("images", settings->quiet),
      .state = {.files_total = settings->count * set->count, .bytes_total = settings->count * set->bytes}};
  CLI_FREE struct load_result *result = calloc(1, sizeof *result);
  if (watching.progress == NULL || result == NULL) {
    cli_progress_destroy(watching.progress);
    return cli_fail("bench send", CAS_NO_MEMORY, NULL);
  }
  cli_interrupt_open(&watching.interrupt);
  const struct load_options load = {.peer = remote_requestor_options(remote),
                                    .set = set,
                                    .scanners = (unsigned)settings->scanners,
                                    .repetitions = settings->count,
                                    .rate = settings->rate,
                                    .seed = settings->seed,
                                    .same = settings->same,
                                    .progress = watch,
                                    .arg = &watching};
  struct cas_error error = {0};
  const cas_status status = load_run(&load, result, &error);
  cli_progress_destroy(watching.progress);
  if (status != CAS_OK) return remote_fail(remote, status, &error);
  const struct bench_figures figures = figures_of(result);
  if (settings->json)
    report_json(result, settings);
  else
    bench_figures_print(&figures);
  report_failures(result);
  if (watching.interrupted) return CLI_INTERRUPTED;
  return result->failed + result->unsent > 0 ? CLI_PARTLY : CLI_OK;
}

static int run(struct cli_arguments *arguments) {
  struct settings settings;
  if (!read_settings(arguments, &settings)) return arguments->exit_code;
  int code = remote_operand(arguments, 0, &settings.remote);
  if (code != CLI_OK) return code;
  struct object_set set = {0};
  uint64_t left_out = 0;
  code = bench_set_gather(arguments, &settings.series, &set, &left_out);
  if (code == CLI_OK) code = send_set(&settings, &set);
  object_set_fini(&set);
  return code == CLI_OK && left_out > 0 ? CLI_PARTLY : code;
}

const struct cli_command command_bench_send = {
    .name = "bench send",
    .operands = "PEER [PATH…]",
    .summary = "Send to a DICOM node as many scanners at once would, and measure it (C-STORE)",
    .details =
        "PEER is [dicom://][AET@]HOST:PORT. Sends the DICOM files of PATH, files or folders, or without PATH a\n"
        "synthetic series; each as a new object, as `bench make` copies them. Reports images and bytes a second,\n"
        "how long a C-STORE took (percentiles), the processor time of this command, and failures by status.\n"
        "It leaves what it sends in the archive: measure with an archive that may be thrown away.\n"
        "Exit status: 0 all was stored, 1 something was not, 4 no connection.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = -1,
    .run = run,
};
