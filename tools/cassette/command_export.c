/*
 * cassette export: instances out of the archive, byte for byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "export.h"
#include "version_select.h"

#define KEY_JSON 256
#define KEY_VERSION 257

static const struct cli_option options[] = {
    {'f', "force", NULL, "replace files that differ"},
    {'q', "quiet", NULL, "say only what failed"},
    {'v', "verbose", NULL, "say what became of every instance"},
    {KEY_VERSION, "version", "N|all", "copy version N, or all, also where they are replaced or hidden"},
    {KEY_JSON, "json", NULL, "print one JSON object for every instance, then a summary"},
    {0},
};

struct settings {
  bool force, quiet, verbose, json;
  uint32_t version;
};

struct walk {
  struct export *export;
  uint32_t version;
  struct export_sink *sink;
};

static cas_status put_node(void *arg, const struct cas_node *node) {
  struct walk *walk = arg;
  if (cli_interrupted(walk->export->interrupt)) atomic_store(&walk->export->stop, true);
  if (atomic_load(&walk->export->stop)) return CAS_END;
  struct export_item *item = calloc(1, sizeof *item);
  if (item) item->path = strdup(node->path);
  if (!item || !item->path) {
    export_item_free(item);
    return CAS_NO_MEMORY;
  }
  snprintf(item->uid, sizeof item->uid, "%s", cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID));
  item->arrival_ns = node->first_arrival_ns;
  item->bytes = node->bytes;
  return walk->sink->put(walk->sink, item);
}

static void tell_missing(void *arg, const char *uid) {
  const struct walk *walk = arg;
  struct cas_error error = {.status = CAS_NOT_FOUND};
  snprintf(error.message, sizeof error.message, "no version %u is kept", walk->version);
  export_report_missing(walk->export, uid, CAS_NOT_FOUND, &error);
}

/* Hands everything meant to the sink. What is not found is said and counted; other failures end it. */
static cas_status put_all(struct walk *walk, char *const *whats, int count, struct cas_error *error) {
  struct cas_store *view = walk->export->store;
  if (count == 0) return version_select(view, NULL, walk->version, put_node, tell_missing, walk, error);
  for (int i = 0; i < count; i++) {
    cas_status status = version_select(view, whats[i], walk->version, put_node, tell_missing, walk, error);
    if (status == CAS_NOT_FOUND || status == CAS_INVALID)
      export_report_missing(walk->export, whats[i], status, error);
    else if (status != CAS_OK)
      return status;
  }
  return CAS_OK;
}

static cas_status count_to_two(void *arg, const struct cas_node *node) {
  (void)node;
  return ++*(unsigned *)arg == 2 ? CAS_END : CAS_OK;
}

static void count_nothing(void *arg, const char *uid) {
  (void)arg;
  (void)uid;
}

static bool means_one_instance(struct cas_store *view, uint32_t version, char *const *whats, int count) {
  unsigned instances = 0;
  if (count != 1) return false;
  cas_status status = version_select(view, whats[0], version, count_to_two, count_nothing, &instances, NULL);
  return status == CAS_OK && instances == 1;
}

/* Makes a folder and those above it. */
static int make_folders(const char *path) {
  CLI_FREE char *copy = strdup(path);
  if (!copy) return ENOMEM;
  for (char *at = copy + 1; *at; at++) {
    if (*at != '/') continue;
    *at = '\0';
    if (mkdir(copy, 0777) != 0 && errno != EEXIST) return errno;
    *at = '/';
  }
  return mkdir(copy, 0777) != 0 && errno != EEXIST ? errno : 0;
}

/* Opens the folder to write into; for a file, the one around it, and *name receives the file's name, which the caller
 * frees. Says what went wrong and returns -1. */
static int open_destination(const char *path, bool one_instance, char **name) {
  struct stat facts;
  size_t length = strlen(path);
  bool is_there = stat(path, &facts) == 0;
  bool is_file = length > 0 && path[length - 1] != '/' && !(is_there && S_ISDIR(facts.st_mode)) && one_instance;
  CLI_FREE char *folder = strdup(path), *last = strdup(path);
  if (!folder || !last) return -1;
  const char *at = is_file ? dirname(folder) : path;
  int problem = is_file ? 0 : make_folders(path);
  int fd = problem ? -1 : open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    cli_error("%s: %s%s", path, strerror(problem ? problem : errno),
              is_there && !is_file && !S_ISDIR(facts.st_mode) ? "; only a single instance goes into a file" : "");
    return -1;
  }
  *name = is_file ? strdup(basename(last)) : NULL;
  return fd;
}

static void set_totals(struct export *export) {
  struct cas_stats stats;
  if (cas_store_stats(export->store, &stats, NULL) != CAS_OK) return;
  export->files_total = stats.instances;
  export->bytes_total = stats.instance_bytes;
}

static int exit_code(struct export *export, cas_status walked, cas_status finished) {
  if (cli_interrupted(export->interrupt)) return CLI_INTERRUPTED;
  if (export->fault != CAS_OK) return cli_exit_code(export->fault);
  if (walked != CAS_OK && walked != CAS_END) return cli_exit_code(walked);
  if (finished != CAS_OK) return cli_exit_code(finished);
  return export->failed || export->not_found ? CLI_PARTLY : CLI_OK;
}

static int export_to(struct export *export, struct export_sink *sink, const struct cli_arguments *arguments,
                     const struct settings *settings, FILE *summary) {
  struct walk walk = {.export = export, .version = settings->version, .sink = sink};
  struct cas_error error = {0}, finish_error = {0};
  cas_status walked = put_all(&walk, arguments->operands + 2, arguments->operand_count - 2, &error);
  cas_status finished = sink->finish(sink, &finish_error);
  if (walked != CAS_OK && walked != CAS_END && export->fault == CAS_OK) cli_fail("export", walked, &error);
  if (finished != CAS_OK) cli_fail(arguments->operands[1], finished, &finish_error);
  if (!settings->quiet || export->json) export_summary(export, summary);
  return exit_code(export, walked, finished);
}

static int export_anywhere(struct export *export, const struct cli_arguments *arguments,
                           const struct settings *settings) {
  const char *destination = arguments->operands[1];
  bool is_tar = strcmp(destination, "-") == 0;
  CLI_FREE char *name = NULL;
  struct export_sink *sink = NULL;
  if (is_tar) {
    sink = export_tar_create(export);
  } else {
    bool one =
        means_one_instance(export->store, settings->version, arguments->operands + 2, arguments->operand_count - 2);
    int folder_fd = open_destination(destination, one, &name);
    if (folder_fd < 0) return CLI_IO;
    sink = export_folder_create(export, folder_fd, name);
    if (!sink) close(folder_fd);
  }
  if (!sink) return cli_fail("export", CAS_NO_MEMORY, NULL);
  if (arguments->operand_count == 2 && settings->version == VERSION_SHOWN) set_totals(export);
  return export_to(export, sink, arguments, settings, is_tar ? stderr : stdout);
}

static int export_view(struct cas_store *view, const struct cli_arguments *arguments, const struct settings *settings,
                       struct cli_interrupt *interrupt) {
  struct export export = {.store = view,
                          .force = settings->force,
                          .json = settings->json,
                          .verbose = settings->verbose && strcmp(arguments->operands[1], "-") != 0,
                          .progress = cli_progress_create("instances", settings->quiet),
                          .interrupt = interrupt,
                          .disclosure = {.store_path = arguments->operands[0], .how = "cassette export"},
                          .lock = PTHREAD_MUTEX_INITIALIZER};
  if (!export.progress) return cli_fail("export", CAS_NO_MEMORY, NULL);
  int code = export_anywhere(&export, arguments, settings);
  disclosure_end(&export.disclosure);
  cli_progress_destroy(export.progress);
  return code;
}

static int run(struct cli_arguments *arguments) {
  struct settings settings = {0};
  int key;
  while ((key = cli_option(arguments)) > 0) {
    if (key == 'f') settings.force = true;
    if (key == 'q') settings.quiet = true;
    if (key == 'v') settings.verbose = true;
    if (key == KEY_JSON) settings.json = true;
    if (key == KEY_VERSION && !version_read(arguments, true, &settings.version)) return CLI_USAGE;
  }
  if (key < 0) return arguments->exit_code;
  bool is_tar = strcmp(arguments->operands[1], "-") == 0;
  if (is_tar && settings.json) return cli_usage(arguments, "--json and a tar stream both want standard output");
  if (is_tar && !cli_output_takes_bytes()) return CLI_USAGE;
  struct cli_interrupt interrupt;
  cli_interrupt_open(&interrupt);
  CLI_STORE struct cas_store *store = NULL;
  int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  struct cas_store *view;
  cas_status status = version_view_open(store, settings.version, &view);
  if (status != CAS_OK) return cli_fail("export", status, NULL);
  code = export_view(view, arguments, &settings, &interrupt);
  version_view_close(store, view);
  return code;
}

const struct cli_command command_export = {
    .name = "export",
    .operands = "STORE DEST [WHAT…]",
    .summary = "Copy instances out of a store, byte for byte",
    .details = "DEST is a folder, which gets the tree; a file, where one WHAT means exactly one instance and\n"
               "DEST is no folder; or - for a tar stream on standard output. Without WHAT everything is\n"
               "copied. A file that is there with other bytes is left alone unless --force is given.\n"
               "--version 1 has the objects as they first came, before corrections; versions have names of their\n"
               "own in the tree. What has no such version is named, and the exit status is 1.\n"
               "Exit status: 0 all was copied, 1 something was not.\n",
    .options = options,
    .operands_min = 2,
    .operands_max = -1,
    .run = run,
};
