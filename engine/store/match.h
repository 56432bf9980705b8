/*
 * Whether a value meets a pattern (PS3.4 C.2.2.2): single value, wildcards, ranges, lists of UIDs. Pure functions.
 */
#ifndef STORE_MATCH_H
#define STORE_MATCH_H

#include <stdbool.h>

/* `vr` is that of the attribute; `value` may have several values separated by backslashes: one must match. */
bool match_value(const char *vr, const char *pattern, const char *value);

#endif
