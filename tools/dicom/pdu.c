/*
 * Owns the receive buffer of one association. Invariants:
 *  1. start <= end <= PDU_BUFFER_BYTES.
 *  2. value_left counts bytes of the current value that were not handed on; pdu_left those of the PDU behind it. Both
 * are checked against the PDU's length when a value's header is read, so they never exceed pdu_bytes_max.
 */
#include "pdu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES 6u       /* type, reserved, length (4, big endian) */
#define VALUE_HEAD_BYTES 6u /* length (4, big endian), context, control */
#define CONTROL_COMMAND 1u
#define CONTROL_LAST 2u

/* Smallest PDU that we cut a command for, whatever the peer says, so that each makes progress. */
#define PEER_BYTES_MIN 64u

enum pdu_type { P_DATA_TF = 4, A_RELEASE_RQ = 5, A_ABORT = 7 };

const uint8_t pdu_release_response[PDU_SHORT_BYTES] = {6, 0, 0, 0, 0, 4, 0, 0, 0, 0};
const uint8_t pdu_abort_user[PDU_SHORT_BYTES] = {7, 0, 0, 0, 0, 4, 0, 0, 0, 0};
const uint8_t pdu_abort_provider[PDU_SHORT_BYTES] = {7, 0, 0, 0, 0, 4, 0, 0, 2, 6};

static uint32_t big_u32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_big_u32(uint8_t *p, uint32_t value) {
  p[0] = (uint8_t)(value >> 24);
  p[1] = (uint8_t)(value >> 16);
  p[2] = (uint8_t)(value >> 8);
  p[3] = (uint8_t)value;
}

cas_status pdu_stream_init(struct pdu_stream *stream, uint32_t pdu_bytes_max, pdu_read_fn read, void *arg) {
  *stream = (struct pdu_stream){.read = read, .arg = arg, .pdu_bytes_max = pdu_bytes_max};
  stream->buffer = malloc(PDU_BUFFER_BYTES);
  return stream->buffer != NULL ? CAS_OK : CAS_NO_MEMORY;
}

void pdu_stream_fini(struct pdu_stream *stream) {
  free(stream->buffer);
  stream->buffer = NULL;
}

bool pdu_stream_has_input(const struct pdu_stream *stream) { return stream->start < stream->end || stream->in_value; }

static enum pdu_event protocol_error(struct cas_error *error, const char *what) {
  error->status = CAS_REFUSED;
  snprintf(error->message, sizeof error->message, "%s", what);
  return PDU_PROTOCOL;
}

/* Makes at least `size` bytes, a header's worth, available at `start`; false when the connection ended. */
static bool ensure(struct pdu_stream *stream, size_t size) {
  if (stream->start == stream->end) stream->start = stream->end = 0;
  while (stream->end - stream->start < size) {
    if (stream->start > 0) {
      memmove(stream->buffer, stream->buffer + stream->start, stream->end - stream->start);
      stream->end -= stream->start;
      stream->start = 0;
    }
    const ssize_t got = stream->read(stream->arg, stream->buffer + stream->end, PDU_BUFFER_BYTES - stream->end);
    if (got <= 0) return false;
    stream->end += (size_t)got;
  }
  return true;
}

/* Hands on what there is of the current value. */
static enum pdu_event next_fragment(struct pdu_stream *stream, struct pdu_fragment *fragment) {
  if (stream->value_left > 0 && !ensure(stream, 1)) return PDU_CLOSED;
  const size_t available = stream->end - stream->start;
  const size_t size = available < stream->value_left ? available : stream->value_left;
  *fragment = (struct pdu_fragment){
      .context_id = stream->context_id,
      .command = (stream->control & CONTROL_COMMAND) != 0,
      .bytes = {.data = stream->buffer + stream->start, .size = size},
  };
  stream->start += size;
  stream->value_left -= (uint32_t)size;
  if (stream->value_left == 0) {
    stream->in_value = false;
    fragment->last = (stream->control & CONTROL_LAST) != 0;
  }
  return PDU_FRAGMENT;
}

/* Reads the header of the next value; PDU_FRAGMENT means that it may be handed on. */
static enum pdu_event begin_value(struct pdu_stream *stream, struct cas_error *error) {
  if (stream->pdu_left < VALUE_HEAD_BYTES) return protocol_error(error, "a presentation data value is cut short");
  if (!ensure(stream, VALUE_HEAD_BYTES)) return PDU_CLOSED;
  const uint8_t *head = stream->buffer + stream->start;
  const uint32_t size = big_u32(head);
  if (size < 2 || size > stream->pdu_left - 4)
    return protocol_error(error, "a presentation data value exceeds its PDU");
  stream->context_id = head[4];
  stream->control = head[5];
  stream->value_left = size - 2;
  stream->pdu_left -= 4 + size;
  stream->in_value = true;
  stream->start += VALUE_HEAD_BYTES;
  return PDU_FRAGMENT;
}

/* Reads the head of the next PDU, and the whole of a short one; PDU_FRAGMENT means that a P-DATA-TF begins. */
static enum pdu_event begin_pdu(struct pdu_stream *stream, struct cas_error *error) {
  if (!ensure(stream, HEAD_BYTES)) return PDU_CLOSED;
  const uint8_t *head = stream->buffer + stream->start;
  const uint8_t type = head[0];
  const uint32_t size = big_u32(head + 2);
  if (type == P_DATA_TF) {
    if (size > stream->pdu_bytes_max) return protocol_error(error, "a P-DATA-TF PDU is longer than agreed");
    stream->pdu_left = size;
    stream->start += HEAD_BYTES;
    return PDU_FRAGMENT;
  }
  if (type != A_RELEASE_RQ && type != A_ABORT) return protocol_error(error, "a PDU of a type that is not expected");
  if (size != PDU_SHORT_BYTES - HEAD_BYTES) return protocol_error(error, "a release or abort PDU of a wrong length");
  if (!ensure(stream, PDU_SHORT_BYTES)) return PDU_CLOSED;
  stream->start += PDU_SHORT_BYTES;
  return type == A_ABORT ? PDU_ABORTED : PDU_RELEASE_REQUESTED;
}

enum pdu_event pdu_stream_next(struct pdu_stream *stream, struct pdu_fragment *fragment, struct cas_error *error) {
  while (!stream->in_value) {
    const enum pdu_event event = stream->pdu_left > 0 ? begin_value(stream, error) : begin_pdu(stream, error);
    if (event != PDU_FRAGMENT) return event;
  }
  return next_fragment(stream, fragment);
}

cas_status pdu_encode_command(uint8_t context_id, struct cas_slice command, uint32_t peer_bytes_max,
                              struct cas_buffer *bytes) {
  const size_t overhead = HEAD_BYTES + VALUE_HEAD_BYTES;
  size_t piece_max = command.size;
  if (peer_bytes_max != 0) {
    /* The limit is on what follows the PDU's head (PS3.8 D.1). */
    const uint32_t limit = peer_bytes_max < PEER_BYTES_MIN ? PEER_BYTES_MIN : peer_bytes_max;
    if (piece_max > limit - VALUE_HEAD_BYTES) piece_max = limit - VALUE_HEAD_BYTES;
  }
  size_t offset = 0;
  do {
    const size_t size = command.size - offset < piece_max ? command.size - offset : piece_max;
    const cas_status reserved = cas_buffer_reserve(bytes, bytes->size + overhead + size);
    if (reserved != CAS_OK) return reserved;
    uint8_t *at = bytes->data + bytes->size;
    at[0] = P_DATA_TF;
    at[1] = 0;
    put_big_u32(at + 2, (uint32_t)(VALUE_HEAD_BYTES + size));
    put_big_u32(at + 6, (uint32_t)(2 + size));
    at[10] = context_id;
    at[11] = (uint8_t)(CONTROL_COMMAND | (offset + size == command.size ? CONTROL_LAST : 0));
    if (size > 0) memcpy(at + overhead, command.data + offset, size);
    bytes->size += overhead + size;
    offset += size;
  } while (offset < command.size);
  return CAS_OK;
}
