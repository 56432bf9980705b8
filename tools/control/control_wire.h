/*
 * The control protocol's bytes: lines of JSON over the Unix stream socket STORE/control.sock, open files beside them.
 *
 *   request   {"id": N, "command": "ping" | "status" | "import" | "snapshot" | "change" | "correct" | "scrub" |
 * "compact" | "access" | "tier", ...}\n at most CONTROL_LINE_BYTES_MAX answer    {"id": N, "ok": true, ...}\n
 *             {"id": N, "ok": false, "status": "refused", "message": "..."}\n
 *
 *   import    request: "name": text; with the line's first byte comes one descriptor (SCM_RIGHTS) of a regular file
 *             answer: "outcome": "stored" | "duplicate" | "new_version", "version", "sop_instance_uid", "bytes",
 *             "healed_blobs", and with a defect "defect", "defect_offset"; sent when the object is durable
 *   snapshot  request: "action": "create" | "remove", "name": text; answered when it is durable
 *   change    request: "action": "delete" | "hide" | "show", "reason": "other" | "quality" | ..., "why": text; with
 *             the line's first byte comes a file of targets (control_change.h)
 *             answer: "changed", when it is durable
 *   correct   request: "why": text; with the line's first byte comes a file (control_correct.h)
 *             answer: "corrected", "unchanged", "failed", and of the last that failed "status" and "reason"
 *   scrub     request: "action": "start" | "pause" | "resume", or none
 *             answer: "scrub": an object, see control_scrub.h
 *   compact   request: "min_percent": number, "deleted": "now" | "never" | days, as text, or none: as the daemon is
 *             told; compacts one segment or none
 *             answer: the numbers of struct cas_compact_result by their names
 *   access    request: "kind": "exported" | "mounted" | "unmounted", "how": text; of an export, with the line's first
 *             byte comes a file of targets (control_access.h)
 *   tier      request: "action": "move" | "recall", and of struct cas_tier_options by their names "sealed_before_ns",
 *             "keep_free_bytes", "segments": numbers, "after", "bytes_per_second", "dry_run"; tries one segment or none
 *             answer: the numbers of struct cas_tier_result by their names
 *   status    answer: "state": an object, see control_status()
 *
 * Requests may be pipelined; answers come in the order in which objects become durable. A daemon without a connection
 * to spare answers {"id": 0, "ok": false, "status": "busy", ...} at once and closes.
 *
 * Threads: a reader belongs to one thread.
 */
#ifndef CONTROL_WIRE_H
#define CONTROL_WIRE_H

#include <stdbool.h>
#include <sys/types.h>

#include <jansson.h>

#include "cassette/status.h"

/* A name of CONTROL_NAME_BYTES_MAX bytes escaped as JSON at its worst, six to one, and the rest of a line. */
#define CONTROL_LINE_BYTES_MAX 8192u

/* Longest name of an import; the archive records less. Longer ones are cut by the client. */
#define CONTROL_NAME_BYTES_MAX 1024u

/* Descriptors received and not yet asked for: the kernel hands over one message's at a time. */
#define CONTROL_DESCRIPTORS_MAX 4u

/* A listening socket in the store's folder, or a connected one; -1 and `error` on failure. The folder's path may be
 * longer than a socket's address. Listening replaces a dead socket: only the process that holds the store may do it. */
int control_socket_listen(const char *store_path, mode_t mode, struct cas_error *error);
int control_socket_dial(const char *store_path, struct cas_error *error);

/* Removes the socket's name from the store's folder. */
void control_socket_remove(const char *store_path);

struct control_reader {
  int fd;
  size_t start, end; /* buffer[start, end) was received and not yet returned */
  char buffer[CONTROL_LINE_BYTES_MAX + 1];
  int descriptors[CONTROL_DESCRIPTORS_MAX];
  size_t descriptor_count;
};

void control_reader_init(struct control_reader *reader, int fd);

/* Closes descriptors that nobody asked for; the socket is the caller's. */
void control_reader_fini(struct control_reader *reader);

/* Whether control_reader_next() would return a line without waiting for the socket. */
bool control_reader_has_line(const struct control_reader *reader);

/* The next line without its newline, borrowed until the next call. CAS_END: the peer closed; CAS_REFUSED: a line or the
 * descriptors exceed their limits; CAS_IO. Waits. */
CAS_MUST_USE cas_status control_reader_next(struct control_reader *reader, char **line);

/* The oldest descriptor that came and was not yet taken, now the caller's; -1 if there is none. */
int control_reader_take_descriptor(struct control_reader *reader);

/* Sends all bytes; `descriptor` (-1: none) goes with the first. False: the connection is gone, errno says why. */
bool control_send(int fd, const char *bytes, size_t size, int descriptor);

/* Sends `object` and a newline; takes the reference over. */
bool control_send_json(int fd, json_t *object, int descriptor);

/* The names of statuses on the wire. An unknown name is CAS_IO. */
const char *control_status_name(cas_status status);
cas_status control_status_by_name(const char *name);

#endif
