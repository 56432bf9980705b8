/*
 * Attributes of a response that come from the header of a stored object: a sequence with what the request's item asks
 * for, or with all that is in it.
 *
 * Threads: one at a time. Source: PS3.4 C.2.2.2.6.
 */
#ifndef FIND_HEADER_H
#define FIND_HEADER_H

#include "cassette/node.h"
#include "find_text.h"
#include "identifier.h"

/* Appends the element for a key; empty where `header` is NULL or has it not. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status find_header_put(const struct cas_header *header, struct find_text *text,
                                        const struct identifier *request, const struct identifier_key *key,
                                        struct cas_buffer *bytes);

#endif
