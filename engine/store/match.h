/*
 * Whether a value meets a key of a query. Every kind of matching of PS3.4 C.2.2.2 on one attribute:
 *
 *   universal     empty, or nothing but '*', for every VR
 *   empty         "" (two quotation marks): no value
 *   single value  names (PN) without regard to case, accents, width of letters, and empty components at the end; a key
 * of one component group meets any group of a name, one of several meets those that it states; dates and times by the
 * instant at which they begin; IS, DS and binary integers by number; all else byte for byte wildcards     '*' any text,
 * '?' any character, in AE CS LO LT PN SH ST UC UR UT; in others they stand for themselves ranges        DA TM DT, by
 * the first instant of a value; also of numbers, "5-10", which the standard has not lists         several values with
 * backslashes between, of every VR but LT ST UT: one of them must meet
 *
 * An attribute of several values is met by one of them. What has no value is met by universal and empty keys alone.
 *
 * Threads: a key belongs to one thread at a time.
 */
#ifndef STORE_MATCH_H
#define STORE_MATCH_H

#include <stdbool.h>

#include "base/bytes.h"
#include "dicom/date_time.h"
#include "dicom/name_fold.h"

enum match_kind { MATCH_EMPTY, MATCH_TEXT, MATCH_WILDCARDS, MATCH_PERSON, MATCH_SPAN, MATCH_NUMBERS };

/* One value of a key. */
struct match_value {
  enum match_kind kind;
  const char *text; /* as it was asked for; of a person, its first group that is not empty, folded */
  bool has_wildcards, is_range;
  struct time_span span;
  double low, high;
  const char *groups[NAME_GROUPS]; /* folded, "" where not stated */
  unsigned group_count;            /* as stated */
};

struct match_key {
  char vr[3];
  bool is_universal, is_lines;
  struct match_value *values;
  size_t value_count;
  char **texts; /* what the values point into */
  size_t text_count;
  struct cas_buffer folded; /* of the name at hand */
};

/* Reads a key. CAS_INVALID: no value of its VR; CAS_NO_MEMORY; then nothing is left to free. */
CAS_MUST_USE cas_status match_key_init(struct match_key *key, const char *vr, const char *pattern,
                                       struct cas_error *error);
void match_key_fini(struct match_key *key);

/* CAS_NO_MEMORY. */
CAS_MUST_USE cas_status match_test(struct match_key *key, const char *value, bool *matches);

/* Whether a date and a time of day, taken together, lie in the range of both keys (PS3.4 C.2.2.2.5.1): from the first
 * date at the first time to the last date at the last time. A date without a time stands for its whole day. */
bool match_together(const struct match_key *date, const struct match_key *time, const char *date_value,
                    const char *time_value);

/* Whether a key can be half of such a pair: one value or range. */
bool match_key_is_span(const struct match_key *key);

#endif
