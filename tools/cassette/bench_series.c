/*
 * Owns nothing.
 */
#include "bench_series.h"

#include <string.h>

#include "file_walk.h"

bool bench_series_option(struct cli_arguments *arguments, int key, struct synthetic_series *series, int *code) {
  static const struct {
    int key;
    unsigned long long least, most;
  } numbers[] = {{BENCH_KEY_IMAGES, 1, BENCH_COUNT_MAX},
                 {BENCH_KEY_FRAMES, 1, 1000000},
                 {BENCH_KEY_ROWS, 1, PHANTOM_SIDE_MAX},
                 {BENCH_KEY_COLUMNS, 1, PHANTOM_SIDE_MAX},
                 {BENCH_KEY_BITS, 8, 16}};
  *code = CLI_OK;
  if (key == BENCH_KEY_KIND) {
    if (strcmp(arguments->value, "ct") != 0 && strcmp(arguments->value, "mr") != 0)
      *code = cli_usage(arguments, "\"%s\" is neither ct nor mr", arguments->value);
    series->kind = strcmp(arguments->value, "mr") == 0 ? PHANTOM_MR : PHANTOM_CT;
    return true;
  }
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    unsigned long long number;
    if (numbers[i].key != key) continue;
    if (!cli_number(arguments, arguments->value, numbers[i].least, numbers[i].most, &number)) {
      *code = CLI_USAGE;
      return true;
    }
    switch (key) {
    case BENCH_KEY_IMAGES: series->images = (uint32_t)number; break;
    case BENCH_KEY_FRAMES: series->frames = (uint32_t)number; break;
    case BENCH_KEY_ROWS: series->rows = (uint32_t)number; break;
    case BENCH_KEY_COLUMNS: series->columns = (uint32_t)number; break;
    default: series->bits = (unsigned)number; break;
    }
    return true;
  }
  return false;
}

struct adding {
  struct object_set *set;
  uint64_t *left_out;
  int code;
};

static bool add_file(void *arg, const char *path, const struct stat *facts, const char *problem) {
  (void)facts;
  struct adding *adding = arg;
  struct cas_error error = {0};
  cas_status status = CAS_OK;
  if (problem == NULL) status = object_set_add_file(adding->set, path, &error);
  if (problem == NULL && status == CAS_OK) return true;
  if (status == CAS_NO_MEMORY) {
    adding->code = cli_fail(path, status, &error);
    return false;
  }
  cli_error("%s: left out: %s", path, problem != NULL ? problem : cli_reason(status, &error));
  ++*adding->left_out;
  return true;
}

int bench_set_add_path(struct object_set *set, const char *path, uint64_t *left_out) {
  struct adding adding = {.set = set, .left_out = left_out, .code = CLI_OK};
  (void)file_walk(path, NULL, add_file, &adding);
  return adding.code;
}

static cas_status append(void *arg, struct cas_slice bytes, struct cas_error *error) {
  (void)error;
  return cas_buffer_append(arg, bytes);
}

static int add_series(struct object_set *set, const struct synthetic_series *series) {
  cas_status status = CAS_OK;
  struct cas_error error = {0};
  for (uint32_t index = 0; status == CAS_OK && index < series->images; index++) {
    struct cas_buffer bytes = {0};
    status = synthetic_object_write(series, index, append, &bytes, &error);
    if (status == CAS_OK) status = object_set_add_bytes(set, &bytes, &error);
    cas_buffer_fini(&bytes);
  }
  return status == CAS_OK ? CLI_OK : cli_fail("a synthetic series", status, &error);
}

int bench_set_gather(const struct cli_arguments *arguments, struct synthetic_series *series, struct object_set *set,
                     uint64_t *left_out) {
  struct cas_error error = {0};
  int code = CLI_OK;
  for (int i = 1; code == CLI_OK && i < arguments->operand_count; i++)
    code = bench_set_add_path(set, arguments->operands[i], left_out);
  if (code != CLI_OK || set->count > 0) return code;
  if (arguments->operand_count > 1) {
    cli_error("%s: there is no file that can be copied", arguments->command->name);
    return CLI_PARTLY;
  }
  const cas_status status = synthetic_series_complete(series, &error);
  return status == CAS_OK ? add_series(set, series) : cli_fail(arguments->command->name, status, &error);
}
