/*
 * One association from the accepted socket to its end: negotiation, then one message after the other.
 *
 * Threads: association_serve() runs in a thread of its own; the node is shared by all of them.
 */
#ifndef ASSOCIATION_H
#define ASSOCIATION_H

#include "access.h"
#include "association_audit.h"
#include "dicom_server.h"
#include "dicom_shim.h"
#include "dimse.h"
#include "find_attributes.h"
#include "pdu.h"
#include "transcode_budget.h"

/* What all associations share. Immutable but for the counters and the budget. */
struct dicom_node {
  struct cas_store *store;
  struct dicom_network *network;
  struct access access;
  struct commitment_desk *commitments; /* NULL: no storage commitment */
  struct dicom_server_options options; /* defaults filled in; its strings belong to the server */
  struct cas_store **view_stores;      /* of each of options.views (node_views.h) */
  struct find_attributes find_attributes;
  int stop_fd; /* readable when the node stops */
  struct transcode_budget transcoding;
  struct node_counters counters;
};

/* What one association did, for its line in the log. */
struct association_tally {
  uint64_t stored, duplicates, new_versions, refused, failed, echoes, received_bytes;
};

/* What a session that was asked for storage commitment waits for (commitment_scp.h). */
struct session_commitment {
  struct commitment_mail *mail; /* NULL: it was not asked */
  int wait_fd;
  struct commitment_job *reported; /* whose N-EVENT-REPORT has no response yet */
  uint16_t message_id;
  uint8_t context_id;
  bool explicit_vr;
};

/* One association under way. */
struct session {
  struct dicom_node *node;
  struct dicom_association *association;
  struct pdu_stream stream;
  struct association_tally tally;
  struct access_grant grant;
  struct cas_store *store; /* what is read from: the archive, or the view that the peer called */
  const char *aet;         /* our title, or the view's */
  struct session_commitment commitment;
  struct audit_studies received_studies, sent_studies;
  char calling[DICOM_AE_TITLE_TEXT_MAX]; /* as in `source` */
  const char *address;
  char source[DICOM_AE_TITLE_TEXT_MAX + 64]; /* "AETITLE@address", safe to print */
};

/* Serves the connected socket `fd` to its end, with TLS unless `tls` is NULL; takes it over. `peer` is the address as
 * text. */
void association_serve(struct dicom_node *node, int fd, struct tls_context *tls, const char *peer);

/* --- for the service classes --- */

/* Writes a line to the node's log. No patient data at CAS_LOG_NOTICE and below. */
void session_log(const struct session *session, enum cas_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Answers `request`. CAS_IO, CAS_BUSY, CAS_NO_MEMORY: the association is of no further use. */
CAS_MUST_USE cas_status session_respond(struct session *session, uint8_t context_id,
                                        const struct dimse_command *request, enum dimse_status status,
                                        const char *comment, struct cas_error *error);

/* Whether the node stops: what may take long ends soon then. */
bool session_is_stopping(const struct session *session);

/* Accounts for what the peer has sent, and waits where it is faster than it may be. */
void session_keep_pace(struct session *session, uint64_t objects, uint64_t bytes);

/* Reads the next fragment of a data set in `context_id`; anything else than PDU_FRAGMENT ends the association. */
enum pdu_event session_read_data(struct session *session, uint8_t context_id, struct pdu_fragment *fragment,
                                 struct cas_error *error);

#endif
