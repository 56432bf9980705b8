/*
 * Text for people: escaping, sizes, counts, times. Everything here is pure but for the local time zone.
 *
 * Threads: any.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Long enough for each of the cli_format_ functions. */
#define CLI_TEXT_MAX 40

/*
 * A copy of `text` that is safe on a terminal and stays on its line: control characters, characters that turn the
 * writing direction, and bytes that are not UTF-8 become \xNN or \uNNNN. NULL without memory; the caller frees.
 */
char *cli_escape(const char *text);

/* Writes the escaped text. */
void cli_put(FILE *out, const char *text);

/* As cli_escape, but for JSON: only bytes that are not UTF-8 are replaced, by U+FFFD. */
char *cli_utf8(const char *text);

/* Columns that escaped text takes on a terminal. */
int cli_width(const char *text);

/* "512 B", "1.5 kB", "66.7 MB": powers of 1000, at least two digits. */
const char *cli_format_bytes(char text[CLI_TEXT_MAX], uint64_t bytes);

/* "2,249" */
const char *cli_format_count(char text[CLI_TEXT_MAX], uint64_t count);

/* "3.20", or "-" where `less` is 0. */
const char *cli_format_ratio(char text[CLI_TEXT_MAX], uint64_t more, uint64_t less);

/* Local time, "2026-11-23 21:38:00"; nanoseconds since 1970. */
const char *cli_format_time(char text[CLI_TEXT_MAX], int64_t ns);

/* UTC, "2026-11-23T21:38:00.123456789Z", for programs. */
const char *cli_format_time_utc(char text[CLI_TEXT_MAX], int64_t ns);

/* "0:45", "1:02:03" */
const char *cli_format_duration(char text[CLI_TEXT_MAX], double seconds);

/* A DICOM date (PS3.5 6.2, DA) as 2026-11-23; anything else as it is. */
const char *cli_format_date(char text[CLI_TEXT_MAX], const char *date);

#endif
