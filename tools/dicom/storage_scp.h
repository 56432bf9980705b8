/* C-STORE: one object from the wire into the store. Source: PS3.7 9.1.1, PS3.4 B. */
#ifndef STORAGE_SCP_H
#define STORAGE_SCP_H

#include "association.h"

/*
 * Takes the data set that follows `request` and answers. Whatever happens to the object, the data set is read to its
 * end and the association goes on (P7), returned as PDU_FRAGMENT; other events end the association.
 */
enum pdu_event storage_scp_serve(struct session *session, uint8_t context_id, const struct dimse_command *request,
                                 struct cas_error *error);

#endif
