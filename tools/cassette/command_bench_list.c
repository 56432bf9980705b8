/*
 * cassette bench list: how fast the tree of a store is walked, folder by folder.
 */
#include "bench_lanes.h"
#include "cassette/node.h"
#include "commands.h"

#define KEY_JSON 256

static const struct cli_option options[] = {{KEY_JSON, "json", NULL, "print one JSON object"}, {0}};

struct listing {
  struct cas_store *store;
  struct cas_error *error;
  uint64_t nodes;
  uint64_t inside_ns;     /* time spent in the folders below the one that is listed */
  struct latency latency; /* of a folder, those below left out */
};

static cas_status list_folder(struct listing *listing, const char *path);

static cas_status take_node(void *arg, const struct cas_node *node) {
  struct listing *listing = arg;
  listing->nodes++;
  return node->level == CAS_LEVEL_INSTANCE ? CAS_OK : list_folder(listing, node->path);
}

/* Recursion ends at the instances, three levels below the patients. */
static cas_status list_folder(struct listing *listing, const char *path) {
  const uint64_t outside_ns = listing->inside_ns;
  listing->inside_ns = 0;
  const double start = bench_clock_seconds();
  const cas_status status = cas_node_list(listing->store, path, NULL, take_node, listing, listing->error);
  const uint64_t taken_ns = (uint64_t)((bench_clock_seconds() - start) * 1e9);
  latency_add(&listing->latency, taken_ns > listing->inside_ns ? taken_ns - listing->inside_ns : 0);
  listing->inside_ns = outside_ns + taken_ns;
  return status;
}

static int run(struct cli_arguments *arguments) {
  bool json = false;
  int key;
  while ((key = cli_option(arguments)) > 0) json = true;
  if (key < 0) return arguments->exit_code;
  CLI_STORE struct cas_store *store = NULL;
  const int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  struct cas_error error = {0};
  CLI_FREE struct listing *listing = calloc(1, sizeof *listing);
  CLI_FREE struct bench_lanes_result *result = calloc(1, sizeof *result);
  if (listing == NULL || result == NULL) return cli_fail("bench list", CAS_NO_MEMORY, NULL);
  listing->store = store;
  listing->error = &error;
  const double start = bench_clock_seconds(), processor_start = bench_processor_seconds();
  const cas_status status = list_folder(listing, "");
  if (status != CAS_OK) return cli_fail("bench list", status, &error);
  *result = (struct bench_lanes_result){.count = listing->nodes,
                                        .seconds = bench_clock_seconds() - start,
                                        .processor_seconds = bench_processor_seconds() - processor_start,
                                        .latency = listing->latency};
  bench_lanes_report(result, "nodes", "a folder", json);
  return CLI_OK;
}

const struct cli_command command_bench_list = {
    .name = "bench list",
    .operands = "STORE",
    .summary = "Measure how fast the tree of a store is walked",
    .details = "Lists every patient, study and series with what is in it.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
