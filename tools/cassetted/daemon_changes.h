/*
 * What the daemon's users do: of changes of states one line in the log, and an audit message for each study; of imports
 * an audit message for each study and connection; of exports and mounts past the daemon what they tell it. Changes that
 * were made without the daemon are in the log of the store, and are told when it starts (audit_mark.h).
 *
 * Threads: any.
 */
#ifndef DAEMON_CHANGES_H
#define DAEMON_CHANGES_H

#include "audit.h"
#include "cassette/state.h"
#include "control_access.h"
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

/* What control_server_options.accessed wants, likewise. */
void daemon_accessed(void *arg, const struct control_access *access);

/* At the start, before anything else can change states: tells the audit trail of the changes behind its mark. A store
 * without a mark gets one, and what was before is not told. */
void daemon_changes_catch_up(const struct daemon_changes *changes);

/* At the end, when nothing can change states any more: all of them were told, so the mark moves. */
void daemon_changes_settle(const struct daemon_changes *changes);

#endif
