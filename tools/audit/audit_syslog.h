/*
 * The way to the syslog collector: UDP, a message a datagram; or TCP, with octet counting, plain or within TLS.
 *
 * Caveat: TCP tells only later that a collector is gone. The end of the connection is looked for before each message;
 * what the kernel had taken before that may be lost (RFC 6587 has no acknowledgement).
 *
 * Threads: one at a time. Functions block for up to AUDIT_SECONDS.
 */
#ifndef AUDIT_SYSLOG_H
#define AUDIT_SYSLOG_H

#include "audit.h"

#define AUDIT_SECONDS 5

struct audit_syslog {
  enum audit_transport transport;
  const char *host; /* borrowed */
  uint16_t port;
  struct tls_context *tls; /* for AUDIT_TLS */
  int fd;                  /* -1: not connected */
  struct tls_session *session;
};

/* Connects unless it is connected. CAS_IO, CAS_BUSY; the detail says why. */
CAS_MUST_USE cas_status audit_syslog_connect(struct audit_syslog *syslog, struct cas_error *error);

/* Sends one message. After a failure it is not connected any more. */
CAS_MUST_USE cas_status audit_syslog_send(struct audit_syslog *syslog, struct cas_slice message,
                                          struct cas_error *error);

void audit_syslog_close(struct audit_syslog *syslog);

#endif
