/*
 * cassette segment dump: the text twin of the segments.
 */
#include "cli_text.h"
#include "commands.h"

static cas_status print_line(void *arg, const char *line) {
  (void)arg;
  cli_put(stdout, line);
  putchar('\n');
  return ferror(stdout) ? CAS_END : CAS_OK;
}

static int run(struct cli_arguments *arguments) {
  if (cli_option(arguments) != 0) return arguments->exit_code;
  unsigned long long number = 0;
  if (arguments->operand_count > 1 && !cli_number(arguments, arguments->operands[1], 1, UINT32_MAX, &number))
    return CLI_USAGE;
  CLI_STORE struct cas_store *store = NULL;
  int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  struct cas_error error = {0};
  cas_status status = cas_segment_dump(store, (uint32_t)number, print_line, NULL, &error);
  if (status != CAS_OK && status != CAS_END) return cli_fail(arguments->operands[0], status, &error);
  return CLI_OK;
}

const struct cli_command command_segment_dump = {
    .name = "segment dump",
    .operands = "STORE [N]",
    .summary = "Write segments as text, one record a line",
    .details = "N is the number of one segment; all of them without it. docs/format.md has the columns.\n",
    .operands_min = 1,
    .operands_max = 2,
    .run = run,
};
