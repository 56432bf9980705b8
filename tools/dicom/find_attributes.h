/*
 * The attributes that queries may ask for besides those of the index: read from the header of a stored object.
 *
 * Threads: pure functions.
 */
#ifndef FIND_ATTRIBUTES_H
#define FIND_ATTRIBUTES_H

#include <stdbool.h>
#include <stdint.h>

#include "cassette/bytes.h"

#define FIND_ATTRIBUTES_MAX 64u

/* What is taken where the configuration names none: what requests and worklists are asked by. */
#define FIND_ATTRIBUTES_DEFAULT                                                                                        \
  "RequestAttributesSequence ProcedureCodeSequence ReferencedRequestSequence TimezoneOffsetFromUTC"

struct find_attributes {
  uint32_t tags[FIND_ATTRIBUTES_MAX];
  size_t count;
};

/* Reads keywords of PS3.6, or "gggg,eeee" for what is private, with blanks or commas between; "none" is none. Sequences
 * stand for all that is in them. CAS_INVALID: `error` names the word. */
CAS_MUST_USE cas_status find_attributes_parse(const char *text, struct find_attributes *attributes,
                                              struct cas_error *error);

bool find_attributes_have(const struct find_attributes *attributes, uint32_t tag);

#endif
