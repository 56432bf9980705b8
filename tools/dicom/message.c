/*
 * Owns nothing. Invariants:
 *  1. A command set is gathered up to DIMSE_COMMAND_BYTES_MAX and no further.
 *  2. A data set is read to its end whatever its size; what is kept of it has the caller's limit.
 */
#include "message.h"

#include <stdio.h>

enum pdu_event message_protocol_error(struct cas_error *error, const char *what) {
  error->status = CAS_REFUSED;
  snprintf(error->message, sizeof error->message, "%s", what);
  return PDU_PROTOCOL;
}

enum pdu_event message_read_command(struct pdu_stream *stream, struct cas_buffer *bytes, uint8_t *context_id,
                                    struct dimse_command *command, struct cas_error *error) {
  bytes->size = 0;
  for (;;) {
    struct pdu_fragment fragment;
    const enum pdu_event event = pdu_stream_next(stream, &fragment, error);
    if (event != PDU_FRAGMENT) return event;
    if (!fragment.command) return message_protocol_error(error, "a data set without a command");
    if (bytes->size > 0 && fragment.context_id != *context_id)
      return message_protocol_error(error, "a command in two presentation contexts");
    *context_id = fragment.context_id;
    if (fragment.bytes.size > DIMSE_COMMAND_BYTES_MAX - bytes->size)
      return message_protocol_error(error, "a command set is too long");
    if (cas_buffer_append(bytes, fragment.bytes) != CAS_OK) return message_protocol_error(error, "out of memory");
    if (fragment.last) break;
  }
  const struct cas_slice whole = {.data = bytes->data, .size = bytes->size};
  return dimse_command_parse(whole, command, error) == CAS_OK ? PDU_FRAGMENT : PDU_PROTOCOL;
}

enum pdu_event message_read_fragment(struct pdu_stream *stream, uint8_t context_id, struct pdu_fragment *fragment,
                                     struct cas_error *error) {
  const enum pdu_event event = pdu_stream_next(stream, fragment, error);
  if (event != PDU_FRAGMENT) return event;
  if (fragment->command) return message_protocol_error(error, "a command within a data set");
  if (fragment->context_id != context_id)
    return message_protocol_error(error, "a data set in another presentation context");
  return PDU_FRAGMENT;
}

enum pdu_event message_read_data_set(struct pdu_stream *stream, uint8_t context_id, size_t size_max,
                                     struct cas_buffer *bytes, bool *whole, struct cas_error *error) {
  bytes->size = 0;
  *whole = true;
  for (;;) {
    struct pdu_fragment fragment;
    const enum pdu_event event = message_read_fragment(stream, context_id, &fragment, error);
    if (event != PDU_FRAGMENT) return event;
    *whole =
        *whole && fragment.bytes.size <= size_max - bytes->size && cas_buffer_append(bytes, fragment.bytes) == CAS_OK;
    if (fragment.last) return PDU_FRAGMENT;
  }
}
