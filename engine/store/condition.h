/*
 * Whether the archive takes new objects. It does until writing fails for a reason that the next object would meet too:
 * the disk is full, a write or sync failed, the index could not be written. Then it is read-only: what comes is refused
 * at once, what is stored goes on being read, and the committer tries from time to time whether writing works again.
 *
 *   writable --condition_fail--> read-only --condition_fail--> read-only (a later try)
 *      ^                             |
 *      +-------condition_clear-------+
 *
 * Each change is logged once; a try that fails is not.
 *
 * Threads: any.
 */
#ifndef STORE_CONDITION_H
#define STORE_CONDITION_H

#include <time.h>

#include "store/store.h"

struct condition;

CAS_MUST_USE cas_status condition_create(const struct cas_store *store, struct condition **condition);
void condition_destroy(struct condition *condition); /* NULL is allowed */

/* Writing failed with `status`; `why` has the detail. The next try is due after CONDITION_TRY_MS_MIN, then twice that,
 * up to CONDITION_TRY_MS_MAX. */
void condition_fail(struct condition *condition, cas_status status, const struct cas_error *why);

/* Writing works. */
void condition_clear(struct condition *condition);

/* CAS_OK, or the status that made the archive read-only, with what to tell the sender. Cheap while writable. */
CAS_MUST_USE cas_status condition_check(struct condition *condition, struct cas_error *error);

/* False while writable. Else true, and when the next try is due, by CLOCK_MONOTONIC. */
bool condition_next_try(struct condition *condition, struct timespec *due);

void condition_get(struct condition *condition, struct cas_store_condition *out);

#endif
