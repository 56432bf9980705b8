/*
 * cassette version.
 */
#include "cli_json.h"
#include "commands.h"

static const struct cli_option options[] = {{256, "json", NULL, "print a JSON object"}, {0}};

static int run(struct cli_arguments *arguments) {
  bool json = false;
  int key;
  while ((key = cli_option(arguments)) > 0) json = true;
  if (key < 0) return arguments->exit_code;
  if (!json) {
    printf("cassette %s\n", cas_version());
    return CLI_OK;
  }
  json_t *object = json_object();
  cli_json_text(object, "version", cas_version());
  cli_json_print(object);
  return CLI_OK;
}

const struct cli_command command_version = {
    .name = "version",
    .operands = "",
    .summary = "Show which version this is",
    .options = options,
    .run = run,
};
