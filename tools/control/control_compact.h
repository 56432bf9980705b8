/*
 * The request "compact" of the control socket.
 *
 * Threads: any.
 */
#ifndef CONTROL_COMPACT_H
#define CONTROL_COMPACT_H

#include <jansson.h>

#include "control_session.h"

/* Compacts one segment or none, while the peer of `fd` is there and the node does not stop. The answer, a new
 * reference; NULL: `error` says why. */
json_t *control_compact_serve(struct control_node *node, int fd, json_int_t id, const json_t *request,
                              struct cas_error *error);

#endif
