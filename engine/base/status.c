#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *cas_status_text(cas_status status) {
  switch (status) {
  case CAS_OK: return "ok";
  case CAS_NOT_FOUND: return "not found";
  case CAS_EXISTS: return "exists already";
  case CAS_BUSY: return "busy";
  case CAS_END: return "end";
  case CAS_REFUSED: return "refused";
  case CAS_INVALID: return "invalid argument";
  case CAS_UNSUPPORTED: return "not supported";
  case CAS_IO: return "input/output error";
  case CAS_CORRUPT: return "corrupt";
  case CAS_NO_SPACE: return "no space left";
  case CAS_NO_MEMORY: return "out of memory";
  case CAS_AWAY: return "away with the cold place";
  case CAS_NO_DESCRIPTORS: return "too many open files";
  }
  return "unknown status";
}

static void describe(struct cas_error *error, cas_status status, int system_errno, const char *format, va_list args) {
  error->status = status;
  error->system_errno = system_errno;
  int used = vsnprintf(error->message, sizeof error->message, format, args);
  if (system_errno != 0 && used >= 0 && (size_t)used < sizeof error->message) {
    char reason[128];
    const char *text = strerror_r(system_errno, reason, sizeof reason);
    snprintf(error->message + used, sizeof error->message - (size_t)used, ": %s", text);
  }
}

cas_status status_fail(struct cas_error *error, cas_status status, const char *format, ...) {
  if (error != NULL) {
    va_list args;
    va_start(args, format);
    describe(error, status, 0, format, args);
    va_end(args);
  }
  return status;
}

cas_status status_of_errno(int system_errno) {
  switch (system_errno) {
  case ENOENT: return CAS_NOT_FOUND;
  case EEXIST: return CAS_EXISTS;
  case ENOSPC:
  case EDQUOT: return CAS_NO_SPACE;
  case ENOMEM: return CAS_NO_MEMORY;
  case EMFILE:
  case ENFILE: return CAS_NO_DESCRIPTORS;
  default: return CAS_IO;
  }
}

cas_status status_fail_errno(struct cas_error *error, int system_errno, const char *format, ...) {
  cas_status status = status_of_errno(system_errno);
  if (error != NULL) {
    va_list args;
    va_start(args, format);
    describe(error, status, system_errno, format, args);
    va_end(args);
  }
  return status;
}
