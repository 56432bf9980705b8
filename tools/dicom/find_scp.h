/*
 * C-FIND: patients, studies, series and instances by their indexed attributes, without opening an object.
 *
 * Source: PS3.7 9.1.2, PS3.4 C.4.1. What is matched and returned stands in docs/conformance.md.
 */
#ifndef FIND_SCP_H
#define FIND_SCP_H

#include "association.h"

#define FIND_PATIENT_ROOT_UID "1.2.840.10008.5.1.4.1.2.1.1"
#define FIND_STUDY_ROOT_UID "1.2.840.10008.5.1.4.1.2.2.1"

/* Defaults of what a request may take; beyond, its last response is A700. */
#define FIND_MATCHES_MAX 10000u
#define FIND_SECONDS_MAX 60u
#define FIND_QUERIES_MAX 16u

/* Reads the identifier that follows `request` and answers with all matches. PDU_FRAGMENT: the association goes on. */
enum pdu_event find_scp_serve(struct session *session, uint8_t context_id, const struct dimse_command *request,
                              struct cas_error *error);

#endif
