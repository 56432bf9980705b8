/*
 * Whether a value meets a pattern (PS3.4 C.2.2.2): single value, wildcards, ranges, lists of UIDs. Pure functions.
 */
#ifndef STORE_MATCH_H
#define STORE_MATCH_H

#include <locale.h>
#include <stdbool.h>

/*
 * `vr` is that of the attribute; `value` may have several values separated by backslashes: one must match. `folding` is
 * a locale with UTF-8 characters, or 0: then only ASCII letters match without regard to case.
 */
bool match_value(const char *vr, const char *pattern, const char *value, locale_t folding);

#endif
