/*
 * Owns the reader or the transcoder of one instance. Invariants:
 *  1. begin <= offset <= end; ahead holds the first bytes of the data set until they are sent or transcoded.
 *  2. Bytes behind them go from the reader into the send buffer; nothing but a transcoder gathers the object.
 *  3. A transcoder has its memory in the budget from before it takes the second piece.
 */
#include "store_object.h"

#include <stdio.h>
#include <string.h>

#include "transcode_policy.h"

#define DEFLATED_UID "1.2.840.10008.1.2.1.99"
#define INFLATED_TIMES 16u /* its bytes, which is a multiple of what images are compressed to */
#define INFLATED_MIN (4ull << 20)

static cas_status read_at(const struct store_object *object, uint8_t *bytes, size_t size, size_t *got,
                          struct cas_error *error) {
  if (object->reader != NULL) return cas_reader_read(object->reader, object->offset, bytes, size, got, error);
  const uint64_t left = object->end - object->offset;
  *got = left < size ? (size_t)left : size;
  memcpy(bytes, object->file.data + object->offset, *got);
  return CAS_OK;
}

static cas_status read_ahead(struct store_object *object, struct cas_error *error) {
  const cas_status status = read_at(object, object->ahead.data, STORE_OBJECT_AHEAD_BYTES, &object->ahead.size, error);
  object->offset += status == CAS_OK ? object->ahead.size : 0;
  return status;
}

cas_status store_object_open(struct store_object *object, struct cas_store *store, const char *path,
                             struct cas_error *error) {
  cas_status status = cas_buffer_reserve(&object->ahead, STORE_OBJECT_AHEAD_BYTES);
  if (status != CAS_OK) return status;
  status = cas_reader_open(store, path, &object->reader, error);
  if (status != CAS_OK) return status;
  object->begin = object->offset = cas_reader_data_set_offset(object->reader);
  object->end = cas_reader_size(object->reader);
  status = read_ahead(object, error);
  if (status != CAS_OK) store_object_close(object);
  return status;
}

cas_status store_object_open_file(struct store_object *object, struct cas_slice file, uint64_t begin,
                                  struct cas_error *error) {
  const cas_status status = cas_buffer_reserve(&object->ahead, STORE_OBJECT_AHEAD_BYTES);
  if (status != CAS_OK) return status;
  object->file = file;
  object->begin = object->offset = begin;
  object->end = file.size;
  return read_ahead(object, error);
}

void store_object_close(struct store_object *object) {
  if (object->reader != NULL) cas_reader_close(object->reader);
  transcode_job_destroy(object->transcoder);
  if (object->taken > 0) transcode_budget_give(object->budget, object->taken);
  object->reader = NULL;
  object->transcoder = NULL;
  object->taken = 0;
}

void store_object_fini(struct store_object *object) {
  store_object_close(object);
  cas_buffer_fini(&object->ahead);
}

uint64_t store_object_bytes(const struct store_object *object) { return object->end - object->begin; }

/* --- transcoding --- */

/* What the data set takes before its pixels are made anew. A deflated one may grow beyond all bounds: it is given a
 * measure, and refused beyond it. */
static uint64_t read_bytes(const struct store_object *object, bool deflated) {
  const uint64_t bytes = store_object_bytes(object);
  if (!deflated) return bytes;
  uint64_t inflated = bytes > INFLATED_MIN / INFLATED_TIMES ? INFLATED_TIMES * bytes : INFLATED_MIN;
  return inflated < object->budget->total ? inflated : object->budget->total;
}

/* All that the transcoder will hold, by what it has read so far. Pixels that stay as they are, are in the object. */
static uint64_t all_bytes(const struct store_object *object, const char *from, const char *to) {
  const bool anew = transcode_decodes(from) || transcode_decodes(to);
  const uint64_t pixels = anew ? transcode_job_pixel_bytes(object->transcoder) : 0;
  const uint64_t bytes = read_bytes(object, strcmp(from, DEFLATED_UID) == 0);
  return pixels > UINT64_MAX - bytes ? UINT64_MAX : pixels + bytes;
}

static cas_status take(struct store_object *object, uint64_t bytes, unsigned seconds, struct cas_error *error) {
  const cas_status status = transcode_budget_take(object->budget, bytes, seconds, error);
  if (status == CAS_OK) object->taken = bytes;
  return status;
}

/* The rest of the object, through the room for its first bytes. */
static cas_status put_rest(struct store_object *object, struct cas_error *error) {
  while (object->offset < object->end) {
    cas_status status = read_ahead(object, error);
    if (status == CAS_OK && object->ahead.size == 0) status = CAS_CORRUPT;
    if (status != CAS_OK) return status;
    const struct cas_slice piece = {.data = object->ahead.data, .size = object->ahead.size};
    status = transcode_job_put(object->transcoder, piece, object->offset == object->end, error);
    if (status != CAS_OK) return status;
  }
  return CAS_OK;
}

/* Without waiting, since who holds some of the budget must not wait for more. */
static cas_status take_more(struct store_object *object, uint64_t bytes, struct cas_error *error) {
  if (bytes <= object->taken) return CAS_OK;
  if (!transcode_budget_try(object->budget, bytes - object->taken)) {
    snprintf(error->message, sizeof error->message, "transcoding it takes more memory than there is at the moment");
    return CAS_BUSY;
  }
  object->taken = bytes;
  return CAS_OK;
}

cas_status store_object_transcode(struct store_object *object, const char *from, const char *to,
                                  struct transcode_budget *budget, unsigned seconds, struct cas_error *error) {
  const bool deflated = strcmp(from, DEFLATED_UID) == 0;
  object->budget = budget;
  cas_status status = deflated ? take(object, read_bytes(object, true), seconds, error) : CAS_OK;
  if (status == CAS_OK)
    status = transcode_job_create(&budget->pool, from, to, object->taken, &object->transcoder, error);
  const struct cas_slice first = {.data = object->ahead.data, .size = object->ahead.size};
  if (status == CAS_OK) status = transcode_job_put(object->transcoder, first, object->offset == object->end, error);
  if (status == CAS_OK && !deflated) status = take(object, all_bytes(object, from, to), seconds, error);
  if (status == CAS_OK) status = put_rest(object, error);
  if (status == CAS_OK) status = take_more(object, all_bytes(object, from, to), error);
  return status == CAS_OK ? transcode_job_convert(object->transcoder, error) : status;
}

/* --- writing --- */

static cas_status write_piece(void *arg, struct cas_slice bytes, struct cas_error *error) {
  return pdu_writer_write(arg, bytes, error);
}

static cas_status write_transcoded(struct store_object *object, struct pdu_writer *writer, bool *damaged,
                                   struct cas_error *error) {
  const cas_status status = transcode_job_write(object->transcoder, write_piece, writer, error);
  *damaged = status == CAS_REFUSED || status == CAS_NO_MEMORY;
  return status == CAS_OK ? pdu_writer_end(writer, error) : status;
}

cas_status store_object_write(struct store_object *object, struct pdu_writer *writer, uint8_t context_id, bool *damaged,
                              struct cas_error *error) {
  *damaged = false;
  pdu_writer_begin(writer, context_id, false);
  if (object->transcoder != NULL) return write_transcoded(object, writer, damaged, error);
  cas_status status =
      pdu_writer_write(writer, (struct cas_slice){.data = object->ahead.data, .size = object->ahead.size}, error);
  while (status == CAS_OK && object->offset < object->end) {
    uint8_t *room;
    size_t size, got;
    status = pdu_writer_room(writer, &room, &size, error);
    if (status != CAS_OK) return status;
    status = read_at(object, room, size, &got, error);
    *damaged = status != CAS_OK || got == 0;
    if (*damaged) return status != CAS_OK ? status : CAS_CORRUPT;
    pdu_writer_advance(writer, got);
    object->offset += got;
  }
  return status == CAS_OK ? pdu_writer_end(writer, error) : status;
}
