/*
 * cassette cat: the bytes of an instance on standard output.
 */
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "disclosure.h"
#include "instance_copy.h"
#include "version_select.h"

#define KEY_VERSION 256

static const struct cli_option options[] = {
    {'a', "all", NULL, "write all instances meant, one after another"},
    {KEY_VERSION, "version", "N", "write version N, also where it is replaced or hidden"},
    {0},
};

/* How many paths are shown of those that WHAT could mean. */
#define SHOWN_MAX 5

struct selection {
  struct cas_store *view;
  uint32_t version;
  bool all;
  uint64_t count;
  uint64_t missing;
  char *path; /* of the first */
  char uid[CAS_UID_TEXT_MAX];
  struct disclosure disclosure;
  struct cas_error error;
};

static cas_status copy_out(struct selection *selection, const char *path, const char *uid) {
  INSTANCE_READER struct cas_reader *reader = NULL;
  int fd = STDOUT_FILENO;
  cas_status status = cas_reader_open(selection->view, path, &reader, &selection->error);
  if (status == CAS_OK) status = instance_copy(reader, NULL, instance_write_fd, &fd, &selection->error);
  if (status == CAS_OK) disclosure_add(&selection->disclosure, uid);
  return status;
}

/* With --all, writes; else keeps the first path, and shows the first few once there is a second. */
static cas_status take(void *arg, const struct cas_node *node) {
  struct selection *selection = arg;
  const char *uid = cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID);
  selection->count++;
  if (selection->all) return copy_out(selection, node->path, uid);
  if (selection->count == 1) {
    selection->path = strdup(node->path);
    snprintf(selection->uid, sizeof selection->uid, "%s", uid);
    return selection->path ? CAS_OK : CAS_NO_MEMORY;
  }
  if (selection->count == 2) {
    cli_error("this means more than one instance; choose one, or say --all:");
    cli_error("  %s", selection->path);
  }
  cli_error("  %s", node->path);
  return selection->count == SHOWN_MAX ? CAS_END : CAS_OK;
}

static void tell_missing(void *arg, const char *uid) {
  struct selection *selection = arg;
  selection->missing++;
  cli_error("%s: no version %u is kept; `cassette history` tells which came", uid, selection->version);
}

static int cat(struct selection *selection, const char *what) {
  cas_status status =
      version_select(selection->view, what, selection->version, take, tell_missing, selection, &selection->error);
  if (status == CAS_OK && selection->count == 1 && !selection->all)
    status = copy_out(selection, selection->path, selection->uid);
  if (status != CAS_OK && status != CAS_END) return cli_fail(what, status, &selection->error);
  if (selection->count > 1 && !selection->all) return CLI_USAGE;
  return selection->missing > 0 ? CLI_PARTLY : CLI_OK;
}

static int run(struct cli_arguments *arguments) {
  struct selection selection = {0};
  int key;
  while ((key = cli_option(arguments)) > 0) {
    if (key == 'a') selection.all = true;
    if (key == KEY_VERSION && !version_read(arguments, false, &selection.version)) return CLI_USAGE;
  }
  if (key < 0) return arguments->exit_code;
  selection.disclosure = (struct disclosure){.store_path = arguments->operands[0], .how = "cassette cat"};
  if (!cli_output_takes_bytes()) return CLI_USAGE;
  CLI_STORE struct cas_store *store = NULL;
  int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  cas_status status = version_view_open(store, selection.version, &selection.view);
  if (status != CAS_OK) return cli_fail(arguments->operands[0], status, NULL);
  code = cat(&selection, arguments->operands[1]);
  disclosure_end(&selection.disclosure);
  version_view_close(store, selection.view);
  free(selection.path);
  return code;
}

const struct cli_command command_cat = {
    .name = "cat",
    .operands = "STORE WHAT",
    .summary = "Write the bytes of one instance to standard output",
    .details = "WHAT must mean exactly one instance, unless --all is given.\n"
               "--version has older versions, as before a correction: of the instance that WHAT means, whether or\n"
               "not the version itself is where WHAT looks.\n",
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run,
};
