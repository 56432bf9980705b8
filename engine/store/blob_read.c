#include "store/blob_read.h"

#include "base/limits.h"
#include "store/ledger.h"

static cas_status corrupt(const struct blob_id *id, const char *why, struct cas_error *error) {
  char name[33];
  cas_hash_format(&id->hash, name);
  return status_fail(error, CAS_CORRUPT, "blob %s: %s", name, why);
}

static cas_status find(struct cas_store *store, struct index_batch *batch, const struct blob_id *id,
                       struct index_blob *place, struct cas_error *error) {
  cas_status status = ledger_find_blob(store->index, batch, id, place, error);
  return status == CAS_NOT_FOUND ? corrupt(id, "it is not in the store", error) : status;
}

/* The dictionary that a payload names; a dictionary has none itself, which ends the recursion. */
static cas_status read_dictionary(struct cas_store *store, struct index_batch *batch, struct cas_slice payload,
                                  const struct cached_blob **dictionary, struct cas_error *error) {
  struct blob_id id;
  struct index_blob place;
  STATUS_TRY(codec_dictionary_of(payload, &id));
  STATUS_TRY(find(store, batch, &id, &place, error));
  if (place.codec == CODEC_ZSTD_DICTIONARY) return corrupt(&id, "a dictionary must not need another", error);
  return blob_read(store, batch, &id, dictionary, error);
}

static cas_status decode(struct cas_store *store, struct index_batch *batch, const struct record *record,
                         struct cas_slice payload, struct cas_buffer *raw, struct cas_error *error) {
  const struct cached_blob *dictionary = NULL;
  struct cas_slice dictionary_bytes = {0};
  if (record->codec == CODEC_ZSTD_DICTIONARY) {
    STATUS_TRY(read_dictionary(store, batch, payload, &dictionary, error));
    dictionary_bytes = slice_of(dictionary->bytes, dictionary->size);
  }
  raw->size = 0;
  cas_status status = cas_buffer_reserve(raw, record->raw_size > 0 ? record->raw_size : 1);
  if (status == CAS_OK)
    status = codec_decode(store->codec, record->codec, payload, dictionary_bytes, raw->data, record->raw_size);
  if (status == CAS_OK) raw->size = record->raw_size;
  read_cache_unref(store->read_cache, dictionary);
  return status;
}

cas_status blob_read_at(struct cas_store *store, struct index_batch *batch, const struct blob_id *id,
                        const struct index_blob *place, struct cas_buffer *raw, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer payload = {0};
  struct record record;
  cas_status status = segment_read(store->volume, &store->superblock.key, place->cookie, &record, &payload, error);
  STATUS_TRY(status);
  if (record.kind != RECORD_BLOB || !blob_id_equal(&record.id, id) || record.raw_size > BLOB_BYTES_MAX)
    return corrupt(id, "another record lies in its place", error);
  status = decode(store, batch, &record, slice_of_buffer(&payload), raw, error);
  if (status == CAS_CORRUPT) return corrupt(id, "its payload cannot be decoded", error);
  STATUS_TRY(status);
  struct cas_hash hash;
  store->hash(slice_of_buffer(raw), &hash);
  return hash_equal(&hash, &id->hash) ? CAS_OK : corrupt(id, "its bytes do not match its name", error);
}

/* Looks again where a blob lies whose segment is not there: it may have been written anew. */
static bool place_changed(struct cas_store *store, struct index_batch *batch, const struct blob_id *id,
                          const struct index_blob *before, struct index_blob *place) {
  if (index_refresh(store->index, NULL) != CAS_OK) return true; /* it has no whole view: try again */
  return ledger_find_blob(store->index, batch, id, place, NULL) == CAS_OK &&
         memcmp(before->cookie.bytes, place->cookie.bytes, sizeof place->cookie.bytes) != 0;
}

cas_status blob_read_placed(struct cas_store *store, struct index_batch *batch, const struct blob_id *id,
                            struct index_blob *place, struct cas_buffer *raw, struct cas_error *error) {
  for (unsigned attempt = 0;; attempt++) {
    struct index_blob before = *place;
    cas_status status = blob_read_at(store, batch, id, place, raw, error);
    if (status != CAS_NOT_FOUND) return status;
    if (attempt == PLACE_ATTEMPTS_MAX || !place_changed(store, batch, id, &before, place))
      return corrupt(id, "its segment is missing", error);
  }
}

/* The caller has claimed the blob. */
static cas_status read_claimed(struct cas_store *store, struct index_batch *batch, const struct blob_id *id,
                               struct cas_buffer *raw, struct cas_error *error) {
  struct index_blob place;
  STATUS_TRY(find(store, batch, id, &place, error));
  read_cache_recycle(store->read_cache, place.raw_size, raw);
  return blob_read_placed(store, batch, id, &place, raw, error);
}

cas_status blob_read(struct cas_store *store, struct index_batch *batch, const struct blob_id *id,
                     const struct cached_blob **blob, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer raw = {0};
  cas_status status = read_cache_claim(store->read_cache, id, blob);
  if (status != CAS_NOT_FOUND) return status;
  status = read_claimed(store, batch, id, &raw, error);
  if (status == CAS_OK)
    *blob = read_cache_put(store->read_cache, id, &raw);
  else
    read_cache_abandon(store->read_cache, id);
  return status;
}
