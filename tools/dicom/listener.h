/*
 * A TCP socket that listens, for every server of the daemon.
 *
 * Threads: any.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdint.h>

#include "cassette/status.h"

/* Listens on a numeric address ("::" or "0.0.0.0" for all) and a port (0: any free one). The socket does not block and
 * is the caller's to close. CAS_INVALID: the address is none; CAS_BUSY: the port is taken; CAS_IO. */
CAS_MUST_USE cas_status listener_open(const char *address, uint16_t port, int *fd, struct cas_error *error);

/* The port that it listens on; 0: unknown. */
uint16_t listener_port(int fd);

#endif
