#include "store/match.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "base/limits.h"

/* The next character of UTF-8 text, folded; a byte that is no UTF-8 stands for itself. */
static wint_t next_folded(const char **text, locale_t folding) {
  const unsigned char *at = (const unsigned char *)*text;
  unsigned length = at[0] < 0xC0 ? 1 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
  wint_t character = length == 1 ? at[0] : at[0] & (0x7Fu >> length);
  for (unsigned i = 1; i < length; i++) {
    if ((at[i] & 0xC0) != 0x80) {
      *text += 1;
      return at[0];
    }
    character = character << 6 | (at[i] & 0x3Fu);
  }
  *text += length;
  if (folding != (locale_t)0) return towlower_l(character, folding);
  return character < 0x80 ? (wint_t)tolower((int)character) : character;
}

/* '*' is any text, '?' any character; case does not count. Goes back to the last '*' only, so it takes at most the
 * product of the lengths. */
static bool match_wildcards(const char *pattern, const char *value, locale_t folding) {
  const char *star = NULL, *retry = NULL;
  while (*value != '\0') {
    const char *pattern_at = pattern, *value_at = value;
    if (*pattern == '*') {
      star = ++pattern;
      retry = value;
      continue;
    }
    wint_t character = next_folded(&value_at, folding);
    if (*pattern != '\0' && (*pattern == '?' || next_folded(&pattern_at, folding) == character)) {
      pattern = *pattern == '?' ? pattern + 1 : pattern_at;
      value = value_at;
      continue;
    }
    if (star == NULL) return false;
    next_folded(&retry, folding);
    pattern = star;
    value = retry;
  }
  while (*pattern == '*') pattern++;
  return *pattern == '\0';
}

static bool is_in(const char *vr, const char *vrs) { return strstr(vrs, vr) != NULL; }

/* Dates without their old separators, times without colons. */
static void compact(const char *text, size_t size, char compacted[64]) {
  size_t at = 0;
  for (size_t i = 0; i < size && at < 63; i++)
    if (text[i] != ':' && text[i] != '.') compacted[at++] = text[i];
  compacted[at] = '\0';
}

/* Compares over the shorter length, so that "2020" stands for the whole year as a bound. */
static int compare_bound(const char *value, const char *bound) { return strncmp(value, bound, strlen(bound)); }

static bool match_time_range(const char *pattern, const char *dash, const char *value) {
  char from[64], to[64], point[64];
  compact(pattern, (size_t)(dash - pattern), from);
  compact(dash + 1, strlen(dash + 1), to);
  compact(value, strlen(value), point);
  if (point[0] == '\0') return false;
  return (from[0] == '\0' || compare_bound(point, from) >= 0) && (to[0] == '\0' || compare_bound(point, to) <= 0);
}

/* A dash behind the first character parts a range of numbers; one at the start may be a sign or an open range. */
static bool match_number(const char *pattern, const char *value) {
  char *end;
  double number = strtod(value, &end);
  if (end == value) return *pattern == '\0';
  double first = strtod(pattern, &end);
  if (*end == '\0' && end != pattern) return number == first;
  const char *dash = end != pattern ? end : pattern;
  if (*dash != '-') return false;
  if (end != pattern && number < first) return false;
  return dash[1] == '\0' || number <= strtod(dash + 1, NULL);
}

static bool match_uids(const char *pattern, const char *value, locale_t folding) {
  size_t length = strlen(value);
  for (const char *at = pattern; at != NULL; at = strchr(at, '\\') != NULL ? strchr(at, '\\') + 1 : NULL)
    if (strncmp(at, value, length) == 0 && (at[length] == '\0' || at[length] == '\\')) return true;
  return strpbrk(pattern, "*?") != NULL && match_wildcards(pattern, value, folding);
}

static bool match_one(const char *vr, const char *pattern, const char *value, locale_t folding) {
  if (is_in(vr, "UI")) return match_uids(pattern, value, folding);
  const char *dash = strchr(pattern, '-');
  if (is_in(vr, "DA TM DT") && dash != NULL) return match_time_range(pattern, dash, value);
  if (is_in(vr, "IS DS US UL SS SL") && strpbrk(pattern, "*?") == NULL) return match_number(pattern, value);
  return match_wildcards(pattern, value, folding);
}

bool match_value(const char *vr, const char *pattern, const char *value, locale_t folding) {
  char single[DICOM_VALUE_CAPTURED_MAX * 4];
  if (pattern[0] == '\0') return true;
  for (;;) {
    size_t length = strcspn(value, "\\");
    if (length >= sizeof single) length = sizeof single - 1;
    memcpy(single, value, length);
    single[length] = '\0';
    if (match_one(vr, pattern, single, folding)) return true;
    value = strchr(value, '\\');
    if (value == NULL) return false;
    value++;
  }
}
