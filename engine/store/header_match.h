/*
 * Conditions on attributes that the index has not, also inside of sequences, compared with a header.
 *
 * Threads: one at a time. Source: PS3.4 C.2.2.2.6.
 */
#ifndef STORE_HEADER_MATCH_H
#define STORE_HEADER_MATCH_H

#include "cassette/node.h"
#include "store/match.h"

struct header_key;

/* Zero-initialise. All must be met. */
struct header_keys {
  struct header_key *keys;
  size_t count;
};
void header_keys_fini(struct header_keys *keys);

/* Reads a condition with a VR; one that everything meets is left out. CAS_INVALID: no value of its VR, or nested too
 * deep; CAS_NO_MEMORY. */
CAS_MUST_USE cas_status header_keys_add(struct header_keys *keys, const struct cas_condition *condition,
                                        struct cas_error *error);

/* CAS_NO_MEMORY. */
CAS_MUST_USE cas_status header_keys_meet(const struct header_keys *keys, const struct cas_header *header, bool *met);

#endif
