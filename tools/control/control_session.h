/*
 * One connection of the control socket: a thread that reads requests and ingests files one after the other, and one
 * that sends answers, so that a client that does not read never holds up the engine's threads.
 *
 * Threads: as stated at each function.
 */
#ifndef CONTROL_SESSION_H
#define CONTROL_SESSION_H

#include <stdatomic.h>

#include "control_server.h"

/* What all connections share. */
struct control_node {
  struct cas_store *store;
  struct control_server_options options;
  atomic_ullong imports;
  atomic_bool stopping; /* no further request is read */
  atomic_bool cutting;  /* the grace time is over: files under way are given up */
};

/* Serves the connected socket `fd` until the peer closes or the node stops; all answers are sent, as far as the peer
 * takes them, and nothing is under way any more on return. Closes nothing. In a thread of its own. */
void control_session_serve(struct control_node *node, int fd);

#endif
