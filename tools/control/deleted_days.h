/*
 * How long deleted versions keep their bytes, as people say it: "now", "never", or a number of days.
 *
 * Threads: any.
 */
#ifndef DELETED_DAYS_H
#define DELETED_DAYS_H

#include <stdbool.h>
#include <stdint.h>

/* 0 is the engine's default, DELETED_NEVER never; else 1 + days. */
#define DELETED_NEVER UINT32_MAX
#define DELETED_DAYS_MAX 36500u

/* False for anything else, also for more than DELETED_DAYS_MAX days. */
bool deleted_days_parse(const char *text, unsigned *days);

/* For cas_compact_options.deleted_before_ns. */
int64_t deleted_days_before(unsigned days);

#endif
