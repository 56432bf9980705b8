/*
 * Options by getopt_long, from a command's table; --help and -h are everywhere.
 *
 * Owns: the tables for getopt, from the first call to the last.
 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#define KEY_HELP 'h'
#define OPTIONS_MAX 24

struct parser {
  struct option options[OPTIONS_MAX + 2];
  char letters[2 + 2 * (OPTIONS_MAX + 2)];
};

static void parser_build(struct parser *parser, const struct cli_option *options) {
  size_t count = 0;
  char *letter = parser->letters;
  *letter++ = ':';
  for (const struct cli_option *option = options; option && option->name && count < OPTIONS_MAX; option++) {
    parser->options[count++] = (struct option){
        .name = option->name, .has_arg = option->argument ? required_argument : no_argument, .val = option->key};
    if (option->key < 256) {
      *letter++ = (char)option->key;
      if (option->argument) *letter++ = ':';
    }
  }
  parser->options[count] = (struct option){.name = "help", .has_arg = no_argument, .val = KEY_HELP};
  *letter++ = KEY_HELP;
  *letter = '\0';
}

static int finish(struct cli_arguments *arguments, int result, int exit_code) {
  free(arguments->parser);
  arguments->parser = NULL;
  arguments->exit_code = exit_code;
  return result;
}

static int take_operands(struct cli_arguments *arguments) {
  const struct cli_command *command = arguments->command;
  arguments->operands = arguments->words + optind;
  arguments->operand_count = arguments->count - optind;
  if (arguments->operand_count < command->operands_min)
    return finish(arguments, -1, cli_usage(arguments, "an operand is missing"));
  if (command->operands_max >= 0 && arguments->operand_count > command->operands_max)
    return finish(arguments, -1,
                  cli_usage(arguments, "\"%s\" is one operand too many", arguments->operands[command->operands_max]));
  return finish(arguments, 0, CLI_OK);
}

int cli_option(struct cli_arguments *arguments) {
  if (!arguments->parser) {
    arguments->parser = calloc(1, sizeof(struct parser));
    if (!arguments->parser) return finish(arguments, -1, cli_fail("options", CAS_NO_MEMORY, NULL));
    parser_build(arguments->parser, arguments->command->options);
    optind = 1;
  }
  struct parser *parser = arguments->parser;
  int key = getopt_long(arguments->count, arguments->words, parser->letters, parser->options, NULL);
  arguments->value = optarg;
  switch (key) {
  case -1: return take_operands(arguments);
  case KEY_HELP: cli_print_help(stdout, arguments->command); return finish(arguments, -1, CLI_OK);
  case ':': return finish(arguments, -1, cli_usage(arguments, "%s needs a value", arguments->words[optind - 1]));
  case '?':
    if (optopt && optopt < 256) return finish(arguments, -1, cli_usage(arguments, "there is no option -%c", optopt));
    return finish(arguments, -1, cli_usage(arguments, "%s is no option here", arguments->words[optind - 1]));
  default: return key;
  }
}

bool cli_number(struct cli_arguments *arguments, const char *text, unsigned long long least, unsigned long long most,
                unsigned long long *number) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end || errno || value < least || value > most) {
    cli_usage(arguments, "\"%s\" is not a whole number from %llu to %llu", text, least, most);
    return false;
  }
  *number = value;
  return true;
}

int cli_usage(struct cli_arguments *arguments, const char *format, ...) {
  char message[512];
  va_list values;
  va_start(values, format);
  vsnprintf(message, sizeof message, format, values);
  va_end(values);
  cli_error("%s: %s", arguments->command->name, message);
  cli_error("usage: cassette %s [OPTION…] %s", arguments->command->name, arguments->command->operands);
  cli_error("`cassette %s --help` says more", arguments->command->name);
  return finish(arguments, CLI_USAGE, CLI_USAGE);
}

static void print_option(FILE *out, const struct cli_option *option) {
  char names[64];
  int length =
      option->key < 256 ? snprintf(names, sizeof names, "-%c, ", option->key) : snprintf(names, sizeof names, "    ");
  snprintf(names + length, sizeof names - (size_t)length, "--%s%s%s", option->name, option->argument ? " " : "",
           option->argument ? option->argument : "");
  fprintf(out, "  %-26s  %s\n", names, option->help);
}

void cli_print_help(FILE *out, const struct cli_command *command) {
  fprintf(out, "usage: cassette %s [OPTION…] %s\n\n%s.\n", command->name, command->operands, command->summary);
  if (command->details) fprintf(out, "\n%s", command->details);
  fprintf(out, "\nOptions:\n");
  for (const struct cli_option *option = command->options; option && option->name; option++) print_option(out, option);
  print_option(out, &(struct cli_option){KEY_HELP, "help", NULL, "show this and stop"});
}
