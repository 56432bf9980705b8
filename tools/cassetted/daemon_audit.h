/*
 * The daemon's audit trail, by its configuration: opened with Application Start, closed with Application Stop.
 *
 * Threads: one.
 */
#ifndef DAEMON_AUDIT_H
#define DAEMON_AUDIT_H

#include "audit.h"
#include "config.h"
#include "daemon_log.h"

/* `tls` is for a collector with TLS, NULL where none is configured. *audit becomes NULL where none is configured.
 * CAS_INVALID, and as audit_open(). */
CAS_MUST_USE cas_status daemon_audit_open(const struct config *config, struct daemon_log *log, struct tls_context *tls,
                                          struct audit **audit, struct cas_error *error);
void daemon_audit_close(struct audit *audit);

#endif
