/*
 * The request "tier" of the control socket: both ends of it.
 *
 * Threads: any.
 */
#ifndef CONTROL_TIER_H
#define CONTROL_TIER_H

#include <jansson.h>

#include "cassette/tier.h"
#include "control_session.h"

/* The request, a new reference; NULL without memory. Of the options, progress and segments_max are not sent: the daemon
 * tries one segment for each request. */
json_t *control_tier_request(bool recall, const struct cas_tier_options *options);

/* Reads the answer. */
void control_tier_result(const json_t *answer, struct cas_tier_result *result);

/* Moves or recalls one segment, or counts, while the peer of `fd` is there and the node does not stop. The answer, a
 * new reference; NULL: `error` says why. */
json_t *control_tier_serve(struct control_node *node, int fd, json_int_t id, const json_t *request,
                           struct cas_error *error);

#endif
