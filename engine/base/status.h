/*
 * How the engine fills in a struct cas_error. Every function returns the status it was given or derived, so that a
 * failing path is one line: `return status_fail(error, CAS_CORRUPT, "segment %u: ...", n);`. `error` may be NULL.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdbool.h>

#include "cassette/status.h"

/* Passes a status other than CAS_OK up unchanged. */
#define STATUS_TRY(expression)                                                                                         \
  do {                                                                                                                 \
    cas_status status_try_ = (expression);                                                                             \
    if (status_try_ != CAS_OK) return status_try_;                                                                     \
  } while (0)

cas_status status_fail(struct cas_error *error, cas_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What is wanting is the process's, not the disk's: it tells nothing of what is stored, which is neither damaged nor
 * away, and the same call may succeed in a moment. */
static inline bool status_is_scarcity(cas_status status) {
  return status == CAS_NO_MEMORY || status == CAS_NO_DESCRIPTORS;
}

/* ENOENT, EEXIST, ENOSPC/EDQUOT, ENOMEM and EMFILE/ENFILE have a status of their own; all else is CAS_IO. */
cas_status status_of_errno(int system_errno);

/* As status_fail, with status_of_errno() and the system's reason after the message. */
cas_status status_fail_errno(struct cas_error *error, int system_errno, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
