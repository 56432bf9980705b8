/*
 * cassette rebuild: the index, made anew from the segments.
 */
#include "cli_interrupt.h"
#include "cli_json.h"
#include "cli_progress.h"
#include "cli_text.h"
#include "commands.h"

#define KEY_JSON 256

static const struct cli_option options[] = {{'q', "quiet", NULL, "say only what went wrong"},
                                            {KEY_JSON, "json", NULL, "print one JSON object at the end"},
                                            {0}};

struct rebuilding {
  struct cli_progress *progress;
  struct cli_interrupt interrupt;
  uint64_t instances, bytes, warnings;
};

static cas_status on_progress(void *arg, const struct cas_progress *now) {
  struct rebuilding *rebuilding = arg;
  if (cli_interrupted(&rebuilding->interrupt)) return CAS_END;
  rebuilding->instances = now->instances;
  rebuilding->bytes = now->done;
  struct cli_progress_state state = {.files = now->instances, .bytes = now->done, .bytes_total = now->total};
  cli_progress_set(rebuilding->progress, &state);
  return CAS_OK;
}

static void print_log(void *arg, enum cas_log_level level, const char *line) {
  struct rebuilding *rebuilding = arg;
  if (level > CAS_LOG_WARNING) return;
  rebuilding->warnings++;
  CLI_FREE char *escaped = cli_escape(line);
  if (escaped) cli_progress_line(rebuilding->progress, stderr, escaped);
}

static void print_json(const struct rebuilding *rebuilding, double seconds) {
  json_t *object = json_object();
  cli_json_count(object, "instances", rebuilding->instances);
  cli_json_count(object, "bytes", rebuilding->bytes);
  cli_json_count(object, "warnings", rebuilding->warnings);
  json_object_set_new(object, "seconds", json_real(seconds));
  cli_json_print(object);
}

static void print_text(const struct rebuilding *rebuilding, double seconds) {
  char instances[CLI_TEXT_MAX], bytes[CLI_TEXT_MAX], rate[CLI_TEXT_MAX];
  double elapsed = seconds > 0.001 ? seconds : 0.001;
  printf("the index has %s instances, made in %.1f s from %s of segments (%s/s)\n",
         cli_format_count(instances, rebuilding->instances), seconds, cli_format_bytes(bytes, rebuilding->bytes),
         cli_format_bytes(rate, (uint64_t)((double)rebuilding->bytes / elapsed)));
}

static int run(struct cli_arguments *arguments) {
  struct rebuilding rebuilding = {0};
  bool quiet = false, json = false;
  int key;
  while ((key = cli_option(arguments)) > 0) *(key == KEY_JSON ? &json : &quiet) = true;
  if (key < 0) return arguments->exit_code;
  cli_interrupt_open(&rebuilding.interrupt);
  rebuilding.progress = cli_progress_create("instances", quiet);
  if (!rebuilding.progress) return cli_fail("rebuild", CAS_NO_MEMORY, NULL);
  struct cas_store_options store_options = {.mode = CAS_OPEN_WRITE, .log = print_log, .log_arg = &rebuilding};
  struct cas_error error = {0};
  const char *path = arguments->operands[0];
  cas_status status = cas_store_rebuild(path, &store_options, on_progress, &rebuilding, &error);
  double seconds = cli_progress_seconds(rebuilding.progress);
  cli_progress_destroy(rebuilding.progress);
  if (status == CAS_END && cli_interrupted(&rebuilding.interrupt)) {
    cli_error("interrupted; the old index is as it was");
    return CLI_INTERRUPTED;
  }
  if (status != CAS_OK) return cli_fail(path, status, &error);
  if (json)
    print_json(&rebuilding, seconds);
  else if (!quiet)
    print_text(&rebuilding, seconds);
  return rebuilding.warnings ? CLI_PARTLY : CLI_OK;
}

const struct cli_command command_rebuild = {
    .name = "rebuild",
    .operands = "STORE",
    .summary = "Make the index anew from the segments",
    .details =
        "Nothing may have the store open for writing. The old index is replaced when the new one is whole.\n"
        "Exit status: 0 all was well, 1 the index was made, but something in the segments is damaged, or the old\n"
        "index cannot be removed; whatever opens the store for writing tries again.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
