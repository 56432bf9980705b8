/* Owns nothing. */
#include "association_audit.h"

#include <inttypes.h>
#include <stdio.h>

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

/* --- rejected, received and sent --- */

struct rejected {
  struct session *session;
  struct audit_event event;
};

static cas_status post_rejected(void *arg, const struct cas_node *node) {
  struct rejected *rejected = arg;
  audit_study_post(node->path, audit_of(rejected->session), rejected->session->node->store, &rejected->event);
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
  if (!audit_studies_count(&received->session->received_studies, received->sop_class, node->path)) {
    association_audit_flush_received(received->session);
    (void)audit_studies_count(&received->session->received_studies, received->sop_class, node->path);
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
  audit_studies_flush(&session->received_studies, audit_of(session), session->node->store, &event);
}

void association_audit_transfer(struct session *session, enum audit_kind kind, const struct dicom_peer *destination,
                                const char *sop_class, const char *path) {
  if (audit_of(session) == NULL || audit_studies_count(&session->sent_studies, sop_class, path)) return;
  association_audit_flush_transfer(session, kind, destination);
  (void)audit_studies_count(&session->sent_studies, sop_class, path);
}

void association_audit_flush_transfer(struct session *session, enum audit_kind kind,
                                      const struct dicom_peer *destination) {
  struct audit_event event = {.kind = kind, .called = session->aet, .peer = caller_of(session)};
  if (destination != NULL) {
    event.requestor = event.peer;
    event.peer = (struct audit_party){.aet = destination->aet, .address = destination->host};
  }
  audit_studies_flush(&session->sent_studies, audit_of(session), session->node->store, &event);
}
