/*
 * Whether what a request for storage commitment names is kept: each instance is read to its end through the ordinary
 * way, which verifies every byte, or, where the configuration says so, looked up in the index alone.
 *
 * Threads: any.
 */
#ifndef COMMITMENT_VERIFY_H
#define COMMITMENT_VERIFY_H

#include "cassette/store.h"
#include "commitment.h"

/* Decides about one item: the newest version of its SOP instance. */
uint16_t commitment_verify(struct cas_store *store, const struct commitment_item *item, bool by_index);

#endif
