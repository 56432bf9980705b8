/*
 * Decoded blobs, kept for readers within a bound of bytes, the least recently used going first.
 *
 * Threads: any. A cached blob is immutable and counted: hold it as long as its bytes are needed.
 */
#ifndef STORE_READ_CACHE_H
#define STORE_READ_CACHE_H

#include <stdbool.h>

#include "base/ids.h"

struct read_cache;

/* Verified raw bytes of a blob. */
struct cached_blob {
  uint8_t *bytes;
  size_t size;
};

CAS_MUST_USE cas_status read_cache_create(size_t bytes_max, struct read_cache **cache);
void read_cache_destroy(struct read_cache *cache);

/* The blob, or NULL. Give it back with read_cache_unref. */
const struct cached_blob *read_cache_get(struct read_cache *cache, const struct blob_id *id);

/* Takes `bytes` (malloc'ed) in as the blob's, and returns it held. Where another thread was faster, its copy is
 * returned and `bytes` freed. NULL when out of memory; `bytes` is freed then too. */
const struct cached_blob *read_cache_put(struct read_cache *cache, const struct blob_id *id, uint8_t *bytes,
                                         size_t size);

void read_cache_unref(struct read_cache *cache, const struct cached_blob *blob);

#endif
