/* Owns nothing. */
#include "store_scu.h"

enum store_outcome store_outcome_of(uint16_t status) {
  if (status == DIMSE_SUCCESS) return STORE_COMPLETED;
  /* PS3.7 C.4: 0001, 0107, 0116 and Bxxx are warnings, with which the object was stored. */
  const bool warning = status == 0x0001 || status == 0x0107 || status == 0x0116 || (status & 0xF000) == 0xB000;
  return warning ? STORE_WARNING : STORE_FAILED;
}

cas_status store_scu_send(struct pdu_writer *writer, uint8_t context_id, struct dimse_command *request,
                          struct store_object *object, bool *damaged, struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer command = {0};
  *damaged = false;
  request->field = DIMSE_C_STORE_RQ;
  request->has_data_set = true;
  cas_status status = dimse_request_encode(request, &command);
  const struct cas_slice bytes = {.data = command.data, .size = command.size};
  if (status == CAS_OK) status = pdu_writer_command(writer, context_id, bytes, error);
  if (status == CAS_OK) status = store_object_write(object, writer, context_id, damaged, error);
  return status == CAS_OK ? pdu_writer_flush(writer, error) : status;
}
