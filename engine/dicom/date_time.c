/* Owns nothing. Days are counted by the proleptic Gregorian calendar. */
#include "dicom/date_time.h"

#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* What is left to read. */
struct reading {
  const char *at, *end;
};

static bool take_digits(struct reading *reading, unsigned count, int *number) {
  int value = 0;
  if (reading->end - reading->at < (ptrdiff_t)count) return false;
  for (unsigned i = 0; i < count; i++) {
    if (!is_digit(reading->at[i])) return false;
    value = value * 10 + (reading->at[i] - '0');
  }
  reading->at += count;
  *number = value;
  return true;
}

static bool more_digits(const struct reading *reading) { return reading->at < reading->end && is_digit(*reading->at); }

static void pass_over(struct reading *reading, char c) {
  if (reading->end - reading->at > 1 && *reading->at == c && is_digit(reading->at[1])) reading->at++;
}

/* Days from 0000-03-01 (Howard Hinnant, chrono-compatible low-level date algorithms). */
static int64_t days_of(int year, int month, int day) {
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
}

void date_time_day(int64_t us, int *year, int *month, int *day) {
  int64_t days = us >= 0 ? us / DAY_US : -((-us + DAY_US - 1) / DAY_US);
  int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
  int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
  *day = (int)(of_year - (153 * m + 2) / 5 + 1);
  *month = (int)(m < 10 ? m + 3 : m - 9);
  *year = (int)(y + era * 400 + (*month <= 2 ? 1 : 0));
}

static int days_in(int year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* A year, and as much of month and day as is there. */
static bool take_date(struct reading *reading, struct time_span *span) {
  int year, month = 0, day = 0;
  if (!take_digits(reading, 4, &year)) return false;
  pass_over(reading, '.');
  if (more_digits(reading)) {
    if (!take_digits(reading, 2, &month) || month < 1 || month > 12) return false;
    pass_over(reading, '.');
    if (more_digits(reading) && (!take_digits(reading, 2, &day) || day < 1 || day > days_in(year, month))) return false;
  }
  span->first = days_of(year, month == 0 ? 1 : month, day == 0 ? 1 : day) * DAY_US;
  int last_month = month == 0 ? 12 : month, last_day = day == 0 ? days_in(year, last_month) : day;
  span->last = (days_of(year, last_month, last_day) + 1) * DAY_US - 1;
  return true;
}

static bool take_fraction(struct reading *reading, int64_t *fraction, int64_t *unit) {
  *fraction = 0;
  *unit = 1000000;
  if (reading->at == reading->end || *reading->at != '.') return true;
  reading->at++;
  if (!more_digits(reading)) return false;
  while (more_digits(reading) && *unit > 1) {
    *unit /= 10;
    *fraction += (*reading->at++ - '0') * *unit;
  }
  return true;
}

/* Hours, and as much of minutes, seconds and a fraction as is there. */
static bool take_time(struct reading *reading, struct time_span *span) {
  int hour, minute, second;
  int64_t fraction, unit = INT64_C(3600000000);
  if (!take_digits(reading, 2, &hour) || hour > 23) return false;
  span->first = hour * unit;
  pass_over(reading, ':');
  if (more_digits(reading)) {
    if (!take_digits(reading, 2, &minute) || minute > 59) return false;
    unit = 60000000;
    span->first += minute * unit;
    pass_over(reading, ':');
    if (more_digits(reading)) {
      if (!take_digits(reading, 2, &second) || second > 60 || !take_fraction(reading, &fraction, &unit)) return false;
      span->first += second * INT64_C(1000000) + fraction;
    }
  }
  span->last = span->first + unit - 1;
  return true;
}

/* "+ZZXX" or "-ZZXX", PS3.5 6.2: -1200 to +1400. */
static bool take_offset(struct reading *reading, struct time_span *span) {
  struct reading ahead = {reading->at + 1, reading->end};
  int offset;
  if (reading->at == reading->end || (*reading->at != '+' && *reading->at != '-')) return false;
  if (!take_digits(&ahead, 4, &offset) || more_digits(&ahead)) return false;
  bool negative = *reading->at == '-';
  if (offset % 100 > 59 || offset > (negative ? 1200 : 1400)) return false;
  int64_t us = (offset / 100 * 60 + offset % 100) * INT64_C(60000000);
  span->first += negative ? us : -us;
  span->last += negative ? us : -us;
  reading->at = ahead.at;
  return true;
}

static bool take_date_time(struct reading *reading, struct time_span *span) {
  const char *begin = reading->at;
  if (!take_date(reading, span)) return false;
  if (reading->at - begin == 8 && more_digits(reading)) {
    struct time_span within;
    int64_t day = span->first;
    if (!take_time(reading, &within)) return false;
    *span = (struct time_span){day + within.first, day + within.last};
  }
  (void)take_offset(reading, span);
  return true;
}

static bool take_value(const char *vr, struct reading *reading, struct time_span *span) {
  const char *begin = reading->at;
  if (strcmp(vr, "TM") == 0) return take_time(reading, span);
  if (strcmp(vr, "DT") == 0) return take_date_time(reading, span);
  return take_date(reading, span) && reading->at - begin >= 8;
}

bool date_time_parse(const char *vr, const char *text, size_t size, struct time_span *span) {
  struct reading reading = {text, text + size};
  return take_value(vr, &reading, span) && reading.at == reading.end;
}

static void pass_spaces(struct reading *reading) {
  while (reading->at < reading->end && *reading->at == ' ') reading->at++;
}

bool date_time_parse_range(const char *vr, const char *text, struct time_span *span, bool *is_range) {
  struct reading reading = {text, text + strlen(text)};
  struct time_span from = {SPAN_OPEN_FIRST, SPAN_OPEN_FIRST}, to = {SPAN_OPEN_LAST, SPAN_OPEN_LAST};
  bool has_from = *text != '-';
  if (has_from && !take_value(vr, &reading, &from)) return false;
  pass_spaces(&reading);
  *is_range = reading.at < reading.end;
  if (!*is_range) {
    *span = from;
    return has_from;
  }
  if (*reading.at++ != '-') return false;
  pass_spaces(&reading);
  bool has_to = reading.at < reading.end;
  if (has_to && (!take_value(vr, &reading, &to) || reading.at != reading.end)) return false;
  *span = (struct time_span){from.first, to.last};
  return has_from || has_to;
}
