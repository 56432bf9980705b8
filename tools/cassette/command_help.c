/*
 * cassette help [COMMAND].
 */
#include "commands.h"

static int run(struct cli_arguments *arguments) {
  if (cli_option(arguments) != 0) return arguments->exit_code;
  if (arguments->operand_count == 0) {
    commands_print_help(stdout);
    return CLI_OK;
  }
  int used;
  const struct cli_command *command = command_by_words(arguments->operand_count, arguments->operands, &used);
  if (!command) return cli_usage(arguments, "there is no command \"%s\"", arguments->operands[0]);
  cli_print_help(stdout, command);
  return CLI_OK;
}

const struct cli_command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "Explain a command",
    .operands_max = 2,
    .run = run,
};
