/*
 * Owns the send buffer of one association. Invariants:
 *  1. open <= used <= PDU_WRITER_BYTES; [0, open) are whole PDUs.
 *  2. A full PDU stays open until more comes or the value ends, since its control byte says whether it is the last.
 *  3. After a failed send nothing more is sent; the association is of no further use.
 */
#include "pdu_writer.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES 12u /* of the PDU (6) and of the value (6) */
#define VALUE_HEAD_BYTES 6u
#define CONTROL_COMMAND 1u
#define CONTROL_LAST 2u
#define P_DATA_TF 4u

/* Smallest and largest PDUs that we cut, whatever the peer says: each makes progress, and several fit the buffer.
 * Pieces have an even number of bytes (PS3.8 E.1). */
#define PEER_BYTES_MIN 64u
#define PEER_BYTES_MAX (64u << 10)

static void put_big_u32(uint8_t *p, size_t value) {
  p[0] = (uint8_t)(value >> 24);
  p[1] = (uint8_t)(value >> 16);
  p[2] = (uint8_t)(value >> 8);
  p[3] = (uint8_t)value;
}

cas_status pdu_writer_init(struct pdu_writer *writer, uint32_t peer_bytes_max, pdu_send_fn send, void *arg) {
  uint32_t limit = peer_bytes_max;
  if (limit == 0 || limit > PEER_BYTES_MAX) limit = PEER_BYTES_MAX;
  if (limit < PEER_BYTES_MIN) limit = PEER_BYTES_MIN;
  *writer = (struct pdu_writer){.send = send, .arg = arg, .piece_max = (limit - VALUE_HEAD_BYTES) & ~1u};
  writer->buffer = malloc(PDU_WRITER_BYTES);
  return writer->buffer != NULL ? CAS_OK : CAS_NO_MEMORY;
}

void pdu_writer_fini(struct pdu_writer *writer) {
  free(writer->buffer);
  writer->buffer = NULL;
}

void pdu_writer_begin(struct pdu_writer *writer, uint8_t context_id, bool command) {
  writer->in_value = true;
  writer->context_id = context_id;
  writer->control = command ? CONTROL_COMMAND : 0;
  writer->open = writer->used;
}

static cas_status send_gathered(struct pdu_writer *writer, struct cas_error *error) {
  const struct cas_slice bytes = {.data = writer->buffer, .size = writer->used};
  writer->used = writer->open = 0;
  return bytes.size > 0 ? writer->send(writer->arg, bytes, error) : CAS_OK;
}

/* Fills in the head of the open PDU, which becomes whole. */
static void close_pdu(struct pdu_writer *writer, uint8_t control) {
  uint8_t *head = writer->buffer + writer->open;
  const size_t value = writer->used - writer->open - HEAD_BYTES;
  head[0] = P_DATA_TF;
  head[1] = 0;
  put_big_u32(head + 2, VALUE_HEAD_BYTES + value);
  put_big_u32(head + 6, 2 + value);
  head[10] = writer->context_id;
  head[11] = control;
  writer->open = writer->used;
}

/* Makes sure that a PDU is open. */
static cas_status open_pdu(struct pdu_writer *writer, struct cas_error *error) {
  if (writer->used > writer->open) return CAS_OK;
  if (PDU_WRITER_BYTES - writer->used < HEAD_BYTES + writer->piece_max) {
    const cas_status sent = send_gathered(writer, error);
    if (sent != CAS_OK) return sent;
  }
  writer->used += HEAD_BYTES;
  return CAS_OK;
}

cas_status pdu_writer_room(struct pdu_writer *writer, uint8_t **room, size_t *size, struct cas_error *error) {
  if (writer->used - writer->open == HEAD_BYTES + writer->piece_max) close_pdu(writer, writer->control);
  const cas_status opened = open_pdu(writer, error);
  if (opened != CAS_OK) return opened;
  *room = writer->buffer + writer->used;
  *size = HEAD_BYTES + writer->piece_max - (writer->used - writer->open);
  return CAS_OK;
}

void pdu_writer_advance(struct pdu_writer *writer, size_t size) { writer->used += size; }

cas_status pdu_writer_write(struct pdu_writer *writer, struct cas_slice bytes, struct cas_error *error) {
  while (bytes.size > 0) {
    uint8_t *room;
    size_t size;
    const cas_status status = pdu_writer_room(writer, &room, &size, error);
    if (status != CAS_OK) return status;
    if (size > bytes.size) size = bytes.size;
    memcpy(room, bytes.data, size);
    pdu_writer_advance(writer, size);
    bytes = (struct cas_slice){.data = bytes.data + size, .size = bytes.size - size};
  }
  return CAS_OK;
}

cas_status pdu_writer_end(struct pdu_writer *writer, struct cas_error *error) {
  const cas_status opened = open_pdu(writer, error);
  if (opened != CAS_OK) return opened;
  close_pdu(writer, writer->control | CONTROL_LAST);
  writer->in_value = false;
  return CAS_OK;
}

cas_status pdu_writer_command(struct pdu_writer *writer, uint8_t context_id, struct cas_slice command,
                              struct cas_error *error) {
  pdu_writer_begin(writer, context_id, true);
  const cas_status written = pdu_writer_write(writer, command, error);
  return written == CAS_OK ? pdu_writer_end(writer, error) : written;
}

cas_status pdu_writer_flush(struct pdu_writer *writer, struct cas_error *error) { return send_gathered(writer, error); }
