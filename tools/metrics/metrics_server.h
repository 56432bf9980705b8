/*
 * The HTTP port of monitoring: GET /metrics and GET /health, and nothing else.
 *
 * Caveats
 *  - It asks nobody who they are, and does no TLS: for the loopback, or a network of its own.
 *  - Bounded (P6): one thread; METRICS_CONNECTIONS_MAX connections, of METRICS_REQUEST_BYTES each and the page that is
 * on its way; each serves one request, and is closed METRICS_SECONDS_MAX after it began, whatever the peer does. More
 *    connections wait for these.
 *
 * Threads: start and stop belong to one thread; the callbacks are called from the server's own, one at a time.
 */
#ifndef METRICS_SERVER_H
#define METRICS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cassette/bytes.h"
#include "cassette/status.h"

#define METRICS_CONNECTIONS_MAX 16u
#define METRICS_REQUEST_BYTES 8192u
#define METRICS_SECONDS_MAX 5

struct metrics_server;

struct metrics_server_options {
  const char *bind; /* numeric address */
  uint16_t port;    /* 0: any free one */
  /* Writes the page of /metrics. CAS_NO_MEMORY. */
  cas_status (*page)(void *arg, struct cas_buffer *page);
  /* Whether all is well; else `reason` is why not, in one line. */
  bool (*healthy)(void *arg, char *reason, size_t size);
  void *arg;
};

/* Listens and serves. CAS_INVALID: the address is none; CAS_BUSY: the port is taken; CAS_IO. */
CAS_MUST_USE cas_status metrics_server_start(const struct metrics_server_options *options,
                                             struct metrics_server **server, struct cas_error *error);

/* The port that it listens on. */
uint16_t metrics_server_port(const struct metrics_server *server);

/* Closes all connections and frees. NULL is allowed. */
void metrics_server_stop(struct metrics_server *server);

#endif
