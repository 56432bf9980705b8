/*
 * The answer to a request for storage commitment, on its way to the peer over an association of its own.
 *
 * Threads: any. Source: PS3.4 J.3.3.
 */
#ifndef COMMITMENT_SEND_H
#define COMMITMENT_SEND_H

#include "association.h"
#include "commitment.h"

/* Appends the command set of the N-EVENT-REPORT. */
CAS_MUST_USE cas_status commitment_event_encode(const struct commitment *commitment, uint16_t message_id,
                                                struct cas_buffer *command);

/* Sends it to the peer that asked, by its configured destination, and waits until it was taken. CAS_NOT_FOUND: it has
 * no destination; else as requestor_open(). */
CAS_MUST_USE cas_status commitment_send(const struct dicom_node *node, const struct commitment *commitment,
                                        struct cas_error *error);

#endif
