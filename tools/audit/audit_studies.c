/* Owns the counts of studies until they are posted. */
#include "audit_studies.h"

#include <stdlib.h>
#include <string.h>

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
static void post_one(const struct audit_study_count *study, struct audit *audit, struct cas_store *store,
                     struct audit_event *event) {
  struct patient_text text = {.study = {.event = event, .audit = audit}, .store = store, .path = study->path};
  event->object = (struct audit_object){.classes = study->classes, .class_count = study->class_count};
  char *patient = strndup(study->path, strcspn(study->path, "/"));
  const bool posted = patient != NULL && cas_node_get(store, patient, post_patient, &text, NULL) == CAS_OK;
  if (!posted) audit_post(audit, event);
  free(patient);
}

void audit_studies_flush(struct audit_studies *studies, struct audit *audit, struct cas_store *store,
                         struct audit_event *event) {
  for (size_t i = 0; i < studies->count; i++) {
    post_one(&studies->studies[i], audit, store, event);
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

bool audit_studies_count(struct audit_studies *studies, const char *sop_class, const char *path) {
  struct audit_study_count *study = entry_of(studies, path);
  return study != NULL && count_class(study, sop_class);
}

void audit_study_post(const char *path, struct audit *audit, struct cas_store *store, struct audit_event *event) {
  struct audit_study_count study = {.path = strndup(path, study_bytes(path))};
  if (study.path != NULL) post_one(&study, audit, store, event);
  free(study.path);
}
