/*
 * Owns a table with one place for each remainder of a hash. Invariant: an entry is used only where all bytes of its key
 * are the same, which are the attributes of the levels above an instance, encoded.
 */
#include "store/placement_memo.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "dicom/attribute_codec.h"

struct entry {
  struct cas_buffer key; /* empty: none */
  char path[PLACEMENT_PATH_MAX];
};

struct placement_memo {
  struct entry entries[PLACEMENT_MEMO_ENTRIES];
  struct cas_buffer asked; /* the key that was asked for last; empty: it cannot be kept */
};

cas_status placement_memo_create(struct placement_memo **memo) {
  struct placement_memo *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  *memo = created;
  return CAS_OK;
}

void placement_memo_destroy(struct placement_memo *memo) {
  if (memo == NULL) return;
  for (unsigned i = 0; i < PLACEMENT_MEMO_ENTRIES; i++) cas_buffer_fini(&memo->entries[i].key);
  cas_buffer_fini(&memo->asked);
  free(memo);
}

void placement_memo_forget(struct placement_memo *memo) {
  for (unsigned i = 0; i < PLACEMENT_MEMO_ENTRIES; i++) memo->entries[i].key.size = 0;
  memo->asked.size = 0;
}

static struct entry *entry_of(struct placement_memo *memo) {
  return &memo->entries[XXH3_64bits(memo->asked.data, memo->asked.size) % PLACEMENT_MEMO_ENTRIES];
}

const char *placement_memo_find(struct placement_memo *memo, const struct cas_attributes *attributes) {
  memo->asked.size = 0;
  cas_status status = attributes_encode_folders(attributes, &memo->asked);
  if (status != CAS_OK || memo->asked.size > PLACEMENT_MEMO_KEY_BYTES_MAX) memo->asked.size = 0;
  if (memo->asked.size == 0) return NULL;
  const struct entry *entry = entry_of(memo);
  return slice_equal(slice_of_buffer(&entry->key), slice_of_buffer(&memo->asked)) ? entry->path : NULL;
}

void placement_memo_keep(struct placement_memo *memo, const char *path) {
  if (memo->asked.size == 0) return;
  struct entry *entry = entry_of(memo);
  size_t size = strlen(path) + 1;
  entry->key.size = 0;
  if (size > sizeof entry->path || cas_buffer_append(&entry->key, slice_of_buffer(&memo->asked)) != CAS_OK) return;
  memcpy(entry->path, path, size);
}
