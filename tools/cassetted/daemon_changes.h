/*
 * What the daemon's users do over the control socket: of changes of states one line in the log, and an audit message
 * for each study; of imports an audit message for each study and connection.
 *
 * Threads: any.
 */
#ifndef DAEMON_CHANGES_H
#define DAEMON_CHANGES_H

#include "audit.h"
#include "cassette/state.h"
#include "daemon_log.h"

struct daemon_changes {
  struct cas_store *store;
  struct daemon_log *log;
  struct audit *audit; /* NULL: none */
};

/* What control_server_options.changed wants; `arg` is a struct daemon_changes. */
void daemon_changed(void *arg, const struct cas_change *change, uint64_t changed, cas_status status);

/* What control_server_options.imported wants, likewise. */
void daemon_imported(void *arg, void **kept, const char *who, const char *uid);

#endif
