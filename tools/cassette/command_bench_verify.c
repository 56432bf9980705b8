/*
 * cassette bench verify: how long a whole check of a store takes.
 */
#include "bench_figures.h"
#include "cli_json.h"
#include "commands.h"

#define KEY_JSON 256

static const struct cli_option options[] = {{KEY_JSON, "json", NULL, "print one JSON object"}, {0}};

static int run(struct cli_arguments *arguments) {
  bool json = false;
  int key;
  while ((key = cli_option(arguments)) > 0) json = true;
  if (key < 0) return arguments->exit_code;
  CLI_STORE struct cas_store *store = NULL;
  const int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  struct cas_error error = {0};
  struct cas_verify_result found = {0};
  const struct cas_verify_options nothing = {0};
  const double start = bench_clock_seconds(), processor_start = bench_processor_seconds();
  const cas_status status = cas_store_verify(store, &nothing, &found, &error);
  if (status != CAS_OK) return cli_fail("bench verify", status, &error);
  const struct bench_figures figures = {.noun = "instances",
                                        .count = found.instances,
                                        .bytes = found.bytes,
                                        .seconds = bench_clock_seconds() - start,
                                        .processor_seconds = bench_processor_seconds() - processor_start};
  const uint64_t findings = found.damaged_records + found.damaged_instances + found.index_findings;
  if (json) {
    json_t *object = json_object();
    bench_figures_json(&figures, object);
    cli_json_count(object, "records", found.records);
    cli_json_count(object, "findings", findings);
    cli_json_print(object);
  } else {
    bench_figures_print(&figures);
  }
  if (findings == 0) return CLI_OK;
  cli_error("%llu findings; `cassette verify` lists them", (unsigned long long)findings);
  return CLI_PARTLY;
}

const struct cli_command command_bench_verify = {
    .name = "bench verify",
    .operands = "STORE",
    .summary = "Measure how long a whole check of a store takes",
    .details = "Checks as `cassette verify` does: every record of every segment, then every instance.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
