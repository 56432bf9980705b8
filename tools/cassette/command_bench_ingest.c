/*
 * cassette bench ingest: how fast a store takes objects that lie in memory.
 */
#include "bench_lanes.h"
#include "bench_series.h"
#include "cassette/ingest.h"
#include "commands.h"
#include "object_copy.h"

enum { KEY_SEED = 256, KEY_JSON };

#define PIECE_BYTES (128u << 10)

static const struct cli_option options[] = {
    {'j', "jobs", "N", "objects on their way at once, 1 to 256 (default 16)"},
    {'n', "count", "N", "take everything as many times, anew each (default 1)"},
    {KEY_SEED, "seed", "N", "of the new UIDs (default 1)"},
    {KEY_JSON, "json", NULL, "print one JSON object"},
    BENCH_SERIES_OPTIONS,
    {0},
};

struct settings {
  struct synthetic_series series;
  unsigned long long lanes, count, seed;
  bool json;
};

struct ingesting {
  struct cas_store *store;
  const struct object_set *set;
  uint64_t seed;
};

/* Writes the copy piece by piece, as it would come from a file or the network. */
static cas_status write_copy(struct cas_ingest *ingest, const struct object_copy *copy, struct cas_error *error) {
  CLI_FREE uint8_t *piece = malloc(PIECE_BYTES);
  if (piece == NULL) return CAS_NO_MEMORY;
  for (uint64_t offset = 0; offset < copy->original.size; offset += PIECE_BYTES) {
    const uint64_t rest = copy->original.size - offset;
    const struct cas_slice bytes = {.data = piece, .size = rest < PIECE_BYTES ? (size_t)rest : PIECE_BYTES};
    object_copy_read(copy, offset, piece, bytes.size);
    const cas_status status = cas_ingest_write(ingest, bytes, error);
    if (status != CAS_OK) return status;
  }
  return CAS_OK;
}

static cas_status take_one(void *arg, uint64_t number, uint64_t *bytes, struct cas_error *error) {
  const struct ingesting *ingesting = arg;
  const struct object *object = &ingesting->set->objects[number % ingesting->set->count];
  const struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT, .description = "cassette bench ingest"};
  struct object_copy copy;
  struct cas_ingest *ingest;
  cas_status status =
      object_copy_init(&copy, object->bytes, &object->layout, ingesting->seed, number / ingesting->set->count, error);
  if (status == CAS_OK) status = cas_ingest_begin(ingesting->store, &source, &ingest, error);
  if (status != CAS_OK) return status;
  status = write_copy(ingest, &copy, error);
  if (status != CAS_OK) {
    cas_ingest_abort(ingest);
    return status;
  }
  struct cas_ingest_result result;
  *bytes = object->bytes.size;
  return cas_ingest_commit(ingest, &result, error);
}

static bool read_settings(struct cli_arguments *arguments, struct settings *settings) {
  *settings =
      (struct settings){.series = {.images = BENCH_IMAGES_DEFAULT, .seed = 1}, .lanes = 16, .count = 1, .seed = 1};
  int key, code;
  while ((key = cli_option(arguments)) > 0) {
    bool fits = true;
    if (bench_series_option(arguments, key, &settings->series, &code))
      fits = code == CLI_OK;
    else if (key == 'j')
      fits = cli_number(arguments, arguments->value, 1, BENCH_LANES_MAX, &settings->lanes);
    else if (key == 'n')
      fits = cli_number(arguments, arguments->value, 1, BENCH_COUNT_MAX, &settings->count);
    else if (key == KEY_SEED)
      fits = cli_number(arguments, arguments->value, 0, UINT64_MAX, &settings->seed);
    else
      settings->json = true;
    if (!fits) return false;
  }
  return key == 0;
}

static int ingest_set(const char *path, const struct settings *settings, const struct object_set *set) {
  struct cas_error error = {0};
  cas_status status = cas_store_init(path, &error);
  if (status != CAS_OK) return cli_fail(path, status, &error);
  CLI_STORE struct cas_store *store = NULL;
  const int code = cli_store_open(path, CAS_OPEN_WRITE, &store);
  if (code != CLI_OK) return code;
  CLI_FREE struct bench_lanes_result *result = calloc(1, sizeof *result);
  if (result == NULL) return cli_fail("bench ingest", CAS_NO_MEMORY, NULL);
  struct ingesting ingesting = {.store = store, .set = set, .seed = settings->seed};
  status =
      bench_lanes_run((unsigned)settings->lanes, settings->count * set->count, take_one, &ingesting, result, &error);
  if (status != CAS_OK) return cli_fail("bench ingest", status, &error);
  bench_lanes_report(result, "images", "an image until durable", settings->json);
  return CLI_OK;
}

static int run(struct cli_arguments *arguments) {
  struct settings settings;
  if (!read_settings(arguments, &settings)) return arguments->exit_code;
  struct object_set set = {0};
  uint64_t left_out = 0;
  int code = bench_set_gather(arguments, &settings.series, &set, &left_out);
  if (code == CLI_OK) code = ingest_set(arguments->operands[0], &settings, &set);
  object_set_fini(&set);
  return code == CLI_OK && left_out > 0 ? CLI_PARTLY : code;
}

const struct cli_command command_bench_ingest = {
    .name = "bench ingest",
    .operands = "STORE [PATH…]",
    .summary = "Measure how fast a new store takes objects from memory",
    .details =
        "Makes STORE, which must not exist or be an empty folder, and leaves it there: `bench read`, `bench\n"
        "verify` and `bench list` measure it further. Takes the DICOM files of PATH, files or folders, or without\n"
        "PATH a synthetic series; each as a new object, as `bench make` copies them. An image counts when it is\n"
        "durable.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = -1,
    .run = run,
};
