#include "config_value.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cas_status config_fail(struct cas_error *error, cas_status status, const char *format, ...) {
  if (error != NULL) {
    error->status = status;
    error->system_errno = 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
  }
  return status;
}

bool config_parse_number(const char *value, int base, unsigned min, unsigned max, unsigned *number) {
  char *end;
  errno = 0;
  if (value[0] < '0' || value[0] > '9') return false;
  const unsigned long parsed = strtoul(value, &end, base);
  if (errno != 0 || *end != '\0' || parsed < min || parsed > max) return false;
  *number = (unsigned)parsed;
  return true;
}

bool config_parse_switch(const char *value, bool *on) {
  static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};
  for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
    const bool is_yes = strcmp(value, yes[i]) == 0;
    if (!is_yes && strcmp(value, no[i]) != 0) continue;
    *on = is_yes;
    return true;
  }
  return false;
}

bool config_parse_name(const char *value, const char *const *names, unsigned first, unsigned *number) {
  for (unsigned i = 0; names[i] != NULL; i++) {
    if (strcmp(value, names[i]) != 0) continue;
    *number = first + i;
    return true;
  }
  return false;
}

char *config_next_word(char **rest) { return strtok_r(NULL, " \t,", rest); }
