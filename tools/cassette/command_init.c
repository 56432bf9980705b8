/*
 * cassette init: a new empty store.
 */
#include "cli_text.h"
#include "commands.h"

static int run(struct cli_arguments *arguments) {
  int key = cli_option(arguments);
  if (key != 0) return arguments->exit_code;
  const char *path = arguments->operands[0];
  struct cas_error error = {0};
  cas_status status = cas_store_init(path, &error);
  if (status != CAS_OK) return cli_fail(path, status, &error);
  printf("made an empty store in ");
  cli_put(stdout, path);
  putchar('\n');
  return CLI_OK;
}

const struct cli_command command_init = {
    .name = "init",
    .operands = "STORE",
    .summary = "Make a new empty store",
    .details = "STORE must not exist or be an empty folder.\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
