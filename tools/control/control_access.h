/*
 * What a user has done with data of the store past the daemon, told to it for its audit trail: instances were exported,
 * or the store was mounted. Nobody is forced to tell: files that somebody may read he can read without.
 *
 * Threads: any.
 */
#ifndef CONTROL_ACCESS_H
#define CONTROL_ACCESS_H

#include "control_session.h"

enum control_access_kind { CONTROL_EXPORTED = 1, CONTROL_MOUNTED, CONTROL_UNMOUNTED };

struct control_access {
  enum control_access_kind kind;
  const char *how; /* for the record: the command, and where a mount is */
  const char *who;
  const struct cas_target *targets; /* of CONTROL_EXPORTED */
  size_t target_count;
};

/* The request, without memory NULL; *file gets an open file with the targets, -1 where there are none. */
json_t *control_access_request(const struct control_access *access, int *file);

/* Serves a request with its file, which stays open. The answer, a new reference; NULL: `error` says why. */
json_t *control_access_serve(struct control_node *node, int fd, json_int_t id, const json_t *request, int file,
                             struct cas_error *error);

#endif
