/*
 * The changes of a batch that is not applied yet: for each key its new value or its deletion, the last one only. A
 * series' node that changes with each of its instances is written once a batch, and the batch reads its own writes.
 * What the database was seen not to have is kept as well, so that it is asked once.
 *
 * Not safe for threads. Memory grows with the changes; the store bounds a batch by the bytes of a group.
 */
#ifndef INDEX_INDEX_CHANGES_H
#define INDEX_INDEX_CHANGES_H

#include <stdbool.h>

#include "index/index_keys.h"

struct index_change {
  uint64_t hash;
  size_t key_at, key_size; /* in `bytes` */
  size_t value_at, value_size, value_room;
  bool deletes; /* there is no value */
  bool absent;  /* nor is there one in the database: a deletion need not be written */
};

struct index_changes {
  struct cas_buffer bytes; /* keys and values */
  struct index_change *changes;
  size_t count, capacity;
  uint32_t *slots;   /* number of a change plus one, or 0; open addressing, linear */
  size_t slot_count; /* a power of two, more than twice `count`; or 0 */
  bool incomplete;   /* a change is missing, for want of memory: nothing may follow from what is here */
};

void index_changes_fini(struct index_changes *changes);

/* Forgets all changes, also that one is missing, and keeps the memory. */
void index_changes_clear(struct index_changes *changes);

/* Sets the value of a key, or deletes it. CAS_NO_MEMORY: the changes are incomplete from then on. */
CAS_MUST_USE cas_status index_changes_put(struct index_changes *changes, const struct index_key *key,
                                          struct cas_slice value);
CAS_MUST_USE cas_status index_changes_delete(struct index_changes *changes, const struct index_key *key);

/* Remembers that the database has no such key, where the key is not changed. It is no harm if there is no memory. */
void index_changes_note_absent(struct index_changes *changes, const struct index_key *key);

/* The hash by which keys are told apart. All keys of one UID have that of what index_key_uid_prefix makes. */
uint64_t index_changes_hash(struct cas_slice key);

/* The change of a key, or NULL. Valid until the next change. */
const struct index_change *index_changes_find(const struct index_changes *changes, struct cas_slice key);

/* Calls `each` for every change whose key begins with what index_key_uid_prefix made, in no order. CAS_NO_MEMORY: the
 * changes are incomplete. */
typedef cas_status (*index_change_fn)(void *arg, const struct index_change *change);
CAS_MUST_USE cas_status index_changes_find_uid(const struct index_changes *changes, const struct index_key *prefix,
                                               index_change_fn each, void *arg);

static inline struct cas_slice index_change_key(const struct index_changes *changes,
                                                const struct index_change *change) {
  return slice_of(changes->bytes.data + change->key_at, change->key_size);
}

static inline struct cas_slice index_change_value(const struct index_changes *changes,
                                                  const struct index_change *change) {
  return slice_of(changes->bytes.data + change->value_at, change->value_size);
}

#endif
