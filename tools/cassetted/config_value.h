/*
 * What every table of keys does with a value: reads it, or refuses it.
 *
 * Threads: any.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>

#include "cassette/status.h"

/* The detail for people, and the status given. `error` may be NULL. */
cas_status config_fail(struct cas_error *error, cas_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Each of these says whether the value is one; what it reads into is untouched otherwise. */

bool config_parse_number(const char *value, int base, unsigned min, unsigned max, unsigned *number);

/* yes, true, on, 1; no, false, off, 0. */
bool config_parse_switch(const char *value, bool *on);

/* Which of the names it is, counted from `first`; NULL ends them. */
bool config_parse_name(const char *value, const char *const *names, unsigned first, unsigned *number);

/* The next word of a list separated by blanks or commas, cut out of it; NULL: there is none. `rest` is what is left. */
char *config_next_word(char **rest);

#endif
