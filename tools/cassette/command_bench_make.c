/*
 * cassette bench make: files to measure with: a synthetic series, or copies of real ones that are new objects.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench_series.h"
#include "cli_interrupt.h"
#include "cli_progress.h"
#include "commands.h"
#include "object_copy.h"

#define CHUNK_BYTES (1u << 20)
#define KEY_SEED 256
#define KEY_COUNT 'n'

static const struct cli_option options[] = {
    {'n', "count", "N", "as many series, or copies of each file (default 1)"},
    {'q', "quiet", NULL, "do not show how far it is"},
    {KEY_SEED, "seed", "N", "other files for another number (default 1)"},
    BENCH_SERIES_OPTIONS,
    {0},
};

/* The files under way. */
struct making {
  const char *folder;
  int fd;          /* of the file that is written */
  char path[4096]; /* its name */
  uint8_t chunk[CHUNK_BYTES];
  struct cli_progress *progress;
  struct cli_progress_state state;
  struct cli_interrupt interrupt;
};

static cas_status fail_system(struct cas_error *error, const char *path) {
  const int code = errno;
  *error = (struct cas_error){.status = code == ENOSPC ? CAS_NO_SPACE : CAS_IO, .system_errno = code};
  snprintf(error->message, sizeof error->message, "%.300s: %s", path, strerrordesc_np(code));
  return error->status;
}

/* Makes the folder, which must not be there, or be empty. */
static cas_status make_folder(const char *path, struct cas_error *error) {
  if (mkdir(path, 0777) == 0) return CAS_OK;
  if (errno != EEXIST) return fail_system(error, path);
  DIR *folder = opendir(path);
  if (folder == NULL) return fail_system(error, path);
  bool empty = true;
  for (const struct dirent *entry; empty && (entry = readdir(folder)) != NULL;)
    empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
  closedir(folder);
  if (empty) return CAS_OK;
  *error = (struct cas_error){.status = CAS_EXISTS};
  snprintf(error->message, sizeof error->message, "%.300s: there is something in it", path);
  return CAS_EXISTS;
}

static cas_status begin_file(struct making *making, uint64_t series, uint64_t image, struct cas_error *error) {
  snprintf(making->path, sizeof making->path, "%s/%04llu", making->folder, (unsigned long long)series + 1);
  if (mkdir(making->path, 0777) != 0 && errno != EEXIST) return fail_system(error, making->path);
  snprintf(making->path, sizeof making->path, "%s/%04llu/%06llu.dcm", making->folder, (unsigned long long)series + 1,
           (unsigned long long)image + 1);
  making->fd = open(making->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  return making->fd >= 0 ? CAS_OK : fail_system(error, making->path);
}

static void show(struct making *making) { cli_progress_set(making->progress, &making->state); }

static cas_status write_bytes(void *arg, struct cas_slice bytes, struct cas_error *error) {
  struct making *making = arg;
  while (bytes.size > 0) {
    const ssize_t written = write(making->fd, bytes.data, bytes.size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_system(error, making->path);
    bytes = (struct cas_slice){.data = bytes.data + written, .size = bytes.size - (size_t)written};
    making->state.bytes += (uint64_t)written;
  }
  show(making);
  return cli_interrupted(&making->interrupt) ? CAS_END : CAS_OK;
}

/* A file that is not whole is taken away. */
static cas_status end_file(struct making *making, cas_status status, struct cas_error *error) {
  if (making->fd < 0) return status;
  if (close(making->fd) != 0 && status == CAS_OK) status = fail_system(error, making->path);
  making->fd = -1;
  if (status != CAS_OK) (void)unlink(making->path);
  making->state.files += status == CAS_OK;
  return status;
}

static cas_status write_copy(struct making *making, const struct object *object, uint64_t seed, uint64_t number,
                             struct cas_error *error) {
  struct object_copy copy;
  cas_status status = object_copy_init(&copy, object->bytes, &object->layout, seed, number, error);
  for (uint64_t offset = 0; status == CAS_OK && offset < object->bytes.size; offset += CHUNK_BYTES) {
    const uint64_t rest = object->bytes.size - offset;
    const size_t size = rest < CHUNK_BYTES ? (size_t)rest : CHUNK_BYTES;
    object_copy_read(&copy, offset, making->chunk, size);
    status = write_bytes(making, (struct cas_slice){.data = making->chunk, .size = size}, error);
  }
  return status;
}

static cas_status make_copies(struct making *making, const struct object_set *set, uint64_t seed, uint64_t count,
                              struct cas_error *error) {
  making->state.files_total = count * set->count;
  making->state.bytes_total = count * set->bytes;
  for (uint64_t number = 0; number < count * set->count; number++) {
    const struct object *object = &set->objects[number % set->count];
    cas_status status = begin_file(making, number / set->count, number % set->count, error);
    if (status == CAS_OK) status = write_copy(making, object, seed, number / set->count, error);
    status = end_file(making, status, error);
    if (status != CAS_OK) return status;
  }
  return CAS_OK;
}

static cas_status make_series(struct making *making, struct synthetic_series *series, uint64_t count,
                              struct cas_error *error) {
  making->state.files_total = count * series->images;
  making->state.bytes_total = count * series->images * synthetic_pixel_bytes(series);
  for (series->number = 0; series->number < count; series->number++) {
    for (uint32_t index = 0; index < series->images; index++) {
      cas_status status = begin_file(making, series->number, index, error);
      if (status == CAS_OK) status = synthetic_object_write(series, index, write_bytes, making, error);
      status = end_file(making, status, error);
      if (status != CAS_OK) return status;
    }
  }
  return CAS_OK;
}

struct settings {
  struct synthetic_series series;
  unsigned long long count, seed;
  bool quiet;
};

static bool read_settings(struct cli_arguments *arguments, struct settings *settings) {
  *settings = (struct settings){.series.images = BENCH_IMAGES_DEFAULT, .count = 1, .seed = 1};
  int key, code;
  while ((key = cli_option(arguments)) > 0) {
    if (bench_series_option(arguments, key, &settings->series, &code)) {
      if (code != CLI_OK) return false;
    } else if (key == 'q') {
      settings->quiet = true;
    } else if (!cli_number(arguments, arguments->value, key == KEY_SEED ? 0 : 1,
                           key == KEY_SEED ? UINT64_MAX : BENCH_COUNT_MAX,
                           key == KEY_SEED ? &settings->seed : &settings->count)) {
      return false;
    }
  }
  settings->series.seed = settings->seed;
  return key == 0;
}

static cas_status make(struct making *making, struct settings *settings, const struct object_set *set,
                       struct cas_error *error) {
  const cas_status status = make_folder(making->folder, error);
  if (status != CAS_OK) return status;
  if (set->count > 0) return make_copies(making, set, settings->seed, settings->count, error);
  return make_series(making, &settings->series, settings->count, error);
}

static int run_with(struct cli_arguments *arguments, struct settings *settings, struct object_set *set,
                    struct making *making) {
  struct cas_error error = {0};
  uint64_t left_out = 0;
  int code = CLI_OK;
  for (int i = 1; code == CLI_OK && i < arguments->operand_count; i++)
    code = bench_set_add_path(set, arguments->operands[i], &left_out);
  if (code != CLI_OK) return code;
  if (arguments->operand_count > 1 && set->count == 0) {
    cli_error("bench make: there is no file that can be copied");
    return CLI_PARTLY;
  }
  cas_status status = synthetic_series_complete(&settings->series, &error);
  if (status != CAS_OK) return cli_fail("bench make", status, &error);
  making->progress = cli_progress_create("files", settings->quiet);
  if (making->progress == NULL) return cli_fail("bench make", CAS_NO_MEMORY, NULL);
  cli_interrupt_open(&making->interrupt);
  status = make(making, settings, set, &error);
  cli_progress_destroy(making->progress);
  if (status == CAS_END) {
    cli_error("interrupted; %llu files are whole", (unsigned long long)making->state.files);
    return CLI_INTERRUPTED;
  }
  if (status != CAS_OK) return cli_fail("bench make", status, &error);
  printf("%llu files, %llu bytes in %s\n", (unsigned long long)making->state.files,
         (unsigned long long)making->state.bytes, making->folder);
  return left_out > 0 ? CLI_PARTLY : CLI_OK;
}

static int run(struct cli_arguments *arguments) {
  struct settings settings;
  if (!read_settings(arguments, &settings)) return arguments->exit_code;
  CLI_FREE struct making *making = calloc(1, sizeof *making);
  if (making == NULL) return cli_fail("bench make", CAS_NO_MEMORY, NULL);
  making->folder = arguments->operands[0];
  making->fd = -1;
  struct object_set set = {0};
  const int code = run_with(arguments, &settings, &set, making);
  object_set_fini(&set);
  return code;
}

const struct cli_command command_bench_make = {
    .name = "bench make",
    .operands = "FOLDER [PATH…]",
    .summary = "Make files to measure with",
    .details =
        "Without PATH: synthetic series of a phantom, CT or MR, the same for the same seed. With PATH, a file or\n"
        "a folder: copies with new Study, Series and SOP Instance UIDs, and a changed sample in each 64 KiB of\n"
        "pixels, so that no archive can take them for the same. FOLDER must not exist, or be empty.\n"
        "Exit status: 0 all was made, 1 some files were left out, or FOLDER has something in it.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = -1,
    .run = run,
};
