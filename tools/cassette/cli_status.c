/*
 * Where a status becomes words and an exit code, once for all commands.
 */
#include "cli.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cli_text.h"

void cli_error(const char *format, ...) {
  char message[2048];
  va_list values;
  va_start(values, format);
  vsnprintf(message, sizeof message, format, values);
  va_end(values);
  CLI_FREE char *escaped = cli_escape(message);
  fflush(stdout);
  fprintf(stderr, "cassette: %s\n", escaped ? escaped : "out of memory");
}

int cli_exit_code(cas_status status) {
  switch (status) {
  case CAS_OK: return CLI_OK;
  case CAS_NOT_FOUND:
  case CAS_EXISTS:
  case CAS_REFUSED:
  case CAS_END: return CLI_PARTLY;
  case CAS_INVALID: return CLI_USAGE;
  case CAS_BUSY: return CLI_BUSY;
  case CAS_UNSUPPORTED: return CLI_UNSUPPORTED;
  case CAS_IO:
  case CAS_AWAY:
  case CAS_NO_DESCRIPTORS:
  case CAS_NO_SPACE: return CLI_IO;
  case CAS_CORRUPT: return CLI_CORRUPT;
  case CAS_NO_MEMORY: return CLI_NO_MEMORY;
  }
  return CLI_IO;
}

const char *cli_reason(cas_status status, const struct cas_error *error) {
  return error && error->message[0] ? error->message : cas_status_text(status);
}

int cli_fail(const char *subject, cas_status status, const struct cas_error *error) {
  const char *reason = cli_reason(status, error);
  if (strstr(reason, subject)) /* the engine's messages mostly name what they are about */
    cli_error("%s", reason);
  else
    cli_error("%s: %s", subject, reason);
  return cli_exit_code(status);
}

static void print_log(void *arg, enum cas_log_level level, const char *line) {
  (void)arg;
  if (level <= CAS_LOG_WARNING) cli_error("%s", line);
}

cas_status cli_store_try(const char *path, enum cas_open_mode mode, struct cas_store **store, struct cas_error *error) {
  struct cas_store_options options = {.mode = mode, .log = print_log};
  return cas_store_open(path, &options, store, error);
}

int cli_store_open(const char *path, enum cas_open_mode mode, struct cas_store **store) {
  struct cas_error error = {0};
  cas_status status = cli_store_try(path, mode, store, &error);
  if (status != CAS_OK) return cli_fail(path, status, &error);
  return CLI_OK;
}

bool cli_output_takes_bytes(void) {
  if (!isatty(STDOUT_FILENO)) return true;
  cli_error("standard output is a terminal; send the bytes to a file or another program");
  return false;
}
