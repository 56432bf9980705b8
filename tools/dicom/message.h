/*
 * DIMSE messages as they arrive: a command set gathered whole, a data set by fragments or gathered up to a limit.
 *
 * Threads: as the stream, one at a time. Source: PS3.7 6.3.1, PS3.8 E.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "dimse.h"
#include "pdu.h"

/* Gathers and parses one command set; `bytes` is room for it and keeps it. PDU_PROTOCOL: a data set without a command,
 * a command in two contexts, one that is too long or malformed. */
enum pdu_event message_read_command(struct pdu_stream *stream, struct cas_buffer *bytes, uint8_t *context_id,
                                    struct dimse_command *command, struct cas_error *error);

/* Reads the next fragment of a data set in `context_id`; anything else than PDU_FRAGMENT ends the association. */
enum pdu_event message_read_fragment(struct pdu_stream *stream, uint8_t context_id, struct pdu_fragment *fragment,
                                     struct cas_error *error);

/* Reads a data set to its end. What is beyond `size_max` is passed over, and *whole is false then; so with 0 all is.
 * Replaces what `bytes` holds. */
enum pdu_event message_read_data_set(struct pdu_stream *stream, uint8_t context_id, size_t size_max,
                                     struct cas_buffer *bytes, bool *whole, struct cas_error *error);

/* PDU_PROTOCOL with `what` as its reason. */
enum pdu_event message_protocol_error(struct cas_error *error, const char *what);

#endif
