/*
 * What an association leaves in the audit trail. Instances are grouped: a message for each study and direction, when
 * the association ends or, for a retrieve, when that ends; earlier where it has touched more studies than are kept.
 *
 * Threads: as the session.
 */
#ifndef ASSOCIATION_AUDIT_H
#define ASSOCIATION_AUDIT_H

#include "audit_studies.h"

struct session;
struct dicom_peer;

void association_audit_login(const struct session *session);

/* Of a caller that was not let in, or may not do what it asked for. */
void association_audit_alert(const struct session *session, const char *why);
void connection_audit_alert(struct audit *audit, const char *address, const char *why);

void association_audit_query(const struct session *session, const char *sop_class, const char *transfer_syntax,
                             struct cas_slice identifier);

/* Counts an instance that was received, by its UID; looks its study up. */
void association_audit_received(struct session *session, const char *sop_class, const char *sop_instance_uid);

/* A rejection note of that UID came, and has hidden so many instances. */
void association_audit_rejected(struct session *session, const char *sop_instance_uid, uint64_t hidden);

/* Counts an instance that will be sent (AUDIT_BEGIN_TRANSFER) or was sent (AUDIT_SENT) to `destination` (NULL: to who
 * asked), by its path in the tree. One kind at a time. */
void association_audit_transfer(struct session *session, enum audit_kind kind, const struct dicom_peer *destination,
                                const char *sop_class, const char *path);

/* Posts what was counted: before and after a retrieve to `destination`, and at the end of the association. */
void association_audit_flush_transfer(struct session *session, enum audit_kind kind,
                                      const struct dicom_peer *destination);
void association_audit_flush_received(struct session *session);

#endif
