/*
 * One object on its way in: bytes -> scanner -> blobs and pieces -> manifest.
 *
 * Owns the scanner, the blob that is being gathered, and the list of blobs and pieces. Invariants:
 *  1. The pieces so far, laid end to end, are the bytes so far.
 *  2. `unsettled` counts the blobs that were handed over and have not come back, plus one until the object is ended.
 * Who brings it to zero sends the manifest to the committer, or frees an object that was dropped.
 *  3. A chunk that is complete waits in `chunk` until the next byte of the object or its end: where the caller is going
 *     to wait for the end it takes the last one in itself.
 *
 *   begin -> write* -> commit -> (all blobs settled) -> committer -> done
 *                 \--> abort  -> (all blobs settled) -> freed
 */
#include "cassette/ingest.h"

#include <assert.h>
#include <stdio.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/limits.h"
#include "dicom/part10.h"
#include "store/budget.h"
#include "store/condition.h"
#include "store/identity.h"
#include "store/ingest_here.h"
#include "store/intake.h"
#include "store/pending.h"
#include "store/pins.h"
#include "store/rejection.h"

/* After so many new blobs, those that are certain give up what they hold. */
#define SWEEP_INTERVAL 256u

struct cas_ingest {
  struct commit_instance commit; /* first: the committer's; its manifest is the object's */
  struct cas_store *store;
  char sop_class_uid[CAS_UID_TEXT_MAX];
  char sop_instance_uid[CAS_UID_TEXT_MAX];
  char transfer_syntax_uid[CAS_UID_TEXT_MAX];
  struct dicom_scanner *scanner;
  const struct dicom_summary *summary; /* once ended */
  XXH3_state_t *content_hash;
  struct cas_hash header_text_hash; /* of the first header blob behind the file meta information */
  bool header_text_hashed;
  /* What is being gathered. */
  struct cas_buffer header;
  uint32_t header_blob; /* which blob `header` will be; NO_BLOB while it is empty */
  struct cas_buffer chunk;
  struct dicom_chunk chunk_kind;
  uint32_t chunk_blob; /* which blob `chunk` will be; NO_BLOB while there is none */
  bool chunk_is_complete;
  size_t blob_capacity, piece_capacity;
  size_t swept;
  struct pin_set pinned; /* for blobs that were swept */
  /* The end. */
  atomic_size_t unsettled;
  bool dropped;
  bool may_not_reject;
  bool caller_waits; /* what is left to be done may be done in its thread */
  cas_ingest_done_fn done;
  void *done_arg;
};

#define NO_BLOB UINT32_MAX

static void ingest_free(struct cas_ingest *ingest) {
  for (size_t i = 0; i < ingest->commit.manifest.blob_count; i++)
    if (ingest->commit.blobs[i] != NULL) pending_blob_unref(ingest->commit.blobs[i]);
  pin_set_fini(&ingest->pinned, ingest->store->pins);
  free(ingest->commit.blobs);
  manifest_fini(&ingest->commit.manifest);
  cas_buffer_fini(&ingest->header);
  cas_buffer_fini(&ingest->chunk);
  XXH3_freeState(ingest->content_hash);
  dicom_scanner_destroy(ingest->scanner);
  instance_states_destroy(ingest->commit.states);
  free(ingest);
}

/* --- blobs and pieces --- */

static cas_status add_blob(struct cas_ingest *ingest, uint32_t *number) {
  struct manifest *manifest = &ingest->commit.manifest;
  if (manifest->blob_count == ingest->blob_capacity) {
    size_t capacity = ingest->blob_capacity == 0 ? 4 : ingest->blob_capacity * 2;
    struct manifest_blob *blobs = realloc(manifest->blobs, capacity * sizeof *blobs);
    if (blobs == NULL) return CAS_NO_MEMORY;
    manifest->blobs = blobs;
    struct pending_blob **pending = realloc(ingest->commit.blobs, capacity * sizeof(struct pending_blob *));
    if (pending == NULL) return CAS_NO_MEMORY;
    ingest->commit.blobs = pending;
    ingest->blob_capacity = capacity;
  }
  manifest->blobs[manifest->blob_count] = (struct manifest_blob){0};
  ingest->commit.blobs[manifest->blob_count] = NULL;
  *number = (uint32_t)manifest->blob_count++;
  return CAS_OK;
}

/* The next `size` bytes of the object are at `offset` in a blob. Bytes that follow those of the last piece lengthen it.
 */
static cas_status add_piece(struct cas_ingest *ingest, uint32_t blob, uint32_t offset, uint32_t size) {
  struct manifest *manifest = &ingest->commit.manifest;
  if (manifest->piece_count > 0) {
    struct manifest_piece *last = &manifest->pieces[manifest->piece_count - 1];
    if (last->blob == blob && last->offset + last->size == offset) {
      last->size += size;
      return CAS_OK;
    }
  }
  if (manifest->piece_count == ingest->piece_capacity) {
    size_t capacity = ingest->piece_capacity == 0 ? 4 : ingest->piece_capacity * 2;
    struct manifest_piece *pieces = realloc(manifest->pieces, capacity * sizeof *pieces);
    if (pieces == NULL) return CAS_NO_MEMORY;
    manifest->pieces = pieces;
    ingest->piece_capacity = capacity;
  }
  manifest->pieces[manifest->piece_count++] = (struct manifest_piece){.blob = blob, .offset = offset, .size = size};
  return CAS_OK;
}

/* Blobs that can no longer fail keep their name only: an object may have a million of them. */
static void sweep(struct cas_ingest *ingest) {
  struct cas_store *store = ingest->store;
  struct manifest *manifest = &ingest->commit.manifest;
  for (size_t i = ingest->swept; i < manifest->blob_count; i++) {
    struct pending_blob *blob = ingest->commit.blobs[i];
    cas_status failure;
    if (blob == NULL) continue;
    enum pending_state state = pending_state_of(store->pending, blob, &failure);
    if (state != PENDING_COMMITTED && state != PENDING_KNOWN) continue;
    if (!pin_set_add(&ingest->pinned, store->pins, pending_pinned(store->pending, blob))) continue;
    manifest->blobs[i].id = blob->id;
    if (blob->heals) ingest->commit.result.healed_blobs++;
    ingest->commit.blobs[i] = NULL;
    pending_blob_unref(blob);
  }
  while (ingest->swept < manifest->blob_count && ingest->commit.blobs[ingest->swept] == NULL &&
         ingest->swept != ingest->header_blob && ingest->swept != ingest->chunk_blob)
    ingest->swept++;
}

static void blob_settled(void *arg);

/* Hands a finished blob to the workers, or takes it in for a caller who waits. Waits while too much is under way. */
static cas_status hand_over(struct cas_ingest *ingest, uint32_t number, enum blob_kind kind, struct cas_buffer *bytes,
                            const char *series_uid) {
  struct cas_store *store = ingest->store;
  struct pending_blob *blob;
  size_t size = bytes->size;
  budget_acquire(store->budget, size);
  cas_status status = pending_blob_create(store, kind, bytes, size, &blob);
  if (status != CAS_OK) {
    budget_release(store->budget, size);
    return status;
  }
  blob->format = ingest->chunk_kind.format;
  snprintf(blob->series_uid, sizeof blob->series_uid, "%s", series_uid);
  blob->settled = blob_settled;
  blob->settled_arg = ingest;
  ingest->commit.manifest.blobs[number].raw_size = (uint32_t)size;
  ingest->commit.blobs[number] = blob;
  atomic_fetch_add(&ingest->unsettled, 1);
  if (ingest->caller_waits)
    intake_run(blob);
  else
    intake_submit(store, blob);
  if (number % SWEEP_INTERVAL == SWEEP_INTERVAL - 1) sweep(ingest);
  return CAS_OK;
}

static void hash_header_text(struct cas_ingest *ingest, uint64_t data_set_offset) {
  if (ingest->header_text_hashed || ingest->header_blob != 0 || data_set_offset > ingest->header.size) return;
  store_hash_xxh3(slice_of(ingest->header.data + data_set_offset, ingest->header.size - data_set_offset),
                  &ingest->header_text_hash);
  ingest->header_text_hashed = true;
}

/* `series_uid` is "" where it is not known yet: the header is too long to wait for it. */
static cas_status hand_over_header(struct cas_ingest *ingest, const char *series_uid) {
  uint32_t number = ingest->header_blob;
  if (number == NO_BLOB) return CAS_OK;
  ingest->header_blob = NO_BLOB;
  return hand_over(ingest, number, BLOB_HEADER, &ingest->header, series_uid);
}

static cas_status hand_over_chunk(struct cas_ingest *ingest) {
  if (!ingest->chunk_is_complete) return CAS_OK;
  uint32_t number = ingest->chunk_blob;
  enum blob_kind kind = ingest->chunk_kind.kind == DICOM_CHUNK_FRAME ? BLOB_FRAME : BLOB_BULK;
  ingest->chunk_is_complete = false;
  ingest->chunk_blob = NO_BLOB;
  return hand_over(ingest, number, kind, &ingest->chunk, "");
}

/* --- the scanner's sink --- */

static cas_status sink_header(void *arg, struct cas_slice bytes) {
  struct cas_ingest *ingest = arg;
  STATUS_TRY(hand_over_chunk(ingest));
  while (bytes.size > 0) {
    if (ingest->header_blob == NO_BLOB) STATUS_TRY(add_blob(ingest, &ingest->header_blob));
    size_t room = HEADER_BLOB_BYTES_MAX - ingest->header.size;
    struct cas_slice part = slice_of(bytes.data, bytes.size < room ? bytes.size : room);
    STATUS_TRY(add_piece(ingest, ingest->header_blob, (uint32_t)ingest->header.size, (uint32_t)part.size));
    STATUS_TRY(cas_buffer_append(&ingest->header, part));
    bytes = slice_of(bytes.data + part.size, bytes.size - part.size);
    if (ingest->header.size == HEADER_BLOB_BYTES_MAX) STATUS_TRY(hand_over_header(ingest, ""));
  }
  return CAS_OK;
}

static cas_status sink_chunk_begin(void *arg, const struct dicom_chunk *chunk) {
  struct cas_ingest *ingest = arg;
  STATUS_TRY(hand_over_chunk(ingest));
  ingest->chunk_kind = *chunk;
  STATUS_TRY(add_blob(ingest, &ingest->chunk_blob));
  size_t spare = ingest->store->encode == CAS_ENCODE_ALWAYS ? 0 : CODEC_TRAILER_BYTES;
  return cas_buffer_reserve(&ingest->chunk, chunk->size + spare);
}

static cas_status sink_chunk_bytes(void *arg, struct cas_slice bytes) {
  struct cas_ingest *ingest = arg;
  return cas_buffer_append(&ingest->chunk, bytes);
}

static cas_status sink_chunk_end(void *arg) {
  struct cas_ingest *ingest = arg;
  assert(ingest->chunk.size > 0 && ingest->chunk.size <= BLOB_BYTES_MAX);
  ingest->chunk_is_complete = true;
  return add_piece(ingest, ingest->chunk_blob, 0, (uint32_t)ingest->chunk.size);
}

/* --- begin and write --- */

static cas_status take_bytes(struct cas_ingest *ingest, struct cas_slice bytes) {
  if (XXH3_128bits_update(ingest->content_hash, bytes.data, bytes.size) != XXH_OK) return CAS_NO_MEMORY;
  ingest->commit.manifest.file_size += bytes.size;
  return dicom_scanner_push(ingest->scanner, bytes);
}

static cas_status put_part10_header(struct cas_ingest *ingest) {
  CLEANUP_BUFFER struct cas_buffer header = {0};
  STATUS_TRY(part10_header(ingest->sop_class_uid, ingest->sop_instance_uid, ingest->transfer_syntax_uid, &header));
  return take_bytes(ingest, slice_of_buffer(&header));
}

static cas_status begin(struct cas_ingest *ingest, const struct cas_ingest_source *source) {
  struct manifest *manifest = &ingest->commit.manifest;
  struct dicom_sink sink = {.header = sink_header,
                            .chunk_begin = sink_chunk_begin,
                            .chunk_bytes = sink_chunk_bytes,
                            .chunk_end = sink_chunk_end,
                            .arg = ingest};
  ingest->content_hash = XXH3_createState();
  if (ingest->content_hash == NULL || XXH3_128bits_reset(ingest->content_hash) != XXH_OK) return CAS_NO_MEMORY;
  STATUS_TRY(dicom_scanner_create(&sink, &ingest->scanner));
  manifest->origin = source->origin;
  ingest->may_not_reject = source->may_not_reject;
  manifest->arrival_ns = clock_now_ns();
  if (source->description != NULL) snprintf(manifest->source, sizeof manifest->source, "%s", source->description);
  if (source->origin != CAS_ORIGIN_RECEIVED) return CAS_OK;
  snprintf(ingest->sop_class_uid, sizeof ingest->sop_class_uid, "%s", source->sop_class_uid);
  snprintf(ingest->sop_instance_uid, sizeof ingest->sop_instance_uid, "%s", source->sop_instance_uid);
  snprintf(ingest->transfer_syntax_uid, sizeof ingest->transfer_syntax_uid, "%s", source->transfer_syntax_uid);
  return put_part10_header(ingest);
}

cas_status cas_ingest_begin(struct cas_store *store, const struct cas_ingest_source *source, struct cas_ingest **ingest,
                            struct cas_error *error) {
  STATUS_TRY(ingest_check_source(store, source, error));
  struct cas_ingest *created = calloc(1, sizeof *created);
  if (created == NULL) return status_fail(error, CAS_NO_MEMORY, "out of memory");
  created->store = store;
  created->commit.item.kind = COMMIT_INSTANCE;
  created->header_blob = created->chunk_blob = NO_BLOB;
  atomic_init(&created->unsettled, 1);
  cas_status status = begin(created, source);
  if (status != CAS_OK) {
    cas_ingest_abort(created);
    return status_fail(error, status, "cannot take an object: %s", cas_status_text(status));
  }
  *ingest = created;
  return CAS_OK;
}

void ingest_corrects(struct cas_ingest *ingest, struct instance_states *states, const uint32_t *tags, size_t count,
                     const struct commit_hold *hold) {
  struct manifest *manifest = &ingest->commit.manifest;
  ingest->commit.states = states;
  ingest->commit.item.hold = hold;
  ingest->may_not_reject = true;
  memcpy(manifest->corrected, tags, count * sizeof *tags);
  manifest->corrected_count = count;
}

cas_status cas_ingest_write(struct cas_ingest *ingest, struct cas_slice bytes, struct cas_error *error) {
  cas_status status = take_bytes(ingest, bytes);
  return status == CAS_OK
             ? CAS_OK
             : status_fail(error, status, "cannot take the bytes of an object: %s", cas_status_text(status));
}

/* --- the end --- */

/* All blobs have names: the manifest is complete. `here`: by a caller who waits. */
static void submit(struct cas_ingest *ingest, bool here) {
  struct manifest *manifest = &ingest->commit.manifest;
  for (size_t i = 0; i < manifest->blob_count; i++)
    if (ingest->commit.blobs[i] != NULL) manifest->blobs[i].id = ingest->commit.blobs[i]->id;
  if (ingest->header_text_hashed)
    identity_of_data_set(ingest->content_hash, ingest->summary->transfer_syntax_uid, &ingest->header_text_hash,
                         manifest);
  if (here)
    committer_submit_here(ingest->store->committer, &ingest->commit.item);
  else
    committer_submit(ingest->store->committer, &ingest->commit.item);
}

static void unsettle_one(struct cas_ingest *ingest, bool here) {
  if (atomic_fetch_sub(&ingest->unsettled, 1) != 1) return;
  if (ingest->dropped)
    ingest_free(ingest);
  else
    submit(ingest, here);
}

static void blob_settled(void *arg) { unsettle_one(arg, false); }

void cas_ingest_abort(struct cas_ingest *ingest) {
  if (ingest == NULL) return;
  ingest->dropped = true;
  unsettle_one(ingest, false);
}

static void committed(struct commit_instance *instance) {
  struct cas_ingest *ingest = (struct cas_ingest *)instance;
  instance->result.bytes = instance->manifest.file_size;
  ingest->done(ingest->done_arg, instance->status, &instance->result, &instance->error);
  ingest_free(ingest);
}

/* While the whole data set is still in the first header blob. */
static cas_status look_for_rejection(struct cas_ingest *ingest, struct cas_error *error) {
  uint64_t offset = ingest->summary->data_set_offset;
  bool is_whole = ingest->header_blob == 0 && ingest->commit.manifest.blob_count == 1 && offset <= ingest->header.size;
  struct cas_slice data_set = {0};
  if (is_whole) data_set = slice_of(ingest->header.data + offset, ingest->header.size - offset);
  return rejection_read(ingest->store, ingest->summary, data_set, ingest->commit.manifest.source,
                        &ingest->commit.states, error);
}

static cas_status end(struct cas_ingest *ingest, struct cas_error *error) {
  struct manifest *manifest = &ingest->commit.manifest;
  XXH128_canonical_t canonical;
  cas_status status = dicom_scanner_finish(ingest->scanner, &ingest->summary);
  if (status != CAS_OK) return status_fail(error, status, "cannot take an object: %s", cas_status_text(status));
  const char *requested = manifest->origin == CAS_ORIGIN_RECEIVED ? ingest->sop_instance_uid : NULL;
  STATUS_TRY(identity_check(ingest->summary, requested, error));
  const struct dicom_summary *summary = ingest->summary;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(ingest->content_hash));
  memcpy(manifest->content_hash.bytes, canonical.digest, sizeof canonical.digest);
  snprintf(manifest->sop_instance_uid, sizeof manifest->sop_instance_uid, "%s", identity_of(summary));
  manifest->data_set_offset = summary->data_set_offset;
  ingest->commit.attributes = summary->attributes;
  snprintf(ingest->commit.result.sop_instance_uid, sizeof ingest->commit.result.sop_instance_uid, "%s",
           manifest->sop_instance_uid);
  ingest->commit.result.defect = summary->defect == DICOM_DEFECT_NONE ? NULL : dicom_defect_text(summary->defect);
  ingest->commit.result.defect_offset = summary->defect_offset;
  hash_header_text(ingest, summary->data_set_offset);
  if (!ingest->may_not_reject) STATUS_TRY(look_for_rejection(ingest, error));
  STATUS_TRY(hand_over_chunk(ingest));
  return hand_over_header(ingest, cas_attributes_text(summary->attributes, CAS_TAG_SERIES_INSTANCE_UID));
}

static cas_status commit(struct cas_ingest *ingest, bool caller_waits, cas_ingest_done_fn done, void *arg,
                         struct cas_error *error) {
  ingest->caller_waits = caller_waits;
  cas_status status = end(ingest, error);
  if (status != CAS_OK) {
    cas_ingest_abort(ingest);
    return status;
  }
  ingest->commit.done = committed;
  ingest->done = done;
  ingest->done_arg = arg;
  unsettle_one(ingest, caller_waits);
  return CAS_OK;
}

cas_status cas_ingest_commit_async(struct cas_ingest *ingest, cas_ingest_done_fn done, void *arg,
                                   struct cas_error *error) {
  return commit(ingest, false, done, arg, error);
}

cas_status ingest_commit_here(struct cas_ingest *ingest, cas_ingest_done_fn done, void *arg, struct cas_error *error) {
  return commit(ingest, true, done, arg, error);
}
