/*
 * C-MOVE: the instances asked for are sent to a destination that the configuration knows, over associations of our own.
 *
 * Source: PS3.7 9.1.4, PS3.4 C.4.2. What is done and what not stands in docs/conformance.md.
 */
#ifndef MOVE_SCP_H
#define MOVE_SCP_H

#include "association.h"

#define MOVE_PATIENT_ROOT_UID "1.2.840.10008.5.1.4.1.2.1.2"

/* Associations that a destination may lose before the rest is given up. */
#define MOVE_LOSSES_MAX 3u

/* Reads the identifier that follows `request` and sends all matches. PDU_FRAGMENT: the association goes on. */
enum pdu_event move_scp_serve(struct session *session, uint8_t context_id, const struct dimse_command *request,
                              struct cas_error *error);

#endif
