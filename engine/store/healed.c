/*
 * Owns a list of blobs: first those that were found, then, sorted now and then to be without doubles, those that were
 * noted in the replay that is under way.
 */
#include "store/healed.h"

#include "base/limits.h"
#include "segment/segment.h"
#include "store/blob_read.h"
#include "store/ledger.h"

struct healed_blob {
  struct blob_id id;
  struct index_blob place;                         /* where it was when it was missed, or all zero; then the good one */
  uint8_t dictionary[CODEC_DICTIONARY_NAME_BYTES]; /* of a good one that needs one */
};

struct healed {
  struct cas_store *store;
  struct healed_blob *blobs; /* owned */
  size_t found, count, capacity;
};

cas_status healed_create(struct cas_store *store, struct healed **healed) {
  *healed = calloc(1, sizeof **healed);
  if (*healed == NULL) return CAS_NO_MEMORY;
  (*healed)->store = store;
  return CAS_OK;
}

void healed_destroy(struct healed *healed) {
  if (healed == NULL) return;
  free(healed->blobs);
  free(healed);
}

size_t healed_count(const struct healed *healed) { return healed->found; }

/* --- noting --- */

static int compare_ids(const void *a, const void *b) {
  const struct healed_blob *x = a, *y = b;
  int order = memcmp(x->id.hash.bytes, y->id.hash.bytes, sizeof x->id.hash.bytes);
  return order != 0 ? order : (int)x->id.ordinal - (int)y->id.ordinal;
}

static void drop_doubles(struct healed *healed) {
  size_t kept = healed->found;
  if (healed->count - healed->found > 1)
    qsort(healed->blobs + healed->found, healed->count - healed->found, sizeof *healed->blobs, compare_ids);
  for (size_t i = healed->found; i < healed->count; i++)
    if (kept == healed->found || compare_ids(&healed->blobs[kept - 1], &healed->blobs[i]) != 0)
      healed->blobs[kept++] = healed->blobs[i];
  healed->count = kept;
}

static cas_status make_room(struct healed *healed) {
  if (healed->count < healed->capacity) return CAS_OK;
  drop_doubles(healed);
  if (healed->count < healed->capacity / 2) return CAS_OK;
  size_t capacity = healed->capacity == 0 ? 64 : healed->capacity * 2;
  struct healed_blob *grown = realloc(healed->blobs, capacity * sizeof *grown);
  if (grown == NULL) return CAS_NO_MEMORY;
  healed->blobs = grown;
  healed->capacity = capacity;
  return CAS_OK;
}

static cas_status note(struct healed *healed, const struct blob_id *id, const struct index_blob *place) {
  if (healed->count > healed->found && blob_id_equal(&healed->blobs[healed->count - 1].id, id)) return CAS_OK;
  STATUS_TRY(make_room(healed));
  if (healed->count >= HEALED_BLOBS_MAX) return CAS_OK;
  healed->blobs[healed->count++] = (struct healed_blob){.id = *id, .place = *place};
  return CAS_OK;
}

/* Whether a blob can be read at this point; where not, notes it, or the dictionary that it lacks. */
static cas_status check(struct healed *healed, struct index_batch *batch, const struct blob_id *id, bool *good,
                        struct cas_error *error) {
  struct cas_store *store = healed->store;
  const struct cached_blob *bytes = NULL;
  cas_status status = blob_read(store, batch, id, &bytes, NULL);
  read_cache_unref(store->read_cache, bytes);
  *good = status == CAS_OK;
  if (status != CAS_CORRUPT && status != CAS_IO) return status;
  CLEANUP_BUFFER struct cas_buffer payload = {0};
  struct index_blob place = {0};
  struct record record;
  struct blob_id dictionary;
  status = ledger_find_blob(NULL, batch, id, &place, error);
  if (status == CAS_NOT_FOUND) return note(healed, id, &place);
  STATUS_TRY(status);
  status = segment_read(store->volume, &store->superblock.key, place.cookie, &record, &payload, NULL);
  if (status_is_scarcity(status)) return status;
  bool needs_dictionary = status == CAS_OK && record.codec == CODEC_ZSTD_DICTIONARY &&
                          codec_dictionary_of(slice_of_buffer(&payload), &dictionary) == CAS_OK;
  if (!needs_dictionary) return note(healed, id, &place);
  bool dictionary_good;
  return check(healed, batch, &dictionary, &dictionary_good, error); /* which has none itself */
}

cas_status healed_note(struct healed *healed, struct index_batch *batch, const struct manifest *manifest,
                       struct cas_error *error) {
  bool good = true;
  for (size_t i = 0; i < manifest->piece_count && good; i++)
    STATUS_TRY(check(healed, batch, &manifest->blobs[manifest->pieces[i].blob].id, &good, error));
  return CAS_OK;
}

/* --- finding --- */

/* Whether there is a good copy elsewhere than where the blob was missed. */
static cas_status find(struct healed *healed, struct healed_blob *blob, bool *found, struct cas_error *error) {
  struct cas_store *store = healed->store;
  CLEANUP_BUFFER struct cas_buffer payload = {0};
  struct index_blob place;
  struct record record;
  *found = false;
  cas_status status = ledger_find_blob(store->index, NULL, &blob->id, &place, error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  STATUS_TRY(status);
  if (memcmp(place.cookie.bytes, blob->place.cookie.bytes, sizeof place.cookie.bytes) == 0) return CAS_OK;
  status = segment_read(store->volume, &store->superblock.key, place.cookie, &record, &payload, error);
  if (status == CAS_CORRUPT || status == CAS_IO || status == CAS_NOT_FOUND) return CAS_OK;
  STATUS_TRY(status);
  blob->place = place;
  if (place.codec == CODEC_ZSTD_DICTIONARY && payload.size >= sizeof blob->dictionary)
    memcpy(blob->dictionary, payload.data, sizeof blob->dictionary);
  *found = true;
  return CAS_OK;
}

cas_status healed_find(struct healed *healed, bool *more, struct cas_error *error) {
  drop_doubles(healed);
  size_t first = healed->found, noted = healed->count;
  if (noted > first) STATUS_TRY(index_flush(healed->store->index, error)); /* which finds what was applied last */
  for (size_t i = first; i < noted; i++) {
    bool found;
    struct healed_blob blob = healed->blobs[i];
    STATUS_TRY(find(healed, &blob, &found, error));
    if (found) healed->blobs[healed->found++] = blob;
  }
  healed->count = healed->found;
  *more = healed->found > first;
  return CAS_OK;
}

/* --- beginning with it --- */

static cas_status put(const struct healed_blob *blob, struct index_batch *batch, struct cas_error *error) {
  uint64_t segment = record_cookie_segment(blob->place.cookie);
  struct index_blob place = blob->place;
  place.users = 0;
  STATUS_TRY(ledger_note_generation(batch, segment, error));
  return ledger_put_blob(batch, &blob->id, &place, slice_of(blob->dictionary, sizeof blob->dictionary), error);
}

cas_status healed_put(const struct healed *healed, struct index_batch *batch, struct cas_error *error) {
  for (size_t i = 0; i < healed->found; i++) STATUS_TRY(put(&healed->blobs[i], batch, error));
  return CAS_OK;
}
