/*
 * What an identifier of C-FIND asks: its level, and its keys with a value as conditions of a search.
 *
 * Threads: one at a time. Source: PS3.4 C.2.2.2, C.4.1.
 */
#ifndef FIND_QUERY_H
#define FIND_QUERY_H

#include "cassette/node.h"
#include "find_attributes.h"
#include "identifier.h"

#define FIND_CONDITIONS_MAX 64u

/* Zero-initialise, parse `identifier`, and set `further`. */
struct find_query {
  struct identifier identifier;
  const struct find_attributes *further; /* what may be asked for besides the index's attributes */
  enum cas_level level;
  struct cas_condition conditions[FIND_CONDITIONS_MAX]; /* point into `owned` */
  size_t condition_count;
  void **owned;
  size_t owned_count;
};
void find_query_fini(struct find_query *query);

/* Reads level and conditions. NULL, or why the identifier does not match the SOP class. */
const char *find_query_read(struct find_query *query, bool patient_root);

#endif
