#include "control_access.h"

#include <stdio.h>
#include <string.h>

#include "control_change.h"

static const char *const kind_names[] = {
    [CONTROL_EXPORTED] = "exported", [CONTROL_MOUNTED] = "mounted", [CONTROL_UNMOUNTED] = "unmounted"};

json_t *control_access_request(const struct control_access *access, int *file) {
  *file = -1;
  json_t *request = json_pack("{ssssss}", "command", "access", "kind", kind_names[access->kind], "how", access->how);
  if (request == NULL || access->target_count == 0) return request;
  *file = control_targets_file(access->targets, access->target_count);
  if (*file >= 0) return request;
  json_decref(request);
  return NULL;
}

static enum control_access_kind kind_by_name(const char *name) {
  for (enum control_access_kind kind = CONTROL_EXPORTED; name != NULL && kind <= CONTROL_UNMOUNTED; kind++)
    if (strcmp(name, kind_names[kind]) == 0) return kind;
  return 0;
}

json_t *control_access_serve(struct control_node *node, int fd, json_int_t id, const json_t *request, int file,
                             struct cas_error *error) {
  struct control_change told = {0};
  struct control_access access = {.kind = kind_by_name(json_string_value(json_object_get(request, "kind"))),
                                  .how = json_string_value(json_object_get(request, "how"))};
  cas_status status = CAS_OK;
  if (access.kind == 0 || access.how == NULL) {
    status = error->status = CAS_INVALID;
    snprintf(error->message, sizeof error->message, "an access needs its kind and how it came");
  } else if (access.kind == CONTROL_EXPORTED) {
    status = control_targets_read(file, fd, &told, error);
  } else {
    told.change.who = control_peer_name(fd, told.who, sizeof told.who);
  }
  if (status == CAS_OK && node->options.accessed != NULL) {
    access.who = told.change.who;
    access.targets = told.change.targets;
    access.target_count = told.change.target_count;
    node->options.accessed(node->options.accessed_arg, &access);
  }
  control_change_fini(&told);
  return status == CAS_OK ? json_pack("{sIsb}", "id", id, "ok", 1) : NULL;
}
