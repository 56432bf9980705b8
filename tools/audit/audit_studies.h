/*
 * Instances on their way to messages of the audit trail, which are about studies: counted for each study and SOP class,
 * and posted together.
 *
 * Threads: one at a time on the same studies.
 */
#ifndef AUDIT_STUDIES_H
#define AUDIT_STUDIES_H

#include "audit.h"
#include "cassette/node.h"

#define AUDIT_STUDIES_MAX 16u

struct audit_study_count {
  char *path; /* of the study in the tree */
  struct audit_class classes[AUDIT_CLASSES_MAX];
  size_t class_count;
};

/* Zero-initialise. */
struct audit_studies {
  struct audit_study_count studies[AUDIT_STUDIES_MAX];
  size_t count;
};

/* Counts an instance, by its path in the tree. False: there is no room before a flush. */
bool audit_studies_count(struct audit_studies *studies, const char *sop_class, const char *path);

/* Posts `event` for each study, with what the index knows of it, and forgets what was counted. */
void audit_studies_flush(struct audit_studies *studies, struct audit *audit, struct cas_store *store,
                         struct audit_event *event);

/* Posts `event` about the study of an instance or a folder below it. */
void audit_study_post(const char *path, struct audit *audit, struct cas_store *store, struct audit_event *event);

#endif
