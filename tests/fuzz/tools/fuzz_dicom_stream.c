/*
 * Everything that a peer can send after the negotiation: P-DATA framing, commands and data sets in any order, as
 * tools/dicom/association.c takes them. The first byte chooses how the rest is cut into reads.
 */
#include <stdlib.h>
#include <string.h>

#include "dimse.h"
#include "pdu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
  const uint8_t *data;
  size_t size, step;
};

static ssize_t input_read(void *arg, void *bytes, size_t size) {
  struct input *input = arg;
  size_t count = input->size < size ? input->size : size;
  if (count > input->step) count = input->step;
  if (count > 0) memcpy(bytes, input->data, count);
  input->data += count;
  input->size -= count;
  return (ssize_t)count;
}

/* A response to whatever was parsed must be readable again. */
static void answer(const struct dimse_command *request) {
  struct cas_buffer response = {0}, bytes = {0};
  struct dimse_command again;
  struct cas_error error = {0};
  if (dimse_response_encode(request, DIMSE_CANNOT_UNDERSTAND, request->sop_instance_uid, &response) != CAS_OK) abort();
  const struct cas_slice slice = {.data = response.data, .size = response.size};
  if (dimse_command_parse(slice, &again, &error) != CAS_OK) abort();
  if (pdu_encode_command(1, slice, request->message_id, &bytes) != CAS_OK) abort();
  cas_buffer_fini(&response);
  cas_buffer_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct input input = {.data = data + 1, .size = size - 1, .step = (size_t)data[0] + 1};
  struct pdu_stream stream;
  if (pdu_stream_init(&stream, 16384, input_read, &input) != CAS_OK) return 0;
  struct cas_buffer command = {0};
  struct cas_error error = {0};
  struct pdu_fragment fragment;
  unsigned sum = 0;
  while (pdu_stream_next(&stream, &fragment, &error) == PDU_FRAGMENT) {
    for (size_t i = 0; i < fragment.bytes.size; i++) sum += fragment.bytes.data[i]; /* a sanitizer sees each byte */
    if (!fragment.command || fragment.bytes.size > DIMSE_COMMAND_BYTES_MAX - command.size) continue;
    if (cas_buffer_append(&command, fragment.bytes) != CAS_OK) break;
    if (!fragment.last) continue;
    struct dimse_command parsed;
    if (dimse_command_parse((struct cas_slice){.data = command.data, .size = command.size}, &parsed, &error) ==
        CAS_OK) {
      answer(&parsed);
    }
    command.size = 0;
  }
  cas_buffer_fini(&command);
  pdu_stream_fini(&stream);
  __asm__ volatile("" : : "r"(sum)); /* so that the loop over the bytes stays */
  return 0;
}
