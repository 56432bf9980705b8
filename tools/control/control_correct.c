#include "control_correct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control_change.h"
#include "control_wire.h"

struct run {
  struct control_corrected *corrected;
  void (*each)(void *arg, const char *uid);
  void *arg;
};

static void count(void *arg, cas_status status, const struct cas_ingest_result *result, const struct cas_error *error) {
  const struct run *run = arg;
  struct control_corrected *corrected = run->corrected;
  if (status == CAS_OK) {
    corrected->corrected++;
    if (run->each != NULL) run->each(run->arg, result->sop_instance_uid);
  } else if (status == CAS_EXISTS) {
    corrected->unchanged++;
  } else {
    corrected->failed++;
    corrected->status = status;
    snprintf(corrected->reason, sizeof corrected->reason, "%s",
             error->message[0] != '\0' ? error->message : cas_status_text(status));
  }
}

cas_status control_correct_run(struct cas_store *store, const struct cas_correction *correction,
                               const char *const *paths, size_t path_count, void (*each)(void *arg, const char *uid),
                               void *arg, struct control_corrected *corrected, struct cas_error *error) {
  struct run run = {.corrected = corrected, .each = each, .arg = arg};
  *corrected = (struct control_corrected){0};
  return cas_store_correct(store, correction, paths, path_count, count, &run, error);
}

/* --- the client's end --- */

static json_t *document_of(const struct cas_correction *correction, const char *const *paths, size_t count) {
  json_t *assignments = json_array(), *places = json_array();
  bool whole = assignments != NULL && places != NULL;
  for (size_t i = 0; whole && i < correction->count; i++)
    whole = json_array_append_new(assignments,
                                  json_pack("[Iss*]", (json_int_t)correction->assignments[i].tag,
                                            correction->assignments[i].value, correction->assignments[i].vr)) == 0;
  for (size_t i = 0; whole && i < count; i++) whole = json_array_append_new(places, json_string(paths[i])) == 0;
  json_t *document = whole ? json_pack("{sOsO}", "assignments", assignments, "paths", places) : NULL;
  json_decref(assignments);
  json_decref(places);
  return document;
}

static int write_document(json_t *document) {
  const int fd = document == NULL ? -1 : memfd_create("cassette correction", MFD_CLOEXEC);
  if (fd < 0) return -1;
  if (json_dumpfd(document, fd, JSON_COMPACT) == 0) return fd;
  close(fd);
  return -1;
}

json_t *control_correct_request(const struct cas_correction *correction, const char *const *paths, size_t count,
                                int *file) {
  json_t *document = document_of(correction, paths, count);
  *file = write_document(document);
  json_decref(document);
  if (*file < 0) return NULL;
  return json_pack("{ssss}", "command", "correct", "why", correction->why != NULL ? correction->why : "");
}

/* --- the daemon's end --- */

/* A request and its file, as read by the daemon from peer `fd`. CAS_INVALID: they are no correction. */
struct control_correction {
  struct cas_correction correction;
  char who[256];
  json_t *document; /* that all texts lie in */
  struct cas_assignment assignments[CAS_ASSIGNMENTS_MAX];
  const char **paths;
  size_t count;
};

static bool read_assignments(const json_t *list, struct control_correction *correction) {
  size_t count = json_array_size(list);
  if (count == 0 || count > CAS_ASSIGNMENTS_MAX) return false;
  for (size_t i = 0; i < count; i++) {
    const json_t *pair = json_array_get(list, i);
    const json_int_t tag = json_integer_value(json_array_get(pair, 0));
    const char *value = json_string_value(json_array_get(pair, 1));
    if (tag <= 0 || tag > UINT32_MAX || value == NULL) return false;
    const char *vr = json_string_value(json_array_get(pair, 2));
    correction->assignments[i] = (struct cas_assignment){.tag = (uint32_t)tag, .value = value, .vr = vr};
  }
  correction->correction.assignments = correction->assignments;
  correction->correction.count = count;
  return true;
}

static bool read_paths(const json_t *list, struct control_correction *correction) {
  size_t count = json_array_size(list);
  correction->paths = calloc(count + 1, sizeof *correction->paths);
  if (correction->paths == NULL) return false;
  for (size_t i = 0; i < count; i++) {
    correction->paths[i] = json_string_value(json_array_get(list, i));
    if (correction->paths[i] == NULL) return false;
  }
  correction->count = count;
  return count > 0;
}

static json_t *read_document(int file) {
  struct stat about;
  if (file < 0 || fstat(file, &about) < 0 || !S_ISREG(about.st_mode) || about.st_size > CONTROL_TARGETS_BYTES_MAX)
    return NULL;
  return lseek(file, 0, SEEK_SET) == 0 ? json_loadfd(file, 0, NULL) : NULL;
}

static cas_status control_correct_read(const json_t *request, int file, int fd, struct control_correction *correction,
                                       struct cas_error *error) {
  *correction = (struct control_correction){.document = read_document(file)};
  correction->correction.who = control_peer_name(fd, correction->who, sizeof correction->who);
  correction->correction.why = json_string_value(json_object_get(request, "why"));
  const json_t *document = correction->document;
  if (read_assignments(json_object_get(document, "assignments"), correction) &&
      read_paths(json_object_get(document, "paths"), correction))
    return cas_correction_check(&correction->correction, error);
  error->status = CAS_INVALID;
  snprintf(error->message, sizeof error->message, "a correction needs a file of assignments and paths");
  return CAS_INVALID;
}

static void control_correct_fini(struct control_correction *correction) {
  free(correction->paths);
  json_decref(correction->document);
}

struct corrected_uids {
  struct cas_target *targets; /* with UIDs that are owned */
  size_t count;
};

static void keep_uid(void *arg, const char *uid) {
  struct corrected_uids *uids = arg;
  struct cas_target *grown = reallocarray(uids->targets, uids->count + 1, sizeof *grown);
  if (grown == NULL) return;
  uids->targets = grown;
  grown[uids->count].version = 0;
  grown[uids->count].uid = strdup(uid);
  if (grown[uids->count].uid != NULL) uids->count++;
}

/* Corrections are told as changes of states: each replaces a version. */
static void tell_corrected(const struct control_node *node, const struct cas_correction *correction,
                           struct corrected_uids *uids, const struct control_corrected *corrected) {
  const struct control_server_options *options = &node->options;
  const struct cas_change change = {.action = CAS_ACTION_REPLACE,
                                    .who = correction->who,
                                    .why = correction->why,
                                    .targets = uids->targets,
                                    .target_count = uids->count};
  if (options->changed != NULL)
    options->changed(options->changed_arg, &change, corrected->corrected, corrected->status);
  for (size_t i = 0; i < uids->count; i++) free((char *)uids->targets[i].uid);
  free(uids->targets);
}

/* --- answers --- */

static json_t *answer_of(json_int_t id, const struct control_corrected *corrected) {
  json_t *answer = json_pack("{sIsbsIsIsIss}", "id", id, "ok", 1, "corrected", (json_int_t)corrected->corrected,
                             "unchanged", (json_int_t)corrected->unchanged, "failed", (json_int_t)corrected->failed,
                             "status", control_status_name(corrected->status));
  json_t *reason = json_string(corrected->reason);
  if (answer != NULL) json_object_set_new(answer, "reason", reason != NULL ? reason : json_string("?"));
  return answer;
}

void control_correct_result(const json_t *answer, struct control_corrected *corrected) {
  const char *status = json_string_value(json_object_get(answer, "status"));
  const char *reason = json_string_value(json_object_get(answer, "reason"));
  *corrected = (struct control_corrected){
      .corrected = (uint64_t)json_integer_value(json_object_get(answer, "corrected")),
      .unchanged = (uint64_t)json_integer_value(json_object_get(answer, "unchanged")),
      .failed = (uint64_t)json_integer_value(json_object_get(answer, "failed")),
      .status = status != NULL ? control_status_by_name(status) : CAS_IO,
  };
  snprintf(corrected->reason, sizeof corrected->reason, "%s", reason != NULL ? reason : "");
}

json_t *control_correct_serve(struct control_node *node, int fd, json_int_t id, const json_t *request, int file,
                              struct cas_error *error) {
  struct control_correction wanted;
  struct control_corrected corrected;
  struct corrected_uids uids = {0};
  cas_status status = control_correct_read(request, file, fd, &wanted, error);
  if (status == CAS_OK) {
    status = control_correct_run(node->store, &wanted.correction, wanted.paths, wanted.count, keep_uid, &uids,
                                 &corrected, error);
    tell_corrected(node, &wanted.correction, &uids, &corrected);
  }
  control_correct_fini(&wanted);
  if (status != CAS_OK && error->status == CAS_OK) error->status = status;
  return status == CAS_OK ? answer_of(id, &corrected) : NULL;
}
