/*
 * An association that we request: connect, propose, send requests and read responses, release.
 *
 * Caveats
 *  - Functions block; the limits are those of the options.
 *  - One operation at a time: a response belongs to the request sent last, or is one more of it.
 *
 * Threads: a requestor belongs to one thread at a time.
 * Source: PS3.8 7 and 9, PS3.7 9.1.
 */
#ifndef REQUESTOR_H
#define REQUESTOR_H

#include "association_proposal.h"
#include "dicom_shim.h"
#include "message.h"
#include "pdu_writer.h"

struct requestor;

/* Zero means the default where one is named. Strings are borrowed during requestor_open(). */
struct requestor_options {
  const char *host; /* numeric address or name */
  uint16_t port;
  unsigned connect_seconds;       /* to connect, default 10 */
  struct dicom_timeouts timeouts; /* default 30 for the negotiation, 60 for silence within a message */
  unsigned response_seconds;      /* until a response begins, default 600 */
  struct tls_context *tls;        /* NULL: none */
  const char *certificate;  /* with TLS, the only one that is taken, see tls_session_matches(); NULL: any trusted */
  struct proposal proposal; /* pdu_bytes_max: default DICOM_PDU_BYTES_MAX */
};

/* Connects and negotiates. CAS_IO: no connection; CAS_BUSY: too slow; CAS_REFUSED: rejected, or the answer is
 * malformed; CAS_INVALID: an option. */
CAS_MUST_USE cas_status requestor_open(const struct requestor_options *options, struct requestor **requestor,
                                       struct cas_error *error);

/* The number of the proposed context `index` where the peer accepted it, else 0; and which of the proposed transfer
 * syntaxes it took. */
uint8_t requestor_context(const struct requestor *requestor, size_t index, size_t *transfer_syntax);

/* The first of the peer's answers to extended negotiation. */
struct cas_slice requestor_extended(const struct requestor *requestor);

/* A number for the next request; never 0. */
uint16_t requestor_next_message_id(struct requestor *requestor);

/* Sends a request or a response whose command set is `command`, with its data set if that has any bytes. CAS_IO,
 * CAS_BUSY: the association is of no further use. */
CAS_MUST_USE cas_status requestor_send(struct requestor *requestor, uint8_t context_id, struct cas_slice command,
                                       struct cas_slice data_set, struct cas_error *error);

/* Begins a request with a long data set: what is written to the writer until requestor_flush(). */
struct pdu_writer *requestor_writer(struct requestor *requestor);

/*
 * Reads the next message: its command set, and its data set up to `data_max` bytes into `data` (what is beyond is
 * passed over and *whole is false then). CAS_IO: the connection was lost, the peer released or aborted; CAS_BUSY: it
 * was silent for too long; CAS_REFUSED: it broke the protocol. The association is of no further use then.
 */
CAS_MUST_USE cas_status requestor_receive(struct requestor *requestor, uint8_t *context_id,
                                          struct dimse_command *command, size_t data_max, struct cas_buffer *data,
                                          bool *whole, struct cas_error *error);

/* As requestor_receive(), but hands the command set alone on: the data set, if there is one, is to be read from the
 * stream by message_read_fragment(). */
CAS_MUST_USE cas_status requestor_receive_command(struct requestor *requestor, uint8_t *context_id,
                                                  struct dimse_command *command, struct cas_error *error);
struct pdu_stream *requestor_stream(struct requestor *requestor);

/* Turns what ended the stream into a status and its detail; `event` is not PDU_FRAGMENT. */
cas_status requestor_ended(struct requestor *requestor, enum pdu_event event, struct cas_error *error);

/* Makes whatever waits on the association fail at once, and what follows. From any thread, while it is open. */
void requestor_interrupt(struct requestor *requestor);

/* Ends the association in order, with a release, and frees. NULL is allowed. */
void requestor_release(struct requestor *requestor);

/* The two halves of requestor_release(), for those whose association others may interrupt: says goodbye and waits for
 * the answer; and frees, when nobody has the pointer any more. NULL is allowed. */
void requestor_part(struct requestor *requestor);
void requestor_destroy(struct requestor *requestor);

/* Ends it at once, with an abort, and frees. NULL is allowed. */
void requestor_abort(struct requestor *requestor);

#endif
