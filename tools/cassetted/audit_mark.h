/*
 * Up to which group of the log the audit trail was told of the changes of states, in the store's file "audit.mark". It
 * moves when a daemon starts and stops in order: after a crash changes since its start are told again, none is missed.
 *
 * Threads: one.
 */
#ifndef AUDIT_MARK_H
#define AUDIT_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "cassette/status.h"

/* False: there is none, or it is none. */
bool audit_mark_read(const char *store_path, uint64_t *group);

/* Durable on return, but for the file's name. CAS_IO. */
CAS_MUST_USE cas_status audit_mark_write(const char *store_path, uint64_t group, struct cas_error *error);

#endif
