/*
 * One audit message as text: XML of PS3.15 A.5.1, and the syslog line around it.
 *
 * Written by hand and not with an XML library: there is one shape, it is only written, and values are escaped in one
 * place.
 *
 * Threads: pure functions.
 */
#ifndef AUDIT_MESSAGE_H
#define AUDIT_MESSAGE_H

#include "audit.h"

/* Longest identifier of a query that is kept in the message; of a longer one the message has the SOP class alone. */
#define AUDIT_QUERY_BYTES_MAX 8192u

/* Longest value of an attribute; what is beyond is cut. */
#define AUDIT_VALUE_BYTES_MAX 512u

/* Appends the message to `text`. `time_ns`: UTC, since 1970. `source`: our AE title; `host`: this machine.
 * CAS_NO_MEMORY. */
CAS_MUST_USE cas_status audit_message_format(const struct audit_event *event, int64_t time_ns, const char *source,
                                             const char *host, struct cas_buffer *text);

/* Appends the header of RFC 5424: facility 10 (security), severity notice, or warning for a failure. */
CAS_MUST_USE cas_status audit_header_format(const struct audit_event *event, int64_t time_ns, const char *host,
                                            long process, struct cas_buffer *text);

#endif
