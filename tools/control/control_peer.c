#include "control_peer.h"

#include <poll.h>
#include <stdio.h>

#define WAIT_MS 100

static bool has_hung_up(int fd, int wait_ms) {
  struct pollfd peer = {.fd = fd, .events = POLLRDHUP};
  return poll(&peer, 1, wait_ms) > 0;
}

cas_status control_peer_go_on(void *arg, const struct cas_compact_progress *progress) {
  const struct control_peer *peer = arg;
  (void)progress;
  return atomic_load(&peer->node->stopping) || has_hung_up(peer->fd, 0) ? CAS_END : CAS_OK;
}

bool control_peer_waits(const struct control_peer *peer) {
  return !atomic_load(&peer->node->stopping) && !has_hung_up(peer->fd, WAIT_MS);
}

void control_peer_explain(cas_status status, struct cas_error *error) {
  if (status == CAS_END) {
    error->status = CAS_BUSY;
    snprintf(error->message, sizeof error->message, "the daemon is stopping");
  }
  if (error->status == CAS_OK) error->status = status;
}
