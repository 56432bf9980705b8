/* Owns nothing. No patient data goes into the log: the reason that a user gave may have some. */
#include "daemon_changes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_studies.h"
#include "cassette/snapshot.h"

/* The study that the last target was in. */
struct study {
  const struct daemon_changes *changes;
  const struct cas_change *change;
  struct cas_store *view; /* that has everything */
  enum audit_outcome outcome;
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
  bool deletes = study->change->action == CAS_ACTION_DELETE;
  audit_post(study->changes->audit, &(struct audit_event){.kind = !deletes  ? AUDIT_UPDATED
                                                                  : is_left ? AUDIT_REMOVED
                                                                            : AUDIT_STUDY_DELETED,
                                                          .outcome = study->outcome,
                                                          .description = cas_action_name(study->change->action),
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

/* --- imports --- */

struct imports {
  const struct daemon_changes *changes;
  const char *who;
  struct audit_studies studies;
};

static void post_imports(struct imports *imports) {
  struct audit_event event = {.kind = AUDIT_IMPORTED, .peer = {.user = imports->who}};
  audit_studies_flush(&imports->studies, imports->changes->audit, imports->changes->store, &event);
}

static cas_status count_import(void *arg, const struct cas_node *node) {
  struct imports *imports = arg;
  const char *sop_class = cas_attributes_text(node->attributes, CAS_TAG_SOP_CLASS_UID);
  if (!audit_studies_count(&imports->studies, sop_class, node->path)) {
    post_imports(imports);
    (void)audit_studies_count(&imports->studies, sop_class, node->path);
  }
  return CAS_END; /* one of its versions will do */
}

void daemon_imported(void *arg, void **kept, const char *who, const char *uid) {
  const struct daemon_changes *changes = arg;
  struct imports *imports = *kept;
  if (imports == NULL) *kept = imports = calloc(1, sizeof *imports);
  if (imports == NULL) return;
  imports->changes = changes;
  imports->who = who;
  if (uid != NULL) {
    (void)!cas_node_by_uid(changes->store, CAS_LEVEL_INSTANCE, uid, count_import, imports, NULL);
    return;
  }
  post_imports(imports);
  free(imports);
  *kept = NULL;
}
