/*
 * cassette bench read: how fast whole instances come out of a store.
 */
#include <pthread.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "bench_lanes.h"
#include "cassette/node.h"
#include "cli_queue.h"
#include "commands.h"
#include "instance_copy.h"

#define KEY_JSON 256
#define QUEUED_MAX 1024

static const struct cli_option options[] = {
    {'j', "jobs", "N", "instances read at once, 1 to 256 (default: the processors)"},
    {KEY_JSON, "json", NULL, "print one JSON object"},
    {0},
};

struct reading {
  struct cas_store *store;
  struct cli_queue *paths;
  cas_status status; /* of the walk; read once its thread was joined */
  struct cas_error error;
};

static cas_status add_path(void *arg, const struct cas_node *node) {
  struct reading *reading = arg;
  char *path = strdup(node->path);
  if (path == NULL) return CAS_NO_MEMORY;
  if (cli_queue_put(reading->paths, path)) return CAS_OK;
  free(path);
  return CAS_END; /* the lanes have ended */
}

static void *walk(void *arg) {
  struct reading *reading = arg;
  reading->status = cas_instances_below(reading->store, "", add_path, reading, &reading->error);
  cli_queue_close(reading->paths);
  return NULL;
}

static cas_status count_bytes(void *arg, struct cas_slice bytes, struct cas_error *error) {
  (void)error;
  *(uint64_t *)arg += bytes.size;
  return CAS_OK;
}

static cas_status read_one(void *arg, uint64_t number, uint64_t *bytes, struct cas_error *error) {
  (void)number;
  const struct reading *reading = arg;
  CLI_FREE char *path = cli_queue_get(reading->paths);
  if (path == NULL) return CAS_END;
  INSTANCE_READER struct cas_reader *reader = NULL;
  const cas_status status = cas_reader_open(reading->store, path, &reader, error);
  return status == CAS_OK ? instance_copy(reader, NULL, count_bytes, bytes, error) : status;
}

static int read_all(struct reading *reading, unsigned lanes, bool json) {
  CLI_FREE struct bench_lanes_result *result = calloc(1, sizeof *result);
  pthread_t walker;
  if (result == NULL || pthread_create(&walker, NULL, walk, reading) != 0)
    return cli_fail("bench read", CAS_NO_MEMORY, NULL);
  struct cas_error error = {0};
  cas_status status = bench_lanes_run(lanes, UINT64_MAX, read_one, reading, result, &error);
  cli_queue_close(reading->paths);
  pthread_join(walker, NULL);
  for (char *path; (path = cli_queue_get(reading->paths)) != NULL;) free(path);
  if (status == CAS_OK && reading->status != CAS_END) {
    status = reading->status;
    error = reading->error;
  }
  if (status != CAS_OK) return cli_fail("bench read", status, &error);
  bench_lanes_report(result, "instances", "reading an instance", json);
  return CLI_OK;
}

static int run(struct cli_arguments *arguments) {
  unsigned long long lanes = (unsigned)get_nprocs();
  bool json = false;
  int key;
  while ((key = cli_option(arguments)) > 0) {
    if (key == KEY_JSON) json = true;
    if (key == 'j' && !cli_number(arguments, arguments->value, 1, BENCH_LANES_MAX, &lanes)) return arguments->exit_code;
  }
  if (key < 0) return arguments->exit_code;
  if (lanes > BENCH_LANES_MAX) lanes = BENCH_LANES_MAX;
  CLI_STORE struct cas_store *store = NULL;
  int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  struct reading reading = {.store = store, .paths = cli_queue_create(QUEUED_MAX)};
  code =
      reading.paths != NULL ? read_all(&reading, (unsigned)lanes, json) : cli_fail("bench read", CAS_NO_MEMORY, NULL);
  cli_queue_destroy(reading.paths);
  return code;
}

const struct cli_command command_bench_read = {
    .name = "bench read",
    .operands = "STORE",
    .summary = "Measure how fast whole instances come out of a store",
    .details =
        "Reads every instance once, decoded and checked, and throws it away. Also while the store is written to.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
