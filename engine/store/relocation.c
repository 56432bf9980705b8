/*
 * Order matters within a relocation: the first batch makes the segment's numbers those of the new generation, so that
 * what follows counts for it; the last one says that it is settled.
 */
#include "store/relocation.h"

#include "base/limits.h"
#include "store/manifest_read.h"
#include "store/placement.h"

void relocation_fini(struct relocation *relocation) {
  for (size_t i = 0; i < relocation->count; i++) free(relocation->records[i].uid);
  free(relocation->records);
  *relocation = (struct relocation){0};
}

static cas_status add(struct relocation *relocation, const struct moved_record *record) {
  if (relocation->count == relocation->capacity) {
    size_t capacity = relocation->capacity == 0 ? 256 : relocation->capacity * 2;
    struct moved_record *grown = realloc(relocation->records, capacity * sizeof *grown);
    if (grown == NULL) return CAS_NO_MEMORY;
    relocation->records = grown;
    relocation->capacity = capacity;
  }
  relocation->records[relocation->count++] = *record;
  return CAS_OK;
}

cas_status relocation_add_blob(struct relocation *relocation, const struct blob_id *id,
                               const struct index_blob *place) {
  struct moved_record record = {.id = *id, .place = *place};
  return add(relocation, &record);
}

cas_status relocation_add_manifest(struct relocation *relocation, const char *uid, uint32_t version,
                                   struct record_cookie cookie) {
  struct moved_record record = {
      .is_manifest = true, .version = version, .uid = strdup(uid), .place = {.cookie = cookie}};
  if (record.uid == NULL) return CAS_NO_MEMORY;
  cas_status status = add(relocation, &record);
  if (status != CAS_OK) free(record.uid);
  return status;
}

cas_status relocation_drop_blob(struct relocation *relocation, const struct blob_id *id, const struct index_blob *place,
                                struct cas_slice payload) {
  struct moved_record record = {.is_dropped = true, .id = *id, .place = *place};
  if (place->codec == CODEC_ZSTD_DICTIONARY && payload.size >= sizeof record.dictionary)
    memcpy(record.dictionary, payload.data, sizeof record.dictionary);
  return add(relocation, &record);
}

/* --- into the index --- */

static cas_status apply_one(const struct moved_record *record, struct index_batch *batch, struct cas_error *error) {
  if (record->is_manifest) return placement_move(batch, record->uid, record->version, record->place.cookie, error);
  if (!record->is_dropped) return ledger_move_blob(batch, &record->id, &record->place, error);
  return ledger_drop_blob(batch, &record->id, record->place.cookie,
                          slice_of(record->dictionary, sizeof record->dictionary), error);
}

/* Before the batch is touched: nothing may be dropped that is in use. Before the first one of all, since from then on
 * there is no way back to the old generation. */
static cas_status check_dropped(const struct relocation *relocation, size_t from, size_t to, struct index_batch *batch,
                                struct cas_error *error) {
  for (size_t i = from; i < to; i++) {
    const struct moved_record *record = &relocation->records[i];
    struct index_blob blob;
    if (!record->is_dropped) continue;
    cas_status status = ledger_find_blob(NULL, batch, &record->id, &blob, error);
    if (status == CAS_NOT_FOUND) continue;
    STATUS_TRY(status);
    if (blob.users > 0 && memcmp(blob.cookie.bytes, record->place.cookie.bytes, sizeof blob.cookie.bytes) == 0)
      return status_fail(error, CAS_BUSY, "a blob that was to be dropped came into use");
  }
  return CAS_OK;
}

cas_status relocation_apply(const struct relocation *relocation, size_t from, struct index_batch *batch, size_t *next,
                            struct cas_error *error) {
  size_t to = relocation->count - from > RELOCATION_BATCH_MAX ? from + RELOCATION_BATCH_MAX : relocation->count;
  uint32_t number = segment_file_number(relocation->segment);
  struct ledger_segment segment;
  STATUS_TRY(check_dropped(relocation, from, from == 0 ? relocation->count : to, batch, error));
  STATUS_TRY(ledger_get_segment(NULL, batch, number, &segment, error));
  if (from == 0) {
    segment =
        (struct ledger_segment){.generation = segment_file_generation(relocation->segment), .settled = segment.settled};
    STATUS_TRY(ledger_put_segment(batch, number, &segment, error));
  }
  for (size_t i = from; i < to; i++) STATUS_TRY(apply_one(&relocation->records[i], batch, error));
  if (to == relocation->count) {
    STATUS_TRY(ledger_get_segment(NULL, batch, number, &segment, error));
    segment.settled = segment.generation;
    STATUS_TRY(ledger_put_segment(batch, number, &segment, error));
    uint64_t reclaimed;
    STATUS_TRY(ledger_get_reclaimed(NULL, batch, &reclaimed, error));
    STATUS_TRY(ledger_put_reclaimed(batch, reclaimed + relocation->saved, error));
  }
  *next = to;
  return CAS_OK;
}

/* --- at a start --- */

struct adoption {
  struct cas_store *store;
  struct relocation relocation;
  struct cas_error *error;
};

static cas_status note_manifest(struct adoption *adoption, const struct segment_event *event) {
  struct manifest manifest;
  if (!event->payload_good) return CAS_OK;
  cas_status status = manifest_decode_record(adoption->store, &event->record, event->payload, &manifest);
  if (status == CAS_CORRUPT) return CAS_OK;
  STATUS_TRY(status);
  status = relocation_add_manifest(&adoption->relocation, manifest.sop_instance_uid, manifest.version, event->cookie);
  manifest_fini(&manifest);
  return status;
}

static cas_status note_record(void *arg, const struct segment_event *event) {
  struct adoption *adoption = arg;
  if (event->kind != SEGMENT_EVENT_RECORD) return CAS_OK;
  if (event->record.kind == RECORD_MANIFEST) return note_manifest(adoption, event);
  if (event->record.kind != RECORD_BLOB) return CAS_OK;
  struct index_blob place = {.cookie = event->cookie,
                             .codec = event->record.codec,
                             .raw_size = (uint32_t)event->record.raw_size,
                             .stored_size = (uint32_t)event->record.stored_size};
  return relocation_add_blob(&adoption->relocation, &event->record.id, &place);
}

static cas_status apply_batches(struct adoption *adoption) {
  for (size_t next = 0, from = 0;; from = next) {
    struct index_batch *batch;
    STATUS_TRY(index_batch_begin(adoption->store->index, &batch, adoption->error));
    cas_status status = relocation_apply(&adoption->relocation, from, batch, &next, adoption->error);
    if (status != CAS_OK) {
      index_batch_abort(batch);
      return status;
    }
    STATUS_TRY(index_batch_apply(batch, adoption->error));
    if (next == adoption->relocation.count) return CAS_OK;
  }
}

/* What the index has in an earlier generation after that is not in the new one: it was dropped. */
static cas_status note_leftover(void *arg, const struct blob_id *id, const struct index_blob *blob) {
  struct relocation *leftovers = arg;
  uint64_t segment = record_cookie_segment(blob->cookie);
  bool is_left = segment_file_number(segment) == segment_file_number(leftovers->segment) &&
                 segment_file_generation(segment) < segment_file_generation(leftovers->segment);
  return is_left ? relocation_add_blob(leftovers, id, blob) : CAS_OK;
}

static cas_status lose(struct cas_store *store, const struct relocation *leftovers, struct cas_error *error) {
  struct index_batch *batch;
  STATUS_TRY(index_batch_begin(store->index, &batch, error));
  cas_status status = CAS_OK;
  for (size_t i = 0; i < leftovers->count && status == CAS_OK; i++)
    status = ledger_lose_blob(batch, &leftovers->records[i].id, leftovers->records[i].place.cookie, error);
  if (status == CAS_OK) return index_batch_apply(batch, error);
  index_batch_abort(batch);
  return status;
}

static cas_status adopt(struct cas_store *store, uint64_t segment, struct cas_error *error) {
  struct adoption adoption = {.store = store, .relocation.segment = segment, .error = error};
  struct relocation leftovers = {.segment = segment};
  cas_status status =
      segment_scan(store->volume, &store->superblock.key, segment, 0, NULL, 0, note_record, &adoption, error);
  if (status == CAS_OK) status = apply_batches(&adoption);
  if (status == CAS_OK) status = index_list_blobs(store->index, note_leftover, &leftovers, error);
  if (status == CAS_OK) status = lose(store, &leftovers, error);
  relocation_fini(&adoption.relocation);
  relocation_fini(&leftovers);
  return status;
}

cas_status relocation_adopt(struct cas_store *store, struct cas_error *error) {
  CLEANUP_FREE uint64_t *segments = NULL;
  size_t count;
  struct segment_mark mark;
  STATUS_TRY(mark_get(store->index, &mark, error));
  STATUS_TRY(volume_list(store->volume, &segments, &count, &store->cold_is_known, error));
  for (size_t i = 0; i < count; i++) {
    uint32_t number = segment_file_number(segments[i]), generation = segment_file_generation(segments[i]);
    struct ledger_segment known;
    /* What lies behind the mark is replayed from its beginning anyway. */
    if (generation == 0 || number > mark.segment) continue;
    STATUS_TRY(ledger_get_segment(store->index, NULL, number, &known, error));
    if (known.settled < generation) STATUS_TRY(adopt(store, segments[i], error));
  }
  return CAS_OK;
}
