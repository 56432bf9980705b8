/*
 * Text for people.
 *
 * Invariant: what cli_escape() returns is UTF-8 without control characters.
 */
#include "cli_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "cli.h"

#define NOT_UTF8 0xFFFFFFFFu

/* Reads one character and moves *at behind it; NOT_UTF8 for one byte that begins none. Overlong forms, surrogates and
 * values beyond U+10FFFF are not UTF-8. */
static uint32_t next_character(const unsigned char **at) {
  const unsigned char *p = *at;
  *at = p + 1;
  if (p[0] < 0x80) return p[0];
  int more = p[0] >= 0xF0 ? 3 : p[0] >= 0xE0 ? 2 : 1;
  if (p[0] < 0xC2 || p[0] > 0xF4) return NOT_UTF8;
  uint32_t value = p[0] & (0x3Fu >> more);
  for (int i = 1; i <= more; i++) {
    if ((p[i] & 0xC0) != 0x80) return NOT_UTF8;
    value = value << 6 | (p[i] & 0x3F);
  }
  static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
  if (value < least[more] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return NOT_UTF8;
  *at = p + 1 + more;
  return value;
}

/* C0, DEL and C1; the marks, overrides and isolates that turn the writing direction; line and paragraph separators. */
static bool is_unsafe(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

char *cli_escape(const char *text) {
  /* No byte of the input becomes more than four: "\x1b"; "\u202e" stands for three bytes. */
  char *escaped = malloc(4 * strlen(text) + 1);
  if (!escaped) return NULL;
  char *out = escaped;
  const unsigned char *at = (const unsigned char *)text;
  while (*at) {
    const unsigned char *from = at;
    uint32_t c = next_character(&at);
    if (c == NOT_UTF8) {
      out += sprintf(out, "\\x%02x", *from);
    } else if (is_unsafe(c)) {
      out += c < 0x100 ? sprintf(out, "\\x%02x", c) : sprintf(out, "\\u%04x", c);
    } else {
      memcpy(out, from, (size_t)(at - from));
      out += at - from;
    }
  }
  *out = '\0';
  return escaped;
}

void cli_put(FILE *out, const char *text) {
  CLI_FREE char *escaped = cli_escape(text);
  fputs(escaped ? escaped : "?", out);
}

char *cli_utf8(const char *text) {
  char *valid = malloc(3 * strlen(text) + 1);
  if (!valid) return NULL;
  char *out = valid;
  const unsigned char *at = (const unsigned char *)text;
  while (*at) {
    const unsigned char *from = at;
    if (next_character(&at) == NOT_UTF8) {
      out = stpcpy(out, "\xEF\xBF\xBD");
    } else {
      memcpy(out, from, (size_t)(at - from));
      out += at - from;
    }
  }
  *out = '\0';
  return valid;
}

int cli_width(const char *text) {
  int width = 0;
  for (const unsigned char *at = (const unsigned char *)text; *at;) {
    uint32_t c = next_character(&at);
    int columns = c == NOT_UTF8 ? 1 : wcwidth((wchar_t)c);
    width += columns < 0 ? 1 : columns;
  }
  return width;
}

static const char *set_text(char text[CLI_TEXT_MAX], char character) {
  text[0] = character;
  text[1] = '\0';
  return text;
}

const char *cli_format_bytes(char text[CLI_TEXT_MAX], uint64_t bytes) {
  static const char units[][3] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  double value = (double)bytes;
  size_t unit = 0;
  while (value >= 999.95 && unit < 6) {
    value /= 1000;
    unit++;
  }
  snprintf(text, CLI_TEXT_MAX, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

const char *cli_format_count(char text[CLI_TEXT_MAX], uint64_t count) {
  char digits[24];
  int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
  char *out = text;
  for (int i = 0; i < length; i++) {
    if (i > 0 && (length - i) % 3 == 0) *out++ = ',';
    *out++ = digits[i];
  }
  *out = '\0';
  return text;
}

const char *cli_format_ratio(char text[CLI_TEXT_MAX], uint64_t more, uint64_t less) {
  if (less == 0) return set_text(text, '-');
  snprintf(text, CLI_TEXT_MAX, "%.2f", (double)more / (double)less);
  return text;
}

/* Seconds and the nanoseconds after them, also before 1970. */
static time_t split_time(int64_t ns, int *rest) {
  int64_t seconds = ns / 1000000000, nanoseconds = ns % 1000000000;
  if (nanoseconds < 0) {
    nanoseconds += 1000000000;
    seconds--;
  }
  *rest = (int)nanoseconds;
  return (time_t)seconds;
}

const char *cli_format_time(char text[CLI_TEXT_MAX], int64_t ns) {
  int rest;
  time_t seconds = split_time(ns, &rest);
  struct tm parts;
  if (!localtime_r(&seconds, &parts) || strftime(text, CLI_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &parts) == 0)
    return set_text(text, '?');
  return text;
}

const char *cli_format_time_utc(char text[CLI_TEXT_MAX], int64_t ns) {
  int rest;
  time_t seconds = split_time(ns, &rest);
  struct tm parts;
  size_t length = gmtime_r(&seconds, &parts) ? strftime(text, CLI_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &parts) : 0;
  if (length == 0) return set_text(text, '?');
  snprintf(text + length, CLI_TEXT_MAX - length, ".%09dZ", rest);
  return text;
}

const char *cli_format_duration(char text[CLI_TEXT_MAX], double seconds) {
  uint64_t whole = seconds < 0 ? 0 : seconds > 3.6e9 ? 3600000000u : (uint64_t)(seconds + 0.5);
  unsigned hours = (unsigned)(whole / 3600), minutes = (unsigned)(whole / 60 % 60), rest = (unsigned)(whole % 60);
  if (hours)
    snprintf(text, CLI_TEXT_MAX, "%u:%02u:%02u", hours, minutes, rest);
  else
    snprintf(text, CLI_TEXT_MAX, "%u:%02u", minutes, rest);
  return text;
}

const char *cli_format_date(char text[CLI_TEXT_MAX], const char *date) {
  if (strlen(date) == 8 && strspn(date, "0123456789") == 8)
    snprintf(text, CLI_TEXT_MAX, "%.4s-%.2s-%.2s", date, date + 4, date + 6);
  else
    snprintf(text, CLI_TEXT_MAX, "%s", date);
  return text;
}
