#include "dicom/uid.h"

#include <stddef.h>

#include "base/limits.h"

static bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool uid_is_acceptable(const char *uid) {
  if (uid[0] == '.') return false;
  bool named = false;
  size_t length = 0;
  for (; uid[length] != '\0'; length++) {
    if (length == DICOM_UID_BYTES_MAX) return false;
    char c = uid[length];
    if (is_alphanumeric(c)) {
      named = true;
    } else if (c == '.') {
      if (uid[length + 1] == '.') return false;
    } else if (c != '_' && c != '-') {
      return false;
    }
  }
  return named;
}
