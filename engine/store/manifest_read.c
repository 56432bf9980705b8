#include "store/manifest_read.h"

#include "base/limits.h"

#define MANIFEST_EFFORT 3

cas_status manifest_encode_record(struct cas_store *store, const struct manifest *manifest, struct record *record,
                                  struct cas_buffer *payload) {
  CLEANUP_BUFFER struct cas_buffer raw = {0};
  enum codec_id codec;
  STATUS_TRY(manifest_encode(manifest, &raw));
  if (raw.size > MANIFEST_BYTES_MAX) return CAS_REFUSED;
  *record = (struct record){.kind = RECORD_MANIFEST, .raw_size = raw.size};
  store_hash_xxh3(slice_of_buffer(&raw), &record->id.hash);
  STATUS_TRY(codec_encode_bytes(store->codec, slice_of_buffer(&raw), MANIFEST_EFFORT, payload, &codec));
  if (codec == CODEC_RAW) STATUS_TRY(cas_buffer_append(payload, slice_of_buffer(&raw)));
  record->codec = (uint8_t)codec;
  record->stored_size = payload->size;
  return CAS_OK;
}

cas_status manifest_decode_record(struct cas_store *store, const struct record *record, struct cas_slice payload,
                                  struct manifest *manifest) {
  CLEANUP_BUFFER struct cas_buffer raw = {0};
  struct cas_hash hash;
  if (record->kind != RECORD_MANIFEST || record->raw_size > MANIFEST_BYTES_MAX) return CAS_CORRUPT;
  STATUS_TRY(cas_buffer_reserve(&raw, record->raw_size + 1));
  STATUS_TRY(codec_decode(store->codec, record->codec, payload, slice_of(NULL, 0), raw.data, record->raw_size));
  store_hash_xxh3(slice_of(raw.data, record->raw_size), &hash);
  if (!hash_equal(&hash, &record->id.hash)) return CAS_CORRUPT;
  return manifest_decode(slice_of(raw.data, record->raw_size), manifest);
}

cas_status manifest_read_at(struct cas_store *store, struct record_cookie cookie, struct manifest *manifest,
                            struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer payload = {0};
  struct record record;
  cas_status status = segment_read(store->volume, &store->superblock.key, cookie, &record, &payload, error);
  STATUS_TRY(status);
  status = manifest_decode_record(store, &record, slice_of_buffer(&payload), manifest);
  if (status == CAS_CORRUPT) {
    char name[33];
    cas_hash_format(&record.id.hash, name);
    return status_fail(error, CAS_CORRUPT, "manifest %s cannot be decoded", name);
  }
  return status;
}

cas_status manifest_read(struct cas_store *store, struct record_cookie cookie, struct manifest *manifest,
                         struct cas_error *error) {
  cas_status status = manifest_read_at(store, cookie, manifest, error);
  if (status != CAS_NOT_FOUND) return status;
  return status_fail(error, CAS_CORRUPT, "the segment of a manifest is missing");
}
