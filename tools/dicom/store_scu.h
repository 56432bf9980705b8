/*
 * The C-STORE that we send: its request with the data set, and what a response means.
 *
 * Threads: as the writer, one at a time. Source: PS3.7 9.1.1, PS3.4 B.2.3.
 */
#ifndef STORE_SCU_H
#define STORE_SCU_H

#include "dimse.h"
#include "store_object.h"

/* What became of an object. */
enum store_outcome { STORE_COMPLETED, STORE_WARNING, STORE_FAILED };

/* By the status of a C-STORE response. */
enum store_outcome store_outcome_of(uint16_t status);

/* Writes and sends a C-STORE request with its data set. `request` has the message ID, the UIDs and the move originator
 * where there is one; its other fields are set here. Fails as store_object_write(). */
CAS_MUST_USE cas_status store_scu_send(struct pdu_writer *writer, uint8_t context_id, struct dimse_command *request,
                                       struct store_object *object, bool *damaged, struct cas_error *error);

#endif
