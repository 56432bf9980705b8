/*
 * The daemon's log: lines with time and level on standard error or in a file, which SIGHUP opens anew.
 *
 *   2026-11-23T22:15:04.123Z notice association CT1@192.0.2.7: released; ...
 *
 * On the journal (systemd sets JOURNAL_STREAM) the time is left out and the level becomes a prefix that the journal
 * understands, see sd-daemon(3).
 *
 * Threads: daemon_log_write() from any; the others from one.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include "cassette/store.h"

struct daemon_log;

/* Opens the log. `path` NULL: standard error. Lines above `level` are dropped. CAS_IO: the file cannot be opened. */
CAS_MUST_USE cas_status daemon_log_open(const char *path, enum cas_log_level level, struct daemon_log **log,
                                        struct cas_error *error);
void daemon_log_close(struct daemon_log *log);

/* Opens the file anew, after it was rotated; on failure the old one stays, and gets a line about it. */
void daemon_log_reopen(struct daemon_log *log);

/* A cas_log_fn; `arg` is the log. */
void daemon_log_write(void *arg, enum cas_log_level level, const char *line);

void daemon_log_printf(struct daemon_log *log, enum cas_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
