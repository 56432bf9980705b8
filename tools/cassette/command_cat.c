/*
 * cassette cat: the bytes of an instance on standard output.
 */
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "instance_copy.h"

static const struct cli_option options[] = {
    {'a', "all", NULL, "write all instances meant, one after another"},
    {0},
};

/* How many paths are shown of those that WHAT could mean. */
#define SHOWN_MAX 5

struct selection {
  struct cas_store *store;
  bool all;
  uint64_t count;
  char *path; /* of the first */
  struct cas_error error;
};

static cas_status copy_out(struct selection *selection, const char *path) {
  INSTANCE_READER struct cas_reader *reader = NULL;
  int fd = STDOUT_FILENO;
  cas_status status = cas_reader_open(selection->store, path, &reader, &selection->error);
  return status == CAS_OK ? instance_copy(reader, NULL, instance_write_fd, &fd, &selection->error) : status;
}

/* With --all, writes; else keeps the first path, and shows the first few once there is a second. */
static cas_status take(void *arg, const struct cas_node *node) {
  struct selection *selection = arg;
  selection->count++;
  if (selection->all) return copy_out(selection, node->path);
  if (selection->count == 1) {
    selection->path = strdup(node->path);
    return selection->path ? CAS_OK : CAS_NO_MEMORY;
  }
  if (selection->count == 2) {
    cli_error("this means more than one instance; choose one, or say --all:");
    cli_error("  %s", selection->path);
  }
  cli_error("  %s", node->path);
  return selection->count == SHOWN_MAX ? CAS_END : CAS_OK;
}

static int cat(struct selection *selection, const char *what) {
  cas_status status = cas_select(selection->store, what, take, selection, &selection->error);
  if (status == CAS_OK && selection->count == 1 && !selection->all) status = copy_out(selection, selection->path);
  if (status != CAS_OK && status != CAS_END) return cli_fail(what, status, &selection->error);
  return selection->count > 1 && !selection->all ? CLI_USAGE : CLI_OK;
}

static int run(struct cli_arguments *arguments) {
  struct selection selection = {0};
  int key;
  while ((key = cli_option(arguments)) > 0) selection.all = true;
  if (key < 0) return arguments->exit_code;
  if (!cli_output_takes_bytes()) return CLI_USAGE;
  CLI_STORE struct cas_store *store = NULL;
  int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  selection.store = store;
  code = cat(&selection, arguments->operands[1]);
  free(selection.path);
  return code;
}

const struct cli_command command_cat = {
    .name = "cat",
    .operands = "STORE WHAT",
    .summary = "Write the bytes of one instance to standard output",
    .details = "WHAT must mean exactly one instance, unless --all is given.\n",
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run,
};
