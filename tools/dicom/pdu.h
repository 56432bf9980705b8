/*
 * What flows over an established association: P-DATA-TF with its presentation data values, release and abort.
 *
 * Written by hand, though DCMTK has it: DCMTK 3.6.7's DUL_NextPDV() loses its place when a PDU holds three or more
 * values of unequal length, and then hands out other bytes, or memory behind its buffer; it copies a PDU before it
 * looks into it; and it reads a PDU's body without a time limit. Here a value is handed on as it arrives, and nothing
 * waits for a whole PDU.
 *
 * Threads: a stream belongs to one thread at a time.
 * Source: PS3.8 9.3.5 (P-DATA-TF), 9.3.6 and 9.3.7 (release), 9.3.8 (abort), E.2 (message control header).
 */
#ifndef PDU_H
#define PDU_H

#include <stdbool.h>
#include <sys/types.h>

#include "cassette/bytes.h"

/* What is received with one call at most: two PDUs of the size that DCMTK sends at most. */
#define PDU_BUFFER_BYTES (256u << 10)

/* Part of one presentation data value. `bytes` lie in the stream's buffer until the next call. */
struct pdu_fragment {
  uint8_t context_id;
  bool command; /* else data set */
  bool last;    /* the command set or data set ends with these bytes */
  struct cas_slice bytes;
};

enum pdu_event {
  PDU_FRAGMENT,
  PDU_RELEASE_REQUESTED,
  PDU_ABORTED,  /* by the peer */
  PDU_CLOSED,   /* the connection ended or failed */
  PDU_PROTOCOL, /* the peer sent what the protocol does not allow; `error` says what */
};

/* Reads up to `size` bytes, at least one: as recv(2), 0 at the end, negative on failure. */
typedef ssize_t (*pdu_read_fn)(void *arg, void *bytes, size_t size);

struct pdu_stream {
  pdu_read_fn read;
  void *arg;
  uint32_t pdu_bytes_max; /* longer P-DATA-TF PDUs are a protocol error */
  uint8_t *buffer;        /* PDU_BUFFER_BYTES; [start, end) was received and not yet handed on */
  size_t start, end;
  uint32_t pdu_left;   /* bytes of the current P-DATA-TF behind the current value */
  uint32_t value_left; /* bytes of the current value */
  bool in_value;
  uint8_t context_id, control; /* of the current value */
};

/* CAS_NO_MEMORY. */
CAS_MUST_USE cas_status pdu_stream_init(struct pdu_stream *stream, uint32_t pdu_bytes_max, pdu_read_fn read, void *arg);
void pdu_stream_fini(struct pdu_stream *stream);

/* Whether the next event, or a part of it, was received already. */
bool pdu_stream_has_input(const struct pdu_stream *stream);

/* The next event. After any but PDU_FRAGMENT the stream is at its end. */
enum pdu_event pdu_stream_next(struct pdu_stream *stream, struct pdu_fragment *fragment, struct cas_error *error);

/* Appends a command set as P-DATA-TF PDUs of at most `peer_bytes_max` bytes (0: no limit). CAS_NO_MEMORY. */
CAS_MUST_USE cas_status pdu_encode_command(uint8_t context_id, struct cas_slice command, uint32_t peer_bytes_max,
                                           struct cas_buffer *bytes);

/* A-RELEASE-RP; A-ABORT by the service user, and by the provider for a PDU that was not understood. */
#define PDU_SHORT_BYTES 10u
extern const uint8_t pdu_release_response[PDU_SHORT_BYTES];
extern const uint8_t pdu_abort_user[PDU_SHORT_BYTES];
extern const uint8_t pdu_abort_provider[PDU_SHORT_BYTES];

#endif
