/*
 * Owns a hash table in front of an array of changes.
 *
 *  1. A key is in the array once.
 *  2. All keys of one UID have the same hash, so they stand in one run of slots and are found without a walk over all.
 *  3. There is always an empty slot: a search ends.
 */
#include "index/index_changes.h"

#include "base/status.h"

static const size_t slot_count_min = 1024;

void index_changes_fini(struct index_changes *changes) {
  cas_buffer_fini(&changes->bytes);
  free(changes->changes);
  free(changes->slots);
  *changes = (struct index_changes){0};
}

void index_changes_clear(struct index_changes *changes) {
  changes->bytes.size = 0;
  changes->count = 0;
  changes->incomplete = false;
  if (changes->slot_count > 0) memset(changes->slots, 0, changes->slot_count * sizeof *changes->slots);
}

/* Invariant 2: of a UID's key, what index_key_uid_prefix makes. */
static size_t hashed_size(struct cas_slice key) {
  if (key.size < 3 || key.data[0] != INDEX_KIND_UID) return key.size;
  const uint8_t *end = memchr(key.data + 2, 0, key.size - 2);
  return end == NULL ? key.size : (size_t)(end + 1 - key.data);
}

/* FNV-1a over eight bytes at a time, with the upper half mixed in, since slots are taken from the lower. */
uint64_t index_changes_hash(struct cas_slice key) {
  const uint64_t prime = 0x100000001b3;
  uint64_t hash = 0xcbf29ce484222325;
  size_t size = hashed_size(key), at = 0;
  for (; size - at >= 8; at += 8) {
    hash = (hash ^ load_u64(key.data + at)) * prime;
    hash ^= hash >> 32;
  }
  for (; at < size; at++) hash = (hash ^ key.data[at]) * prime;
  return hash ^ hash >> 29;
}

static size_t slot_of(const struct index_changes *changes, uint64_t hash) {
  return (size_t)hash & (changes->slot_count - 1);
}

/* The slot that has the key, or the empty one where it would stand. There must be slots. */
static size_t find_slot(const struct index_changes *changes, struct cas_slice key, uint64_t hash) {
  size_t slot = slot_of(changes, hash);
  for (; changes->slots[slot] != 0; slot = (slot + 1) & (changes->slot_count - 1)) {
    const struct index_change *change = &changes->changes[changes->slots[slot] - 1];
    if (change->hash == hash && slice_equal(index_change_key(changes, change), key)) break;
  }
  return slot;
}

const struct index_change *index_changes_find(const struct index_changes *changes, struct cas_slice key) {
  if (changes->slot_count == 0) return NULL;
  size_t slot = find_slot(changes, key, index_changes_hash(key));
  return changes->slots[slot] == 0 ? NULL : &changes->changes[changes->slots[slot] - 1];
}

cas_status index_changes_find_uid(const struct index_changes *changes, const struct index_key *prefix,
                                  index_change_fn each, void *arg) {
  struct cas_slice begin = index_key_slice(prefix);
  uint64_t hash = index_changes_hash(begin);
  if (changes->incomplete) return CAS_NO_MEMORY;
  if (changes->slot_count == 0) return CAS_OK;
  for (size_t slot = slot_of(changes, hash); changes->slots[slot] != 0; slot = (slot + 1) & (changes->slot_count - 1)) {
    const struct index_change *change = &changes->changes[changes->slots[slot] - 1];
    if (change->hash == hash && slice_begins_with(index_change_key(changes, change), begin))
      STATUS_TRY(each(arg, change));
  }
  return CAS_OK;
}

/* --- changing --- */

static cas_status grow_slots(struct index_changes *changes) {
  size_t slot_count = changes->slot_count == 0 ? slot_count_min : changes->slot_count * 2;
  uint32_t *slots = calloc(slot_count, sizeof *slots);
  if (slots == NULL) return CAS_NO_MEMORY;
  free(changes->slots);
  changes->slots = slots;
  changes->slot_count = slot_count;
  for (size_t i = 0; i < changes->count; i++) {
    size_t slot = slot_of(changes, changes->changes[i].hash);
    while (slots[slot] != 0) slot = (slot + 1) & (slot_count - 1);
    slots[slot] = (uint32_t)(i + 1);
  }
  return CAS_OK;
}

static cas_status make_room(struct index_changes *changes) {
  if (changes->count == UINT32_MAX - 1) return CAS_NO_MEMORY;
  if ((changes->count + 1) * 2 >= changes->slot_count) STATUS_TRY(grow_slots(changes));
  if (changes->count < changes->capacity) return CAS_OK;
  size_t capacity = changes->slot_count / 2;
  struct index_change *grown = reallocarray(changes->changes, capacity, sizeof *grown);
  if (grown == NULL) return CAS_NO_MEMORY;
  changes->changes = grown;
  changes->capacity = capacity;
  return CAS_OK;
}

/* Appends and says where. */
static cas_status append(struct index_changes *changes, struct cas_slice bytes, size_t *at) {
  size_t begin = changes->bytes.size;
  STATUS_TRY(cas_buffer_append(&changes->bytes, bytes));
  *at = begin;
  return CAS_OK;
}

static cas_status set_value(struct index_changes *changes, struct index_change *change, struct cas_slice value) {
  if (value.size > change->value_room) {
    STATUS_TRY(append(changes, value, &change->value_at));
    change->value_room = value.size;
  } else if (value.size > 0) {
    memcpy(changes->bytes.data + change->value_at, value.data, value.size);
  }
  change->value_size = value.size;
  return CAS_OK;
}

static cas_status add(struct index_changes *changes, size_t slot, struct index_change change, struct cas_slice key,
                      struct cas_slice value) {
  STATUS_TRY(append(changes, key, &change.key_at));
  STATUS_TRY(set_value(changes, &change, value));
  changes->changes[changes->count++] = change;
  changes->slots[slot] = (uint32_t)changes->count;
  return CAS_OK;
}

static cas_status set(struct index_changes *changes, struct cas_slice key, struct cas_slice value, bool deletes) {
  STATUS_TRY(make_room(changes));
  uint64_t hash = index_changes_hash(key);
  size_t slot = find_slot(changes, key, hash);
  if (changes->slots[slot] != 0) {
    struct index_change *change = &changes->changes[changes->slots[slot] - 1];
    STATUS_TRY(set_value(changes, change, value));
    change->deletes = deletes;
    return CAS_OK;
  }
  struct index_change change = {.hash = hash, .key_size = key.size, .deletes = deletes};
  return add(changes, slot, change, key, value);
}

static cas_status set_or_miss(struct index_changes *changes, const struct index_key *key, struct cas_slice value,
                              bool deletes) {
  cas_status status = set(changes, index_key_slice(key), value, deletes);
  if (status != CAS_OK) changes->incomplete = true;
  return status;
}

cas_status index_changes_put(struct index_changes *changes, const struct index_key *key, struct cas_slice value) {
  return set_or_miss(changes, key, value, false);
}

cas_status index_changes_delete(struct index_changes *changes, const struct index_key *key) {
  return set_or_miss(changes, key, slice_of("", 0), true);
}

void index_changes_note_absent(struct index_changes *changes, const struct index_key *key) {
  struct cas_slice bytes = index_key_slice(key);
  if (make_room(changes) != CAS_OK) return;
  struct index_change change = {
      .hash = index_changes_hash(bytes), .key_size = bytes.size, .deletes = true, .absent = true};
  size_t slot = find_slot(changes, bytes, change.hash);
  if (changes->slots[slot] == 0) (void)add(changes, slot, change, bytes, slice_of("", 0));
}
