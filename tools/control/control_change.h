/*
 * A change of states over the control socket: the request says what and why, a file beside it which versions, one line
 * "VERSION UID" for each; version 0 means all. Who it was the daemon asks the kernel.
 *
 * Threads: any.
 */
#ifndef CONTROL_CHANGE_H
#define CONTROL_CHANGE_H

#include <sys/types.h>

#include <jansson.h>

#include "cassette/state.h"

/* More than anybody changes at once: about a million versions. */
#define CONTROL_TARGETS_BYTES_MAX (64u << 20)

/* The name of a user, or the number where there is none. */
const char *control_user_name(uid_t uid, char *name, size_t capacity);

/* Who is at the other end of a connected socket. */
const char *control_peer_name(int fd, char *name, size_t capacity);

/* An open file with targets, a line each; -1 on failure. */
int control_targets_file(const struct cas_target *targets, size_t count);

/* The request of a change, NULL without memory; *file gets an open file with its targets, -1 on failure. */
json_t *control_change_request(const struct cas_change *change, int *file);

struct control_change {
  struct cas_change change;
  char who[CAS_WHO_MAX + 1];
  char *text;                 /* of the file */
  struct cas_target *targets; /* their UIDs lie in `text` */
};
void control_change_fini(struct control_change *change);

/* Reads a file with targets, and asks who sent it, into a change that is empty but for what else is known of it. */
CAS_MUST_USE cas_status control_targets_read(int file, int fd, struct control_change *change, struct cas_error *error);

/* Reads a request and its file, from peer `fd`. CAS_INVALID: they are no change. */
CAS_MUST_USE cas_status control_change_read(const json_t *request, int file, int fd, struct control_change *change,
                                            struct cas_error *error);

#endif
