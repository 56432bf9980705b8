/*
 * What a C-FIND response says of a node: the attributes that were asked for, as far as the index holds them, and those
 * that are counted or gathered from it.
 *
 * Threads: one at a time. Source: PS3.4 C.3.4 (additional attributes), C.4.1.1.3.2.
 */
#ifndef FIND_RESPONSE_H
#define FIND_RESPONSE_H

#include "cassette/node.h"
#include "find_query.h"
#include "find_text.h"

#define FIND_TAG_RETRIEVE_AET 0x00080054u

/* Zero-initialise, set the first three fields, and find_text_init() the text. */
struct find_response {
  struct cas_store *store;
  const char *aet; /* Retrieve AE Title */
  const struct find_query *query;
  struct find_text text;
  char parents[CAS_LEVEL_INSTANCE + 1][1100]; /* paths of the nodes above the last one that was shown, by level */
  struct cas_attributes *above[CAS_LEVEL_INSTANCE + 1]; /* their attributes, owned */
  struct cas_buffer value;
};
void find_response_fini(struct find_response *response);

/* Replaces the content of `bytes` by the response's identifier: every key of the request, empty where nothing is known
 * of it. */
CAS_MUST_USE cas_status find_response_encode(struct find_response *response, const struct cas_node *node,
                                             struct cas_buffer *bytes, struct cas_error *error);

#endif
