/*
 * The daemon's end of the control socket, STORE/control.sock (control_wire.h has the protocol).
 *
 * It imports files that clients open and pass, and tells what the daemon is doing. Stopping the daemon is not among its
 * commands: signals and the service manager do that, with their own idea of who may.
 *
 * Bounded (P6): CONTROL_CONNECTIONS_MAX connections of two threads and one read buffer each; CONTROL_IN_FLIGHT_MAX
 * objects not yet answered on each; the engine bounds the bytes.
 *
 * Threads: start and stop belong to one thread.
 */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include <sys/types.h>

#include <jansson.h>

#include "cassette/scrub.h"
#include "cassette/state.h"

/* Objects under way or answered but not yet sent, on one connection. Beyond, no further request is read. */
#define CONTROL_IN_FLIGHT_MAX 256u

struct control_server;
struct control_access;

struct control_server_options {
  mode_t mode;                 /* of the socket; default 0600. Who may connect may import. */
  json_t *(*state)(void *arg); /* the object of a status answer, a new reference, to which "imports" is added; from any
                                  thread; NULL on failure */
  void *state_arg;
  struct cas_scrubber *scrubber; /* borrowed; NULL without one */
  unsigned deleted_days;         /* that deleted versions keep their bytes, as deleted_days.h; where nothing is asked */
  /* Called after each change of states that was asked for, with what came of it; from any thread. NULL: nobody asks. */
  void (*changed)(void *arg, const struct cas_change *change, uint64_t changed, cas_status status);
  void *changed_arg;
  /* Called for each object that a connection has imported, and at its end without a UID if it has imported any; `kept`
   * is the connection's own and NULL at first. By one thread at a time for each connection. NULL: nobody asks. */
  void (*imported)(void *arg, void **kept, const char *who, const char *uid);
  void *imported_arg;
  /* Called for each access that a user tells of (control_access.h); from any thread. NULL: nobody asks. */
  void (*accessed)(void *arg, const struct control_access *access);
  void *accessed_arg;
  cas_log_fn log;
  void *log_arg;
};

/* Listens in the folder of the open store and serves. `store` is borrowed until stop. CAS_IO: the socket cannot be
 * made. */
CAS_MUST_USE cas_status control_server_start(struct cas_store *store, const struct control_server_options *options,
                                             struct control_server **server, struct cas_error *error);

/* Stops accepting and reading requests, lets imports under way finish for up to `grace_seconds`, cuts off the rest,
 * removes the socket and frees. NULL is allowed. */
void control_server_stop(struct control_server *server, unsigned grace_seconds);

#endif
