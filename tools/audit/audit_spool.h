/*
 * Messages that wait for the collector: a file of frames "LENGTH SP MESSAGE", as RFC 6587 3.4.1 sends them. It is
 * appended to up to its limit, so that the oldest messages stay, read from the start, and emptied when all were read.
 *
 * Threads: one at a time.
 */
#ifndef AUDIT_SPOOL_H
#define AUDIT_SPOOL_H

#include <stdbool.h>

#include "cassette/bytes.h"

#define AUDIT_MESSAGE_BYTES_MAX 65536u

struct audit_spool {
  int fd; /* -1: none */
  uint64_t size, read, size_max;
  uint64_t waiting; /* messages */
};

/* Opens the file, counts what an earlier process left in it, and cuts off a torn end. CAS_IO. */
CAS_MUST_USE cas_status audit_spool_open(struct audit_spool *spool, const char *path, uint64_t size_max,
                                         struct cas_error *error);
void audit_spool_close(struct audit_spool *spool);

/* CAS_NO_SPACE: it is full, or the disk is. */
CAS_MUST_USE cas_status audit_spool_append(struct audit_spool *spool, struct cas_slice message);

/* Reads the oldest message into `message`. CAS_NOT_FOUND: there is none. */
CAS_MUST_USE cas_status audit_spool_peek(struct audit_spool *spool, struct cas_buffer *message);

/* Passes over the message that was read. */
void audit_spool_pop(struct audit_spool *spool);

#endif
