/*
 * Owns one connection. Invariants, under lock:
 *  1. in_flight counts the requests that were read and whose answer has not left; it never exceeds
 * CONTROL_IN_FLIGHT_MAX, and `answers` holds at most as many.
 *  2. The session is freed only when in_flight is 0 and the sender has ended: no callback of the engine can come later.
 */
#include "control_session.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cassette/ingest.h"
#include "cassette/snapshot.h"
#include "control_access.h"
#include "control_change.h"
#include "control_compact.h"
#include "control_correct.h"
#include "control_scrub.h"
#include "control_tier.h"
#include "control_wire.h"

/* How much of a file is read at once: a CT slice in one piece, a big object in steps between which a stop is heeded. */
#define READ_BYTES (1u << 20)

struct session {
  struct control_node *node;
  int fd;
  uint8_t *buffer; /* READ_BYTES, the reader's */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  unsigned in_flight;
  json_t *answers[CONTROL_IN_FLIGHT_MAX]; /* to be sent, oldest at answer_first, as a ring */
  size_t answer_first, answer_count;
  bool reader_ended;
  bool broken; /* the peer takes no answers any more */

  void *imports; /* what options.imported keeps; the sender's */
  char who[256];
};

/* An import under way in the engine. */
struct import {
  struct session *session;
  json_int_t id;
};

/* --- answers --- */

static json_t *failure(json_int_t id, cas_status status, const char *message) {
  json_t *answer = json_pack("{sIsbss}", "id", id, "ok", 0, "status", control_status_name(status));
  json_t *text = json_string(message);
  /* A message may quote a path that is not UTF-8. */
  if (answer != NULL)
    json_object_set_new(answer, "message", text != NULL ? text : json_string(cas_status_text(status)));
  return answer;
}

static const char *outcome_name(enum cas_outcome outcome) {
  switch (outcome) {
  case CAS_DUPLICATE: return "duplicate";
  case CAS_NEW_VERSION: return "new_version";
  default: return "stored";
  }
}

static json_t *success(json_int_t id, const struct cas_ingest_result *result) {
  json_t *answer = json_pack("{sIsbsssIsssIsI}", "id", id, "ok", 1, "outcome", outcome_name(result->outcome), "version",
                             (json_int_t)result->version, "sop_instance_uid", result->sop_instance_uid, "bytes",
                             (json_int_t)result->bytes, "healed_blobs", (json_int_t)result->healed_blobs);
  if (answer != NULL && result->defect != NULL) {
    json_object_set_new(answer, "defect", json_string(result->defect));
    json_object_set_new(answer, "defect_offset", json_integer((json_int_t)result->defect_offset));
  }
  return answer;
}

/* Hands the answer to a request that was counted in in_flight to the sender. NULL (out of memory) breaks the
 * connection: the client then learns that it does not know. */
static void answer_with(struct session *session, json_t *answer) {
  pthread_mutex_lock(&session->lock);
  if (answer == NULL) {
    session->in_flight--;
    session->broken = true;
    (void)shutdown(session->fd, SHUT_RDWR);
  } else {
    session->answers[(session->answer_first + session->answer_count++) % CONTROL_IN_FLIGHT_MAX] = answer;
  }
  pthread_cond_broadcast(&session->changed);
  pthread_mutex_unlock(&session->lock);
}

/* Also where nobody takes the answer: the object is there. */
static void tell_imported(struct session *session, const json_t *answer) {
  const struct control_server_options *options = &session->node->options;
  if (options->imported == NULL || json_object_get(answer, "outcome") == NULL) return;
  if (session->who[0] == '\0') (void)control_peer_name(session->fd, session->who, sizeof session->who);
  options->imported(options->imported_arg, &session->imports, session->who,
                    json_string_value(json_object_get(answer, "sop_instance_uid")));
}

static void *sender_main(void *arg) {
  struct session *session = arg;
  pthread_mutex_lock(&session->lock);
  for (;;) {
    while (session->answer_count == 0 && !(session->reader_ended && session->in_flight == 0)) {
      pthread_cond_wait(&session->changed, &session->lock);
    }
    if (session->answer_count == 0) break;
    json_t *answer = session->answers[session->answer_first];
    session->answer_first = (session->answer_first + 1) % CONTROL_IN_FLIGHT_MAX;
    session->answer_count--;
    const bool broken = session->broken;
    pthread_mutex_unlock(&session->lock);
    bool sent = true;
    tell_imported(session, answer);
    if (broken) {
      json_decref(answer);
    } else {
      sent = control_send_json(session->fd, answer, -1);
    }
    pthread_mutex_lock(&session->lock);
    if (!sent) {
      session->broken = true;
      (void)shutdown(session->fd, SHUT_RDWR);
    }
    session->in_flight--;
    pthread_cond_broadcast(&session->changed);
  }
  pthread_mutex_unlock(&session->lock);
  return NULL;
}

/* --- import --- */

static void import_done(void *arg, cas_status status, const struct cas_ingest_result *result,
                        const struct cas_error *error) {
  struct import *import = arg;
  if (status == CAS_OK) atomic_fetch_add_explicit(&import->session->node->imports, 1, memory_order_relaxed);
  answer_with(import->session,
              status == CAS_OK ? success(import->id, result) : failure(import->id, status, error->message));
  free(import);
}

static cas_status fail_read(struct cas_error *error, cas_status status, const char *message) {
  error->status = status;
  snprintf(error->message, sizeof error->message, "%s", message);
  return status;
}

/* Reads the file from its first byte to its end into the ingest. */
static cas_status feed(struct session *session, int file, struct cas_ingest *ingest, struct cas_error *error) {
  uint64_t offset = 0;
  for (;;) {
    if (atomic_load(&session->node->cutting)) return fail_read(error, CAS_BUSY, "the daemon is stopping");
    const ssize_t got = pread(file, session->buffer, READ_BYTES, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_read(error, CAS_IO, strerrordesc_np(errno));
    if (got == 0) return CAS_OK;
    const struct cas_slice bytes = {.data = session->buffer, .size = (size_t)got};
    const cas_status status = cas_ingest_write(ingest, bytes, error);
    if (status != CAS_OK) return status;
    offset += (uint64_t)got;
  }
}

/* CAS_OK: import_done() is or will be called with `import`; else the caller answers. */
static cas_status import_file(struct session *session, int file, const char *name, struct import *import,
                              struct cas_error *error) {
  struct stat about;
  if (fstat(file, &about) < 0 || !S_ISREG(about.st_mode)) {
    return fail_read(error, CAS_REFUSED, "not a regular file");
  }
  (void)posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
  const struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT, .description = name};
  struct cas_ingest *ingest;
  cas_status status = cas_ingest_begin(session->node->store, &source, &ingest, error);
  if (status != CAS_OK) return status;
  status = feed(session, file, ingest, error);
  if (status != CAS_OK) {
    cas_ingest_abort(ingest);
    return status;
  }
  return cas_ingest_commit_async(ingest, import_done, import, error);
}

static void serve_import(struct session *session, json_int_t id, const char *name, int file) {
  struct cas_error error = {0};
  cas_status status = CAS_INVALID;
  if (name == NULL || file < 0) {
    (void)fail_read(&error, CAS_INVALID, "an import needs a name and a file");
  } else {
    struct import *import = malloc(sizeof *import);
    if (import == NULL) {
      status = fail_read(&error, CAS_NO_MEMORY, "import");
    } else {
      *import = (struct import){.session = session, .id = id};
      status = import_file(session, file, name, import, &error);
      if (status != CAS_OK) free(import);
    }
  }
  if (file >= 0) close(file);
  if (status != CAS_OK) answer_with(session, failure(id, status, error.message));
}

/* --- requests --- */

static void serve_status(struct session *session, json_int_t id) {
  const struct control_server_options *options = &session->node->options;
  json_t *state = options->state != NULL ? options->state(options->state_arg) : NULL;
  if (state == NULL) {
    answer_with(session, failure(id, CAS_UNSUPPORTED, "the state is not known"));
  } else {
    json_object_set_new(state, "imports", json_integer((json_int_t)atomic_load(&session->node->imports)));
    answer_with(session, json_pack("{sIsbso}", "id", id, "ok", 1, "state", state));
  }
}

static void serve_scrub(struct session *session, json_int_t id, const json_t *request) {
  struct cas_scrubber *scrubber = session->node->options.scrubber;
  const char *action = json_string_value(json_object_get(request, "action"));
  struct cas_error error = {0};
  cas_status status = CAS_OK;
  if (scrubber == NULL)
    status = fail_read(&error, CAS_UNSUPPORTED, "the daemon does not scrub");
  else if (action != NULL)
    status = control_scrub_do(scrubber, action, &error);
  if (status != CAS_OK) {
    answer_with(session, failure(id, status, error.message));
    return;
  }
  struct cas_scrub_status now;
  cas_scrub_status(scrubber, &now);
  answer_with(session, json_pack("{sIsbso}", "id", id, "ok", 1, "scrub", control_scrub_json(&now)));
}

static void serve_snapshot(struct session *session, json_int_t id, const json_t *request) {
  const char *action = json_string_value(json_object_get(request, "action"));
  const char *name = json_string_value(json_object_get(request, "name"));
  struct cas_error error = {0};
  cas_status status = CAS_INVALID;
  if (action != NULL && name != NULL && strcmp(action, "create") == 0) {
    status = cas_snapshot_create(session->node->store, name, &error);
  } else if (action != NULL && name != NULL && strcmp(action, "remove") == 0) {
    status = cas_snapshot_remove(session->node->store, name, &error);
  } else {
    (void)fail_read(&error, CAS_INVALID, "a snapshot needs an action and a name");
  }
  answer_with(session, status == CAS_OK ? json_pack("{sIsb}", "id", id, "ok", 1) : failure(id, status, error.message));
}

static void serve_change(struct session *session, json_int_t id, const json_t *request, int file) {
  const struct control_server_options *options = &session->node->options;
  struct control_change wanted;
  struct cas_error error = {0};
  uint64_t changed = 0;
  cas_status status = control_change_read(request, file, session->fd, &wanted, &error);
  if (file >= 0) close(file);
  if (status == CAS_OK) {
    status = cas_store_change(session->node->store, &wanted.change, &changed, &error);
    if (options->changed != NULL) options->changed(options->changed_arg, &wanted.change, changed, status);
  }
  control_change_fini(&wanted);
  answer_with(session, status == CAS_OK ? json_pack("{sIsbsI}", "id", id, "ok", 1, "changed", (json_int_t)changed)
                                        : failure(id, status, error.message));
}

/* The answer of a request that a module of its own serves, with the file that came with it. */
static void serve_apart(struct session *session, json_int_t id, const json_t *request, int file,
                        json_t *(*serve)(struct control_node *node, int fd, json_int_t id, const json_t *request,
                                         int file, struct cas_error *error)) {
  struct cas_error error = {0};
  json_t *answer = serve(session->node, session->fd, id, request, file, &error);
  if (file >= 0) close(file);
  answer_with(session, answer != NULL ? answer : failure(id, error.status, error.message));
}

/* Serves one line; false ends the connection: what sends no JSON object does not speak the protocol. */
static bool serve_line(struct session *session, struct control_reader *reader, const char *line) {
  json_t *request = json_loads(line, 0, NULL);
  if (!json_is_object(request)) {
    json_decref(request);
    return false;
  }
  const json_int_t id = json_integer_value(json_object_get(request, "id"));
  const char *command = json_string_value(json_object_get(request, "command"));
  pthread_mutex_lock(&session->lock);
  while (session->in_flight == CONTROL_IN_FLIGHT_MAX) pthread_cond_wait(&session->changed, &session->lock);
  session->in_flight++;
  pthread_mutex_unlock(&session->lock);
  if (command == NULL) command = "";
  if (strcmp(command, "import") == 0) {
    const char *name = json_string_value(json_object_get(request, "name"));
    serve_import(session, id, name, control_reader_take_descriptor(reader));
  } else if (strcmp(command, "ping") == 0) {
    answer_with(session, json_pack("{sIsb}", "id", id, "ok", 1));
  } else if (strcmp(command, "change") == 0) {
    serve_change(session, id, request, control_reader_take_descriptor(reader));
  } else if (strcmp(command, "correct") == 0) {
    serve_apart(session, id, request, control_reader_take_descriptor(reader), control_correct_serve);
  } else if (strcmp(command, "access") == 0) {
    serve_apart(session, id, request, control_reader_take_descriptor(reader), control_access_serve);
  } else if (strcmp(command, "snapshot") == 0) {
    serve_snapshot(session, id, request);
  } else if (strcmp(command, "scrub") == 0) {
    serve_scrub(session, id, request);
  } else if (strcmp(command, "compact") == 0 || strcmp(command, "tier") == 0) {
    struct cas_error error = {0};
    json_t *answer = command[0] == 'c' ? control_compact_serve(session->node, session->fd, id, request, &error)
                                       : control_tier_serve(session->node, session->fd, id, request, &error);
    answer_with(session, answer != NULL ? answer : failure(id, error.status, error.message));
  } else if (strcmp(command, "status") == 0) {
    serve_status(session, id);
  } else {
    answer_with(session, failure(id, CAS_UNSUPPORTED, "unknown command"));
  }
  json_decref(request);
  return true;
}

static void read_requests(struct session *session) {
  struct control_reader *reader = malloc(sizeof *reader);
  if (reader == NULL) return;
  control_reader_init(reader, session->fd);
  char *line;
  while (!atomic_load(&session->node->stopping) && control_reader_next(reader, &line) == CAS_OK) {
    if (!serve_line(session, reader, line)) break;
  }
  control_reader_fini(reader);
  free(reader);
}

void control_session_serve(struct control_node *node, int fd) {
  struct session *session = calloc(1, sizeof *session);
  uint8_t *buffer = malloc(READ_BYTES);
  if (session == NULL || buffer == NULL) {
    free(session);
    free(buffer);
    return;
  }
  *session = (struct session){.node = node, .fd = fd, .buffer = buffer};
  pthread_mutex_init(&session->lock, NULL);
  pthread_cond_init(&session->changed, NULL);
  pthread_t sender;
  if (pthread_create(&sender, NULL, sender_main, session) == 0) {
    read_requests(session);
    pthread_mutex_lock(&session->lock);
    session->reader_ended = true;
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->lock);
    pthread_join(sender, NULL);
    if (session->imports != NULL)
      node->options.imported(node->options.imported_arg, &session->imports, session->who, NULL);
  }
  pthread_cond_destroy(&session->changed);
  pthread_mutex_destroy(&session->lock);
  free(buffer);
  free(session);
}
