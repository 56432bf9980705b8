/*
 * The daemon: one store open for writing, and around it the DICOM node, the mount and the control socket.
 *
 * Threads: daemon_run() is called from the main thread, once, with SIGTERM, SIGINT and SIGHUP blocked.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include "config.h"

/* Exit statuses. sysexits.h names no better ones; cassetted.8 documents them. */
enum daemon_exit {
  DAEMON_STOPPED = 0,
  DAEMON_FAILED = 1, /* something broke while it ran or started */
  DAEMON_USAGE = 2,  /* the command line, the configuration, or no store there */
  DAEMON_BUSY = 3,   /* another process writes to the store, or the port is taken */
};

/*
 * Starts everything, says so in one line on standard error ("cassetted: ready: ...") and to the service manager, serves
 * until SIGTERM or SIGINT, and stops cleanly: no new associations and requests, objects under way get
 * config->stop_seconds, then the mount goes, then the store is closed.
 */
enum daemon_exit daemon_run(const struct config *config);

#endif
