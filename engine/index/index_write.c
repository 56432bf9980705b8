/* Owns how the changes of a batch become one write of RocksDB's. */
#include "base/status.h"
#include "index/index_db.h"

static int compare_changes(const void *a, const void *b, void *arg) {
  const struct index_changes *changes = arg;
  return slice_compare(index_change_key(changes, &changes->changes[*(const uint32_t *)a]),
                       index_change_key(changes, &changes->changes[*(const uint32_t *)b]));
}

/* The changes in the order of their keys, so that RocksDB finds the place of most right behind the one before. NULL
 * without memory: any order will do. The caller frees. */
static uint32_t *sort_changes(const struct index_changes *changes) {
  uint32_t *order = malloc((changes->count + 1) * sizeof *order);
  if (order == NULL) return NULL;
  for (size_t i = 0; i < changes->count; i++) order[i] = (uint32_t)i;
  qsort_r(order, changes->count, sizeof *order, compare_changes, (void *)(uintptr_t)changes);
  return order;
}

static rocksdb_writebatch_t *make_writes(const struct index_changes *changes) {
  rocksdb_writebatch_t *writes = rocksdb_writebatch_create();
  CLEANUP_FREE uint32_t *order = sort_changes(changes);
  for (size_t i = 0; i < changes->count; i++) {
    const struct index_change *change = &changes->changes[order != NULL ? order[i] : i];
    struct cas_slice key = index_change_key(changes, change), value = index_change_value(changes, change);
    if (change->deletes && change->absent) continue;
    if (change->deletes)
      rocksdb_writebatch_delete(writes, (const char *)key.data, key.size);
    else
      rocksdb_writebatch_put(writes, (const char *)key.data, key.size, (const char *)value.data, value.size);
  }
  return writes;
}

cas_status index_batch_write(void *arg, const struct index_changes *changes, struct cas_error *error) {
  struct index *index = arg;
  char *message = NULL;
  rocksdb_writebatch_t *writes = make_writes(changes);
  rocksdb_write(index->db->rocks, index->write, writes, &message);
  rocksdb_writebatch_destroy(writes);
  return index_db_fail(error, index, "cannot write", message);
}
