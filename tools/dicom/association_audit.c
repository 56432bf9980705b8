/* Owns the counts of studies until they are posted. */
#include "association_audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "association.h"

static struct audit *audit_of(const struct session *session) { return session->node->options.audit; }

static struct audit_party caller_of(const struct session *session) {
  return (struct audit_party){.aet = session->calling, .address = session->address};
}

void association_audit_login(const struct session *session) {
  audit_post(audit_of(session),
             &(struct audit_event){.kind = AUDIT_LOGIN, .called = session->aet, .peer = caller_of(session)});
}

void association_audit_alert(const struct session *session, const char *why) {
  audit_post(audit_of(session), &(struct audit_event){.kind = AUDIT_SECURITY_ALERT,
                                                      .outcome = AUDIT_MINOR_FAILURE,
                                                      .description = why,
                                                      .called = session->aet,
                                                      .peer = caller_of(session)});
}

void connection_audit_alert(struct audit *audit, const char *address, const char *why) {
  audit_post(audit, &(struct audit_event){.kind = AUDIT_SECURITY_ALERT,
                                          .outcome = AUDIT_MINOR_FAILURE,
                                          .description = why,
                                          .peer = {.address = address}});
}

void association_audit_query(const struct session *session, const char *sop_class, const char *transfer_syntax,
                             struct cas_slice identifier) {
  audit_post(audit_of(session), &(struct audit_event){.kind = AUDIT_QUERY,
                                                      .called = session->aet,
                                                      .peer = caller_of(session),
                                                      .query_class = sop_class,
                                                      .query = identifier,
                                                      .query_syntax = transfer_syntax});
}

/* --- studies --- */

struct study_text {
  struct audit_event *event;
  struct audit *audit;
  const char *patient_id, *patient_name; /* of the patient's node, while the study's is looked at */
};

static cas_status post_study(void *arg, const struct cas_node *node) {
  struct study_text *text = arg;
  text->event->object.study_uid = cas_attributes_text(node->attributes, CAS_TAG_STUDY_INSTANCE_UID);
  text->event->object.accession_number = cas_attributes_text(node->attributes, CAS_TAG_ACCESSION_NUMBER);
  audit_post(text->audit, text->event);
  return CAS_OK;
}

struct patient_text {
  struct study_text study;
  struct cas_store *store;
  const char *path;
};

static cas_status post_patient(void *arg, const struct cas_node *node) {
  struct patient_text *text = arg;
  text->study.event->object.patient_id = cas_attributes_text(node->attributes, CAS_TAG_PATIENT_ID);
  text->study.event->object.patient_name = cas_attributes_text(node->attributes, CAS_TAG_PATIENT_NAME);
  return cas_node_get(text->store, text->path, post_study, &text->study, NULL);
}

/* Posts one study, with what the index knows of it. */
static void post_one(const struct session *session, struct audit_event *event, struct audit_study_count *study) {
  struct patient_text text = {
      .study = {.event = event, .audit = audit_of(session)}, .store = session->node->store, .path = study->path};
  event->object = (struct audit_object){.classes = study->classes, .class_count = study->class_count};
  char *patient = strndup(study->path, strcspn(study->path, "/"));
  const bool posted =
      patient != NULL && cas_node_get(session->node->store, patient, post_patient, &text, NULL) == CAS_OK;
  if (!posted) audit_post(audit_of(session), event);
  free(patient);
}

static void flush(const struct session *session, struct audit_studies *studies, struct audit_event *event) {
  for (size_t i = 0; i < studies->count; i++) {
    post_one(session, event, &studies->studies[i]);
    free(studies->studies[i].path);
  }
  studies->count = 0;
}

/* Length of the study's part of a path; 0: it has none. */
static size_t study_bytes(const char *path) {
  const char *first = strchr(path, '/');
  const char *second = first != NULL ? strchr(first + 1, '/') : NULL;
  return second != NULL ? (size_t)(second - path) : 0;
}

/* The entry of a path's study, or NULL: there is no room. */
static struct audit_study_count *entry_of(struct audit_studies *studies, const char *path) {
  const size_t size = study_bytes(path);
  for (size_t i = studies->count; i-- > 0;) {
    struct audit_study_count *study = &studies->studies[i];
    if (strncmp(study->path, path, size) == 0 && study->path[size] == '\0') return study;
  }
  if (studies->count == AUDIT_STUDIES_MAX) return NULL;
  struct audit_study_count *made = &studies->studies[studies->count];
  made->class_count = 0;
  made->path = strndup(path, size);
  if (made->path == NULL) return NULL;
  studies->count++;
  return made;
}

/* False: the study has no room for another SOP class. */
static bool count_class(struct audit_study_count *study, const char *sop_class) {
  for (size_t i = 0; i < study->class_count; i++) {
    if (strcmp(study->classes[i].uid, sop_class) != 0) continue;
    study->classes[i].instances++;
    return true;
  }
  if (study->class_count == AUDIT_CLASSES_MAX) return false;
  struct audit_class *made = &study->classes[study->class_count++];
  made->instances = 1;
  const size_t size = strnlen(sop_class, sizeof made->uid - 1);
  memcpy(made->uid, sop_class, size);
  made->uid[size] = '\0';
  return true;
}

static bool count_instance(struct audit_studies *studies, const char *sop_class, const char *path) {
  struct audit_study_count *study = entry_of(studies, path);
  return study != NULL && count_class(study, sop_class);
}

/* --- rejected, received and sent --- */

struct rejected {
  struct session *session;
  struct audit_event event;
};

static cas_status post_rejected(void *arg, const struct cas_node *node) {
  struct rejected *rejected = arg;
  struct audit_study_count study = {.path = strndup(node->path, study_bytes(node->path))};
  if (study.path == NULL) return CAS_NO_MEMORY;
  post_one(rejected->session, &rejected->event, &study);
  free(study.path);
  return CAS_END;
}

void association_audit_rejected(struct session *session, const char *sop_instance_uid, uint64_t hidden) {
  char description[64];
  if (audit_of(session) == NULL) return;
  snprintf(description, sizeof description, "rejection note: %" PRIu64 " instances hidden", hidden);
  struct rejected rejected = {
      .session = session,
      .event = {.kind = AUDIT_UPDATED, .description = description, .called = session->aet, .peer = caller_of(session)}};
  const cas_status status =
      cas_node_by_uid(session->node->store, CAS_LEVEL_INSTANCE, sop_instance_uid, post_rejected, &rejected, NULL);
  if (status != CAS_END) audit_post(audit_of(session), &rejected.event);
}

struct received {
  struct session *session;
  const char *sop_class;
};

static cas_status count_received(void *arg, const struct cas_node *node) {
  const struct received *received = arg;
  if (!count_instance(&received->session->received_studies, received->sop_class, node->path)) {
    association_audit_flush_received(received->session);
    (void)count_instance(&received->session->received_studies, received->sop_class, node->path);
  }
  return CAS_END; /* one of its versions will do */
}

void association_audit_received(struct session *session, const char *sop_class, const char *sop_instance_uid) {
  if (audit_of(session) == NULL) return;
  struct received received = {.session = session, .sop_class = sop_class};
  (void)!cas_node_by_uid(session->node->store, CAS_LEVEL_INSTANCE, sop_instance_uid, count_received, &received, NULL);
}

void association_audit_flush_received(struct session *session) {
  struct audit_event event = {.kind = AUDIT_RECEIVED, .called = session->aet, .peer = caller_of(session)};
  flush(session, &session->received_studies, &event);
}

void association_audit_transfer(struct session *session, enum audit_kind kind, const struct dicom_peer *destination,
                                const char *sop_class, const char *path) {
  if (audit_of(session) == NULL || count_instance(&session->sent_studies, sop_class, path)) return;
  association_audit_flush_transfer(session, kind, destination);
  (void)count_instance(&session->sent_studies, sop_class, path);
}

void association_audit_flush_transfer(struct session *session, enum audit_kind kind,
                                      const struct dicom_peer *destination) {
  struct audit_event event = {.kind = kind, .called = session->aet, .peer = caller_of(session)};
  if (destination != NULL) {
    event.requestor = event.peer;
    event.peer = (struct audit_party){.aet = destination->aet, .address = destination->host};
  }
  flush(session, &session->sent_studies, &event);
}
