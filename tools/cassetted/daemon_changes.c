/* Owns nothing. No patient data goes into the log: the reason that a user gave may have some. */
#include "daemon_changes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_mark.h"
#include "audit_studies.h"
#include "cassette/changes.h"
#include "cassette/snapshot.h"

/* The study that the last target was in. */
struct study {
  const struct daemon_changes *changes;
  const struct cas_change *change;
  struct cas_store *view; /* that has everything */
  enum audit_outcome outcome;
  int64_t time_ns; /* of what is told later, else 0 */
  char *path;
  char uid[CAS_UID_TEXT_MAX], accession[128], id[256], name[256];
};

static cas_status keep_facts(void *arg, const struct cas_node *node) {
  struct study *study = arg;
  const struct cas_attributes *attributes = node->attributes;
  if (node->level == CAS_LEVEL_PATIENT) {
    snprintf(study->id, sizeof study->id, "%s", cas_attributes_text(attributes, CAS_TAG_PATIENT_ID));
    snprintf(study->name, sizeof study->name, "%s", cas_attributes_text(attributes, CAS_TAG_PATIENT_NAME));
  } else {
    snprintf(study->uid, sizeof study->uid, "%s", cas_attributes_text(attributes, CAS_TAG_STUDY_INSTANCE_UID));
    snprintf(study->accession, sizeof study->accession, "%s",
             cas_attributes_text(attributes, CAS_TAG_ACCESSION_NUMBER));
  }
  return CAS_OK;
}

static cas_status stop(void *arg, const struct cas_node *node) {
  (void)node;
  *(bool *)arg = true;
  return CAS_END;
}

static void post(const struct study *study) {
  bool is_left = false;
  if (cas_node_get(study->changes->store, study->path, stop, &is_left, NULL) == CAS_NO_MEMORY) is_left = true;
  char description[80];
  snprintf(description, sizeof description, "%s%s", cas_action_name(study->change->action),
           study->time_ns != 0 ? ", told when the daemon started" : "");
  bool deletes = study->change->action == CAS_ACTION_DELETE;
  audit_post(study->changes->audit, &(struct audit_event){.kind = !deletes  ? AUDIT_UPDATED
                                                                  : is_left ? AUDIT_REMOVED
                                                                            : AUDIT_STUDY_DELETED,
                                                          .outcome = study->outcome,
                                                          .time_ns = study->time_ns,
                                                          .description = description,
                                                          .peer = {.user = study->change->who},
                                                          .object = {.study_uid = study->uid,
                                                                     .accession_number = study->accession,
                                                                     .patient_id = study->id,
                                                                     .patient_name = study->name}});
}

/* A path's first two names. */
static char *study_path(const char *path) {
  const char *slash = strchr(path, '/');
  slash = slash != NULL ? strchr(slash + 1, '/') : NULL;
  return slash != NULL ? strndup(path, (size_t)(slash - path)) : NULL;
}

static cas_status take(void *arg, const struct cas_node *node) {
  struct study *study = arg;
  char *path = study_path(node->path);
  if (path == NULL) return CAS_END;
  if (study->path != NULL && strcmp(study->path, path) == 0) {
    free(path);
    return CAS_END;
  }
  free(study->path);
  study->path = path;
  cas_status status = cas_node_get(study->view, path, keep_facts, study, NULL);
  char *slash = strchr(path, '/');
  *slash = '\0';
  if (status == CAS_OK) status = cas_node_get(study->view, path, keep_facts, study, NULL);
  *slash = '/';
  if (status == CAS_OK) post(study);
  return CAS_END;
}

void daemon_changed(void *arg, const struct cas_change *change, uint64_t changed, cas_status status) {
  const struct daemon_changes *changes = arg;
  struct study study = {
      .changes = changes, .change = change, .outcome = status == CAS_OK ? AUDIT_SUCCESS : AUDIT_MINOR_FAILURE};
  daemon_log_printf(changes->log, CAS_LOG_NOTICE, "%s by %s, reason %s: %" PRIu64 " of %zu instances changed%s%s",
                    cas_action_name(change->action), change->who, cas_reason_name(change->reason), changed,
                    change->target_count, status == CAS_OK ? "" : ": ",
                    status == CAS_OK ? "" : cas_status_text(status));
  if (changes->audit == NULL) return;
  if (cas_view_open(changes->store, CAS_STATES_HIDDEN | CAS_STATES_DELETED, &study.view) != CAS_OK) return;
  for (size_t i = 0; i < change->target_count; i++) {
    status = cas_node_by_uid(study.view, CAS_LEVEL_INSTANCE, change->targets[i].uid, take, &study, NULL);
    if (status != CAS_OK && status != CAS_END && status != CAS_NOT_FOUND) break;
  }
  free(study.path);
  cas_snapshot_close(study.view);
}

/* --- what was changed while no daemon heard of it --- */

/* Of one action: a user's work on a study is told together, also where another action came between. */
struct untold {
  struct study study;
  struct cas_change change; /* the last */
  char who[CAS_WHO_MAX + 1];
};

static cas_status take_untold(void *arg, const char *uid, const struct cas_event *event) {
  struct untold *untold = (struct untold *)arg + event->action;
  if (event->action == CAS_ACTION_DISCARD) return CAS_OK;
  if (strcmp(event->who, untold->who) != 0) {
    free(untold->study.path);
    untold->study.path = NULL;
    snprintf(untold->who, sizeof untold->who, "%s", event->who);
  }
  untold->study.time_ns = event->time_ns;
  const cas_status status = cas_node_by_uid(untold->study.view, CAS_LEVEL_INSTANCE, uid, take, &untold->study, NULL);
  return status == CAS_END || status == CAS_NOT_FOUND ? CAS_OK : status;
}

static cas_status tell_untold(const struct daemon_changes *changes, uint64_t after, struct cas_error *error) {
  struct untold untold[CAS_ACTION_UNDELETE + 1] = {0};
  struct cas_store *view;
  cas_status status = cas_view_open(changes->store, CAS_STATES_HIDDEN | CAS_STATES_DELETED, &view);
  if (status != CAS_OK) return status;
  for (enum cas_action action = CAS_ACTION_DELETE; action <= CAS_ACTION_UNDELETE; action++) {
    untold[action].change = (struct cas_change){.action = action, .who = untold[action].who};
    untold[action].study = (struct study){.changes = changes, .change = &untold[action].change, .view = view};
  }
  status = cas_changes_since(changes->store, after, take_untold, untold, error);
  for (enum cas_action action = CAS_ACTION_DELETE; action <= CAS_ACTION_UNDELETE; action++)
    free(untold[action].study.path);
  cas_snapshot_close(view);
  return status;
}

void daemon_changes_catch_up(const struct daemon_changes *changes) {
  struct cas_error error = {0};
  struct cas_store_info info;
  uint64_t told = 0, newest;
  if (changes->audit == NULL) return;
  cas_store_info(changes->store, &info);
  const bool has_mark = audit_mark_read(info.path, &told);
  cas_status status = cas_changes_newest(changes->store, told, &newest, &error);
  if (status == CAS_OK && has_mark && newest > told) {
    daemon_log_printf(changes->log, CAS_LOG_NOTICE, "the audit trail is told of changes that it has not heard of");
    status = tell_untold(changes, told, &error);
  }
  if (status == CAS_OK && (newest > told || !has_mark)) status = audit_mark_write(info.path, newest, &error);
  if (status != CAS_OK)
    daemon_log_printf(changes->log, CAS_LOG_ERROR, "audit: of earlier changes some may not be told: %s", error.message);
}

void daemon_changes_settle(const struct daemon_changes *changes) {
  struct cas_error error = {0};
  struct cas_store_info info;
  uint64_t told = 0, newest;
  if (changes->audit == NULL) return;
  cas_store_info(changes->store, &info);
  if (!audit_mark_read(info.path, &told)) return;
  cas_status status = cas_changes_newest(changes->store, told, &newest, &error);
  if (status == CAS_OK && newest > told) status = audit_mark_write(info.path, newest, &error);
  if (status != CAS_OK)
    daemon_log_printf(changes->log, CAS_LOG_WARNING, "audit: changes will be told again: %s", error.message);
}

/* --- instances that come, and those that leave past us --- */

struct counting {
  const struct daemon_changes *changes;
  struct cas_store *store; /* where they are looked up */
  struct audit_event event;
  struct audit_studies studies;
};

static void post_counted(struct counting *counting) {
  audit_studies_flush(&counting->studies, counting->changes->audit, counting->store, &counting->event);
}

static cas_status count_instance(void *arg, const struct cas_node *node) {
  struct counting *counting = arg;
  const char *sop_class = cas_attributes_text(node->attributes, CAS_TAG_SOP_CLASS_UID);
  if (!audit_studies_count(&counting->studies, sop_class, node->path)) {
    post_counted(counting);
    (void)audit_studies_count(&counting->studies, sop_class, node->path);
  }
  return CAS_END; /* one of its versions will do */
}

void daemon_imported(void *arg, void **kept, const char *who, const char *uid) {
  const struct daemon_changes *changes = arg;
  struct counting *imports = *kept;
  if (imports == NULL) *kept = imports = calloc(1, sizeof *imports);
  if (imports == NULL) return;
  imports->changes = changes;
  imports->store = changes->store;
  imports->event = (struct audit_event){.kind = AUDIT_IMPORTED, .peer = {.user = who}};
  if (uid != NULL) {
    (void)!cas_node_by_uid(changes->store, CAS_LEVEL_INSTANCE, uid, count_instance, imports, NULL);
    return;
  }
  post_counted(imports);
  free(imports);
  *kept = NULL;
}

void daemon_accessed(void *arg, const struct control_access *access) {
  static const enum audit_kind kinds[] = {
      [CONTROL_EXPORTED] = AUDIT_EXPORTED, [CONTROL_MOUNTED] = AUDIT_MOUNTED, [CONTROL_UNMOUNTED] = AUDIT_UNMOUNTED};
  const struct daemon_changes *changes = arg;
  struct counting exported = {
      .changes = changes,
      .event = {.kind = kinds[access->kind], .description = access->how, .peer = {.user = access->who}}};
  if (access->kind != CONTROL_EXPORTED) {
    audit_post(changes->audit, &exported.event);
    return;
  }
  if (cas_view_open(changes->store, CAS_STATES_HIDDEN | CAS_STATES_DELETED, &exported.store) != CAS_OK) return;
  for (size_t i = 0; i < access->target_count; i++)
    (void)!cas_node_by_uid(exported.store, CAS_LEVEL_INSTANCE, access->targets[i].uid, count_instance, &exported, NULL);
  post_counted(&exported);
  cas_snapshot_close(exported.store);
}
