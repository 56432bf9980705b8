/*
 * Storage Commitment Push Model SCP: takes N-ACTION, and on the same association, while it lasts, sends the
 * N-EVENT-REPORT.
 *
 * Threads: as the session. Source: PS3.4 J.
 */
#ifndef COMMITMENT_SCP_H
#define COMMITMENT_SCP_H

#include "association.h"

enum pdu_event commitment_scp_serve(struct session *session, uint8_t context_id, const struct dimse_command *request,
                                    struct cas_error *error);

/* What becomes readable when an answer is there, or the node stops: to wait for between messages. */
int commitment_wait_fd(const struct session *session);

/* Sends an answer that is there. False: there is none. CAS status of sending in *status. */
bool commitment_scp_report(struct session *session, cas_status *status, struct cas_error *error);

/* Takes the response to an N-EVENT-REPORT. PDU_PROTOCOL: none was asked for. */
enum pdu_event commitment_scp_answered(struct session *session, const struct dimse_command *response,
                                       struct cas_error *error);

/* At the end of the association. */
void commitment_scp_close(struct session *session);

#endif
