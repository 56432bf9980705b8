/*
 * Owns one connection to a daemon and the imports under way on it. Invariants:
 *  1. pending[0, pending_count) are the imports whose `done` was not called yet; at most CONTROL_CLIENT_WINDOW.
 *  2. Once broken, the connection is not used again; control_finish() ends what is pending.
 */
#include "control_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control_change.h"
#include "control_wire.h"

struct pending {
  json_int_t id;
  control_import_fn done;
  void *arg;
};

struct control_client {
  int fd;
  bool broken;
  json_int_t next_id;
  struct control_reader reader;
  struct pending pending[CONTROL_CLIENT_WINDOW];
  size_t pending_count;
};

static cas_status fail(struct cas_error *error, cas_status status, const char *message) {
  if (error != NULL) {
    error->status = status;
    error->system_errno = 0;
    snprintf(error->message, sizeof error->message, "%s", message);
  }
  return status;
}

static cas_status lose(struct control_client *client, struct cas_error *error) {
  client->broken = true;
  return fail(error, CAS_IO, "the daemon went away");
}

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text != NULL ? text : "";
}

static uint64_t number_of(const json_t *object, const char *key) {
  const json_int_t value = json_integer_value(json_object_get(object, key));
  return value < 0 ? 0 : (uint64_t)value;
}

/* The next answer, a new reference. */
static cas_status read_answer(struct control_client *client, json_t **answer, struct cas_error *error) {
  char *line;
  if (client->broken || control_reader_next(&client->reader, &line) != CAS_OK) return lose(client, error);
  *answer = json_loads(line, 0, NULL);
  if (!json_is_object(*answer)) {
    json_decref(*answer);
    client->broken = true;
    return fail(error, CAS_IO, "the daemon's answer is not understood");
  }
  return CAS_OK;
}

/* CAS_OK, or the status and message that the answer carries. */
static cas_status status_of_answer(const json_t *answer, struct cas_error *error) {
  if (json_is_true(json_object_get(answer, "ok"))) return CAS_OK;
  const cas_status status = control_status_by_name(text_of(answer, "status"));
  return fail(error, status == CAS_OK ? CAS_IO : status, text_of(answer, "message"));
}

static void fill_result(const json_t *answer, struct cas_ingest_result *result) {
  const char *outcome = text_of(answer, "outcome");
  *result = (struct cas_ingest_result){
      .outcome = strcmp(outcome, "duplicate") == 0     ? CAS_DUPLICATE
                 : strcmp(outcome, "new_version") == 0 ? CAS_NEW_VERSION
                                                       : CAS_STORED,
      .version = (uint32_t)number_of(answer, "version"),
      .bytes = number_of(answer, "bytes"),
      .defect = json_string_value(json_object_get(answer, "defect")),
      .defect_offset = number_of(answer, "defect_offset"),
      .healed_blobs = number_of(answer, "healed_blobs"),
  };
  snprintf(result->sop_instance_uid, sizeof result->sop_instance_uid, "%s", text_of(answer, "sop_instance_uid"));
}

static bool take_pending(struct control_client *client, json_int_t id, struct pending *taken) {
  for (size_t i = 0; i < client->pending_count; i++) {
    if (client->pending[i].id != id) continue;
    *taken = client->pending[i];
    client->pending[i] = client->pending[--client->pending_count];
    return true;
  }
  return false;
}

/* Reads one answer to an import and hands it on. */
static cas_status finish_one(struct control_client *client, struct cas_error *error) {
  json_t *answer;
  const cas_status read = read_answer(client, &answer, error);
  if (read != CAS_OK) return read;
  struct pending import;
  if (!take_pending(client, json_integer_value(json_object_get(answer, "id")), &import)) {
    json_decref(answer);
    client->broken = true;
    return fail(error, CAS_IO, "the daemon answered what was not asked");
  }
  struct cas_error reason = {0};
  struct cas_ingest_result result;
  const cas_status status = status_of_answer(answer, &reason);
  if (status == CAS_OK) fill_result(answer, &result);
  import.done(import.arg, status, status == CAS_OK ? &result : NULL, &reason);
  json_decref(answer);
  return CAS_OK;
}

static bool answer_waits(struct control_client *client) {
  if (control_reader_has_line(&client->reader)) return true;
  struct pollfd entry = {.fd = client->fd, .events = POLLIN};
  return poll(&entry, 1, 0) > 0;
}

/* --- connecting --- */

/* Sends `request` (taken over; NULL: out of memory) and an open file (-1: none), with nothing else under way; the
 * answer is a new reference. */
static cas_status ask_with(struct control_client *client, json_t *request, int file, json_t **answer,
                           struct cas_error *error) {
  const cas_status finished = control_finish(client, error);
  if (finished != CAS_OK || request == NULL ||
      json_object_set_new(request, "id", json_integer(client->next_id++)) < 0) {
    json_decref(request);
    return finished != CAS_OK ? finished : fail(error, CAS_NO_MEMORY, "request");
  }
  /* A daemon that is busy has answered and closed before it read this. */
  (void)control_send_json(client->fd, request, file);
  const cas_status read = read_answer(client, answer, error);
  if (read != CAS_OK) return read;
  const cas_status status = status_of_answer(*answer, error);
  if (status != CAS_OK) json_decref(*answer);
  return status;
}

static cas_status ask(struct control_client *client, json_t *request, json_t **answer, struct cas_error *error) {
  return ask_with(client, request, -1, answer, error);
}

cas_status control_connect(const char *store_path, struct control_client **client, struct cas_error *error) {
  struct cas_error reason = {0};
  const int fd = control_socket_dial(store_path, &reason);
  if (fd < 0) {
    if (error != NULL) *error = reason;
    return reason.status;
  }
  struct control_client *made = calloc(1, sizeof *made);
  if (made == NULL) {
    close(fd);
    return fail(error, CAS_NO_MEMORY, "control client");
  }
  made->fd = fd;
  control_reader_init(&made->reader, fd);
  json_t *answer;
  const cas_status status = ask(made, json_pack("{ss}", "command", "ping"), &answer, error);
  if (status != CAS_OK) {
    control_close(made);
    return status;
  }
  json_decref(answer);
  *client = made;
  return CAS_OK;
}

void control_close(struct control_client *client) {
  if (client == NULL) return;
  control_reader_fini(&client->reader);
  close(client->fd);
  free(client);
}

/* --- commands --- */

/* A name as JSON takes it: valid UTF-8, cut to the limit. Bytes that are not UTF-8 become '?'. */
static json_t *json_of_name(const char *name) {
  char text[CONTROL_NAME_BYTES_MAX + 1];
  snprintf(text, sizeof text, "%s", name);
  json_t *value = json_string(text);
  if (value != NULL) return value;
  for (char *c = text; *c != '\0'; c++) {
    if ((unsigned char)*c >= 0x80) *c = '?';
  }
  return json_string(text);
}

cas_status control_import(struct control_client *client, int fd, const char *name, control_import_fn done, void *arg,
                          struct cas_error *error) {
  if (client->broken) return lose(client, error);
  while (client->pending_count == CONTROL_CLIENT_WINDOW || (client->pending_count > 0 && answer_waits(client))) {
    const cas_status status = finish_one(client, error);
    if (status != CAS_OK) return status;
  }
  const json_int_t id = client->next_id++;
  json_t *request = json_pack("{sIss}", "id", id, "command", "import");
  if (request == NULL) return fail(error, CAS_NO_MEMORY, "import request");
  if (json_object_set_new(request, "name", json_of_name(name)) < 0) {
    json_decref(request);
    return fail(error, CAS_NO_MEMORY, "import request");
  }
  if (!control_send_json(client->fd, request, fd)) return lose(client, error);
  client->pending[client->pending_count++] = (struct pending){.id = id, .done = done, .arg = arg};
  return CAS_OK;
}

cas_status control_finish(struct control_client *client, struct cas_error *error) {
  cas_status status = CAS_OK;
  while (status == CAS_OK && client->pending_count > 0) status = finish_one(client, error);
  while (client->pending_count > 0) {
    const struct pending import = client->pending[--client->pending_count];
    struct cas_error reason = {0};
    (void)fail(&reason, CAS_IO, "the daemon went away before the object was reported durable");
    import.done(import.arg, CAS_IO, NULL, &reason);
  }
  return status;
}

static cas_status ask_for_snapshot(struct control_client *client, const char *action, const char *name,
                                   struct cas_error *error) {
  json_t *request = json_pack("{ssss}", "command", "snapshot", "action", action), *answer;
  if (request != NULL && json_object_set_new(request, "name", json_of_name(name)) < 0) {
    json_decref(request);
    request = NULL;
  }
  const cas_status status = ask(client, request, &answer, error);
  if (status == CAS_OK) json_decref(answer);
  return status;
}

cas_status control_snapshot_create(struct control_client *client, const char *name, struct cas_error *error) {
  return ask_for_snapshot(client, "create", name, error);
}

cas_status control_snapshot_remove(struct control_client *client, const char *name, struct cas_error *error) {
  return ask_for_snapshot(client, "remove", name, error);
}

cas_status control_change(struct control_client *client, const struct cas_change *change, uint64_t *changed,
                          struct cas_error *error) {
  json_t *answer;
  int file;
  *changed = 0;
  json_t *request = control_change_request(change, &file);
  const cas_status status = ask_with(client, request, file, &answer, error);
  if (file >= 0) close(file);
  if (status != CAS_OK) return status;
  *changed = number_of(answer, "changed");
  json_decref(answer);
  return CAS_OK;
}

cas_status control_compact(struct control_client *client, uint32_t min_percent, const char *deleted,
                           struct cas_compact_result *result, struct cas_error *error) {
  json_t *answer, *request = json_pack("{sssIss*}", "command", "compact", "min_percent", (json_int_t)min_percent,
                                       "deleted", deleted);
  const cas_status status = ask(client, request, &answer, error);
  if (status != CAS_OK) return status;
  *result = (struct cas_compact_result){.segments = number_of(answer, "segments"),
                                        .bytes_before = number_of(answer, "bytes_before"),
                                        .bytes_after = number_of(answer, "bytes_after"),
                                        .packed_blobs = number_of(answer, "packed_blobs"),
                                        .dropped_records = number_of(answer, "dropped_records"),
                                        .damaged_segments = number_of(answer, "damaged_segments"),
                                        .discarded_versions = number_of(answer, "discarded_versions"),
                                        .bytes_left = number_of(answer, "bytes_left")};
  json_decref(answer);
  return CAS_OK;
}

cas_status control_tier(struct control_client *client, bool recall, const struct cas_tier_options *options,
                        struct cas_tier_result *result, struct cas_error *error) {
  json_t *answer;
  const cas_status status = ask(client, control_tier_request(recall, options), &answer, error);
  if (status != CAS_OK) return status;
  control_tier_result(answer, result);
  json_decref(answer);
  return CAS_OK;
}

cas_status control_scrub(struct control_client *client, const char *action, char **json, struct cas_error *error) {
  json_t *answer, *request = json_pack("{ss}", "command", "scrub");
  if (request != NULL && action != NULL) json_object_set_new(request, "action", json_string(action));
  const cas_status status = ask(client, request, &answer, error);
  if (status != CAS_OK) return status;
  char *text = json_dumps(json_object_get(answer, "scrub"), JSON_COMPACT);
  json_decref(answer);
  if (text == NULL) return fail(error, CAS_IO, "the daemon's answer is not understood");
  *json = text;
  return CAS_OK;
}

cas_status control_correct(struct control_client *client, const struct cas_correction *correction,
                           const char *const *paths, size_t count, struct control_corrected *corrected,
                           struct cas_error *error) {
  json_t *answer;
  int file;
  json_t *request = control_correct_request(correction, paths, count, &file);
  const cas_status status = ask_with(client, request, file, &answer, error);
  if (file >= 0) close(file);
  if (status != CAS_OK) return status;
  control_correct_result(answer, corrected);
  json_decref(answer);
  return CAS_OK;
}

cas_status control_tell_access(struct control_client *client, const struct control_access *access,
                               struct cas_error *error) {
  json_t *answer;
  int file;
  json_t *request = control_access_request(access, &file);
  const cas_status status = ask_with(client, request, file, &answer, error);
  if (file >= 0) close(file);
  if (status == CAS_OK) json_decref(answer);
  return status;
}

cas_status control_status(struct control_client *client, char **json, struct cas_error *error) {
  json_t *answer;
  const cas_status status = ask(client, json_pack("{ss}", "command", "status"), &answer, error);
  if (status != CAS_OK) return status;
  char *text = json_dumps(json_object_get(answer, "state"), JSON_COMPACT);
  json_decref(answer);
  if (text == NULL) return fail(error, CAS_IO, "the daemon's answer is not understood");
  *json = text;
  return CAS_OK;
}
