/* What an index holds, key by key, to compare two of them. Include cmocka before. */
#ifndef TESTS_INDEX_INDEX_DUMP_H
#define TESTS_INDEX_INDEX_DUMP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <rocksdb/c.h>

#include "base/bytes.h"

static inline void append(struct cas_buffer *dump, const char *bytes, size_t size) {
  uint8_t length[8];
  store_u64(length, size);
  assert_int_equal(cas_buffer_append(dump, slice_of(length, sizeof length)), CAS_OK);
  assert_int_equal(cas_buffer_append(dump, slice_of(bytes, size)), CAS_OK);
}

/* Every key and value of the index in this folder of the store, or of those keys that `is_wanted` takes. */
static inline struct cas_buffer dump_index(const char *store_path, const char *folder,
                                           bool (*is_wanted)(const char *key, size_t size)) {
  struct cas_buffer dump = {0};
  char path[128], *message = NULL;
  snprintf(path, sizeof path, "%s/%s", store_path, folder);
  rocksdb_options_t *options = rocksdb_options_create();
  rocksdb_t *rocks = rocksdb_open_for_read_only(options, path, 0, &message);
  assert_null(message);
  rocksdb_readoptions_t *reading = rocksdb_readoptions_create();
  rocksdb_iterator_t *iterator = rocksdb_create_iterator(rocks, reading);
  for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
    size_t key_size, size;
    const char *key = rocksdb_iter_key(iterator, &key_size), *value = rocksdb_iter_value(iterator, &size);
    if (is_wanted != NULL && !is_wanted(key, key_size)) continue;
    append(&dump, key, key_size);
    append(&dump, value, size);
  }
  rocksdb_iter_destroy(iterator);
  rocksdb_readoptions_destroy(reading);
  rocksdb_close(rocks);
  rocksdb_options_destroy(options);
  return dump;
}

#endif
