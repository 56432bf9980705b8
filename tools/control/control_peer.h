/*
 * Long work for the peer of a session: it goes on while the peer is there and the node does not stop.
 *
 * Threads: any.
 */
#ifndef CONTROL_PEER_H
#define CONTROL_PEER_H

#include "cassette/compact.h"
#include "control_session.h"

struct control_peer {
  struct control_node *node;
  int fd;
};

/* A cas_compact_progress_fn over a struct control_peer: CAS_END when it is to stop. */
cas_status control_peer_go_on(void *arg, const struct cas_compact_progress *progress);

/* Waits a moment for whoever else moves or compacts segments; false: it is to stop. */
bool control_peer_waits(const struct control_peer *peer);

/* Completes `error` of work that ended with `status`. */
void control_peer_explain(cas_status status, struct cas_error *error);

#endif
