/*
 * What the control socket says of scrubbing, and what it takes.
 *
 * Threads: any.
 */
#ifndef CONTROL_SCRUB_H
#define CONTROL_SCRUB_H

#include <jansson.h>

#include "cassette/scrub.h"

/* An object, a new reference, NULL when out of memory. Keys: "state" ("reading", "resting", "paused"), "cycles",
 * "total_bytes", "bytes_per_second", "next_cycle" (seconds since 1970), "trouble" (absent without), and of this cycle
 * and under "last" of the last whole one "started", "ended" (seconds since 1970), "segments", "records", "bytes",
 * "damaged_records", "damaged_instances", "index_findings". */
json_t *control_scrub_json(const struct cas_scrub_status *status);

/* "start", "pause" or "resume". CAS_INVALID: another word. */
CAS_MUST_USE cas_status control_scrub_do(struct cas_scrubber *scrubber, const char *action, struct cas_error *error);

#endif
