/*
 * C-GET: the instances asked for come back over the association that asked, in the contexts in which the peer is SCP.
 *
 * Source: PS3.7 9.1.3, PS3.4 C.4.3. What is done and what not stands in docs/conformance.md.
 */
#ifndef GET_SCP_H
#define GET_SCP_H

#include "association.h"

#define GET_PATIENT_ROOT_UID "1.2.840.10008.5.1.4.1.2.1.3"

/* Reads the identifier that follows `request` and sends all matches. PDU_FRAGMENT: the association goes on. */
enum pdu_event get_scp_serve(struct session *session, uint8_t context_id, const struct dimse_command *request,
                             struct cas_error *error);

#endif
