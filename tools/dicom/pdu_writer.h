/*
 * Writes messages as P-DATA-TF PDUs: gathers them in one buffer, and sends many with one call.
 *
 * DCMTK sends a PDU's head apart from its body, which costs 40 ms a message where Nagle's algorithm meets delayed
 * acknowledgements. Here a PDU is never cut in two writes, and a whole small message is one.
 *
 * Threads: a writer belongs to one thread at a time. Source: PS3.8 9.3.5, D.1, E.2.
 */
#ifndef PDU_WRITER_H
#define PDU_WRITER_H

#include <stdbool.h>

#include "cassette/bytes.h"

/* What is gathered at most before it is sent. */
#define PDU_WRITER_BYTES (256u << 10)

/* Sends all bytes. */
typedef cas_status (*pdu_send_fn)(void *arg, struct cas_slice bytes, struct cas_error *error);

struct pdu_writer {
  pdu_send_fn send;
  void *arg;
  size_t piece_max; /* bytes of a value in one PDU */
  uint8_t *buffer;  /* PDU_WRITER_BYTES */
  size_t used;      /* bytes of whole PDUs, and of the open one */
  size_t open;      /* where the open PDU begins; `used` if there is none */
  bool in_value;    /* between begin and end */
  uint8_t context_id, control;
};

/* `peer_bytes_max`: the longest PDU that the peer takes, 0: no limit. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status pdu_writer_init(struct pdu_writer *writer, uint32_t peer_bytes_max, pdu_send_fn send,
                                        void *arg);
void pdu_writer_fini(struct pdu_writer *writer);

/* Begins a command set or a data set. */
void pdu_writer_begin(struct pdu_writer *writer, uint8_t context_id, bool command);

/* Room for the next bytes, at least one: fill some of it and call pdu_writer_advance(). Fails as `send`. */
CAS_MUST_USE cas_status pdu_writer_room(struct pdu_writer *writer, uint8_t **room, size_t *size,
                                        struct cas_error *error);
void pdu_writer_advance(struct pdu_writer *writer, size_t size);

/* Writes bytes. Fails as `send`. */
CAS_MUST_USE cas_status pdu_writer_write(struct pdu_writer *writer, struct cas_slice bytes, struct cas_error *error);

/* Ends the command set or data set: its last PDU says so. Fails as `send`. */
CAS_MUST_USE cas_status pdu_writer_end(struct pdu_writer *writer, struct cas_error *error);

/* Writes a whole command set. Fails as `send`. */
CAS_MUST_USE cas_status pdu_writer_command(struct pdu_writer *writer, uint8_t context_id, struct cas_slice command,
                                           struct cas_error *error);

/* Sends what was gathered; not between begin and end. Fails as `send`. */
CAS_MUST_USE cas_status pdu_writer_flush(struct pdu_writer *writer, struct cas_error *error);

#endif
