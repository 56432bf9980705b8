/*
 * Tells the service manager how the daemon is doing, as sd_notify(3) does.
 *
 * Written by hand: the protocol is one datagram and stable by promise, and libsystemd would bring the journal and its
 * compressors into the process.
 *
 * Threads: any.
 */
#ifndef SERVICE_NOTIFY_H
#define SERVICE_NOTIFY_H

/* Sends `state`, such as "READY=1\nSTATUS=...", to $NOTIFY_SOCKET; nothing happens without one, or on failure. */
void service_notify(const char *state);

#endif
