/*
 * What every command of `cassette` shares: how a command describes itself, option parsing, errors and exit codes.
 *
 * Caveats
 *  - Whatever comes from outside (names in images, file names, messages) is escaped before a person sees it: a
 * patient's name may hold terminal control sequences.
 *  - Standard output carries results, standard error everything else.
 *
 * Threads: the printing functions may be called from any thread.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cassette/store.h"

/* Exit codes; cassette(1) lists them. */
enum cli_exit {
  CLI_OK = 0,
  CLI_PARTLY = 1,      /* something was refused, damaged, not found, or in the way; the rest was done */
  CLI_USAGE = 2,       /* the command line is wrong */
  CLI_BUSY = 3,        /* another process holds the store */
  CLI_IO = 4,          /* the operating system failed, or the device is full */
  CLI_CORRUPT = 5,     /* stored bytes are damaged */
  CLI_UNSUPPORTED = 6, /* a newer store, or the platform lacks something */
  CLI_NO_MEMORY = 7,
  CLI_INTERRUPTED = 130, /* by a signal, after finishing what was under way */
};

struct cli_option {
  int key;              /* the short option's character, or 256 and up where there is none */
  const char *name;     /* without the two dashes; NULL ends a table */
  const char *argument; /* what --help calls its argument; NULL for a flag */
  const char *help;     /* one line */
};

struct cli_arguments;

/* One command of the program. Every list of commands (help, dispatch) is made from these. */
struct cli_command {
  const char *name;     /* one or two words */
  const char *operands; /* as the usage line shows them */
  const char *summary;  /* one line, without a final stop */
  const char *details;  /* for --help: lines with their newlines */
  const struct cli_option *options;
  int operands_min;
  int operands_max; /* -1: any number */
  int (*run)(struct cli_arguments *arguments);
};

/* The command line of one command while it is parsed. */
struct cli_arguments {
  const struct cli_command *command;
  int count; /* of words, the command's name counted */
  char **words;
  const char *value; /* of the option last returned */
  char **operands;   /* when all options are read */
  int operand_count;
  int exit_code; /* when cli_option() returned -1 */
  void *parser;  /* the option tables for getopt */
};

/* The key of the next option; 0 when there are no more, and the operands are set and counted; -1 when the command is to
 * return `exit_code` at once: --help was asked for, or the command line is wrong and that was said. */
int cli_option(struct cli_arguments *arguments);

/* Reads a whole number from `least` to `most` into *number, or says what is wrong with it and returns false. */
bool cli_number(struct cli_arguments *arguments, const char *text, unsigned long long least, unsigned long long most,
                unsigned long long *number);

/* Says that the command line is wrong, points at --help, ends the parsing, and returns CLI_USAGE. */
int cli_usage(struct cli_arguments *arguments, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The usage, summary, options and details of one command. */
void cli_print_help(FILE *out, const struct cli_command *command);

/* One line on standard error, escaped, with the program's name before it. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The exit code that stands for a status. */
int cli_exit_code(cas_status status);

/* What failed, for people: the error's message, or the status in words where there is none. */
const char *cli_reason(cas_status status, const struct cas_error *error);

/* Says why an operation on `subject` failed and returns the exit code. */
int cli_fail(const char *subject, cas_status status, const struct cas_error *error);

/* Opens a store; its warnings go to standard error. */
cas_status cli_store_try(const char *path, enum cas_open_mode mode, struct cas_store **store, struct cas_error *error);

/* Opens a store, or says why not and returns the exit code; CLI_OK otherwise. */
int cli_store_open(const char *path, enum cas_open_mode mode, struct cas_store **store);

/* Whether bytes of images may go to standard output: not if it is a terminal. Says so. */
bool cli_output_takes_bytes(void);

static inline void cli_cleanup_free(void *pointer) { free(*(void **)pointer); }
static inline void cli_cleanup_store(struct cas_store **store) { cas_store_close(*store); }
#define CLI_FREE __attribute__((cleanup(cli_cleanup_free)))
#define CLI_STORE __attribute__((cleanup(cli_cleanup_store)))

#endif
