/*
 * Owns the bytes of snapshots: the payload of the record, the fact in the index.
 */
#include "store/snapshot_record.h"

#include <stdio.h>

#include "base/status.h"
#include "store/store.h"
#include "store/timeline.h"

#define SNAPSHOT_FORMAT 1
#define FIXED_BYTES 41 /* up to the name */
enum { ACTION_MAKE = 1, ACTION_REMOVE = 2 };

static bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool snapshot_name_is_valid(const char *name) {
  size_t size = strnlen(name, CAS_SNAPSHOT_NAME_MAX + 1);
  if (size == 0 || size > CAS_SNAPSHOT_NAME_MAX || name[0] == '.' || name[0] == '-') return false;
  for (size_t i = 0; i < size; i++)
    if (!is_name_byte(name[i])) return false;
  return strcmp(name, "latest") != 0;
}

void snapshot_encode(const struct snapshot_record *snapshot, struct record *record,
                     uint8_t bytes[SNAPSHOT_PAYLOAD_BYTES_MAX], size_t *size) {
  size_t name_size = strlen(snapshot->name);
  memset(bytes, 0, FIXED_BYTES);
  bytes[0] = SNAPSHOT_FORMAT;
  bytes[1] = snapshot->removes ? ACTION_REMOVE : ACTION_MAKE;
  store_u64(bytes + 8, (uint64_t)snapshot->created_ns);
  store_u64(bytes + 16, snapshot->instances);
  store_u64(bytes + 24, snapshot->bytes);
  store_u64(bytes + 32, (uint64_t)snapshot->last_arrival_ns);
  bytes[40] = (uint8_t)name_size;
  memcpy(bytes + FIXED_BYTES, snapshot->name, name_size);
  *size = FIXED_BYTES + name_size;
  *record = (struct record){.kind = RECORD_SNAPSHOT, .codec = CODEC_RAW, .raw_size = *size, .stored_size = *size};
  store_hash_xxh3(slice_of(bytes, *size), &record->id.hash);
}

bool snapshot_decode(struct cas_slice payload, struct snapshot_record *snapshot) {
  struct snapshot_record decoded = {0};
  const uint8_t *bytes = payload.data;
  if (payload.size < FIXED_BYTES || bytes[0] != SNAPSHOT_FORMAT) return false;
  if (bytes[1] != ACTION_MAKE && bytes[1] != ACTION_REMOVE) return false;
  if (bytes[40] > CAS_SNAPSHOT_NAME_MAX || payload.size != FIXED_BYTES + (size_t)bytes[40]) return false;
  decoded.removes = bytes[1] == ACTION_REMOVE;
  decoded.created_ns = (int64_t)load_u64(bytes + 8);
  decoded.instances = load_u64(bytes + 16);
  decoded.bytes = load_u64(bytes + 24);
  decoded.last_arrival_ns = (int64_t)load_u64(bytes + 32);
  memcpy(decoded.name, bytes + FIXED_BYTES, bytes[40]);
  if (strlen(decoded.name) != bytes[40] || !snapshot_name_is_valid(decoded.name)) return false;
  *snapshot = decoded;
  return true;
}

void snapshot_fact_name(const char *name, char fact[SNAPSHOT_FACT_NAME_BYTES]) {
  snprintf(fact, SNAPSHOT_FACT_NAME_BYTES, "%s%s", SNAPSHOT_FACT_PREFIX, name);
}

cas_status snapshot_apply(struct index_batch *batch, uint64_t group, const struct snapshot_record *snapshot,
                          struct cas_error *error) {
  char fact[SNAPSHOT_FACT_NAME_BYTES];
  uint8_t value[8 + SNAPSHOT_PAYLOAD_BYTES_MAX];
  struct record record;
  size_t size;
  STATUS_TRY(timeline_note(batch, group, snapshot->created_ns, error));
  snapshot_fact_name(snapshot->name, fact);
  if (snapshot->removes) {
    index_batch_delete_fact(batch, fact);
    return CAS_OK;
  }
  store_u64(value, group - 1);
  snapshot_encode(snapshot, &record, value + 8, &size);
  return index_batch_put_fact(batch, fact, slice_of(value, 8 + size), error);
}

bool snapshot_decode_fact(struct cas_slice value, uint64_t *group, struct snapshot_record *snapshot) {
  if (value.size < 8 || !snapshot_decode(slice_of(value.data + 8, value.size - 8), snapshot)) return false;
  *group = load_u64(value.data);
  return true;
}
