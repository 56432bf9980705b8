/*
 * Dates and times as spans of microseconds: a value of less precision stands for all instants that it covers.
 *
 * Threads: pure functions. Source: PS3.5 6.2 (DA, TM, DT), also the older forms YYYY.MM.DD and HH:MM:SS.
 */
#ifndef DICOM_DATE_TIME_H
#define DICOM_DATE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DAY_US INT64_C(86400000000)
#define SPAN_OPEN_FIRST INT64_MIN
#define SPAN_OPEN_LAST INT64_MAX

/* Inclusive. Of DA and DT since the year 0, of TM since midnight. */
struct time_span {
  int64_t first, last;
};

/* False for what is no value of the VR "DA", "TM" or "DT". A DT without an offset from UTC is taken as if it had none
 * to take into account. */
bool date_time_parse(const char *vr, const char *text, size_t size, struct time_span *span);

/* The date of an instant since the year 0. */
void date_time_day(int64_t us, int *year, int *month, int *day);

/* A value, or a range with a dash (PS3.4 C.2.2.2.5): from the first instant of the one to the last of the other. A dash
 * behind a DT before four digits that can be an offset from UTC is the sign of it. False for what is neither. */
bool date_time_parse_range(const char *vr, const char *text, struct time_span *span, bool *is_range);

#endif
