/*
 * Owns the reader of one instance. Invariants:
 *  1. begin <= offset <= end; ahead holds the first bytes of the data set until they are sent.
 *  2. Bytes behind them go from the reader into the send buffer; nothing gathers the object.
 */
#include "store_object.h"

cas_status store_object_open(struct store_object *object, struct cas_store *store, const char *path,
                             struct cas_error *error) {
  cas_status status = cas_buffer_reserve(&object->ahead, STORE_OBJECT_AHEAD_BYTES);
  if (status != CAS_OK) return status;
  status = cas_reader_open(store, path, &object->reader, error);
  if (status != CAS_OK) return status;
  object->begin = object->offset = cas_reader_data_set_offset(object->reader);
  object->end = cas_reader_size(object->reader);
  status = cas_reader_read(object->reader, object->offset, object->ahead.data, STORE_OBJECT_AHEAD_BYTES,
                           &object->ahead.size, error);
  if (status != CAS_OK) {
    store_object_close(object);
    return status;
  }
  object->offset += object->ahead.size;
  return CAS_OK;
}

void store_object_close(struct store_object *object) {
  if (object->reader != NULL) cas_reader_close(object->reader);
  object->reader = NULL;
}

void store_object_fini(struct store_object *object) {
  store_object_close(object);
  cas_buffer_fini(&object->ahead);
}

uint64_t store_object_bytes(const struct store_object *object) { return object->end - object->begin; }

cas_status store_object_write(struct store_object *object, struct pdu_writer *writer, uint8_t context_id, bool *damaged,
                              struct cas_error *error) {
  *damaged = false;
  pdu_writer_begin(writer, context_id, false);
  cas_status status =
      pdu_writer_write(writer, (struct cas_slice){.data = object->ahead.data, .size = object->ahead.size}, error);
  while (status == CAS_OK && object->offset < object->end) {
    uint8_t *room;
    size_t size, got;
    status = pdu_writer_room(writer, &room, &size, error);
    if (status != CAS_OK) return status;
    status = cas_reader_read(object->reader, object->offset, room, size, &got, error);
    *damaged = status != CAS_OK || got == 0;
    if (*damaged) return status != CAS_OK ? status : CAS_CORRUPT;
    pdu_writer_advance(writer, got);
    object->offset += got;
  }
  return status == CAS_OK ? pdu_writer_end(writer, error) : status;
}
