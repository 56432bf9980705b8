#include "deleted_days.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cassette/compact.h"

bool deleted_days_parse(const char *text, unsigned *days) {
  char *end;
  if (strcmp(text, "now") == 0 || strcmp(text, "never") == 0) {
    *days = strcmp(text, "now") == 0 ? 1 : DELETED_NEVER;
    return true;
  }
  if (text[0] < '0' || text[0] > '9') return false;
  const unsigned long parsed = strtoul(text, &end, 10);
  if (*end != '\0' || parsed > DELETED_DAYS_MAX) return false;
  *days = 1 + (unsigned)parsed;
  return true;
}

int64_t deleted_days_before(unsigned days) {
  struct timespec now;
  if (days == DELETED_NEVER) return 0;
  if (days == 1) return INT64_MAX; /* whatever a clock said */
  clock_gettime(CLOCK_REALTIME, &now);
  const int64_t kept = days == 0 ? CAS_COMPACT_DELETED_DAYS : (int64_t)days - 1;
  return ((int64_t)now.tv_sec - kept * 86400) * 1000000000 + now.tv_nsec;
}
