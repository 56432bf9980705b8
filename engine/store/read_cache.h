/*
 * Decoded blobs, kept for readers within a bound of memory, the least recently used going first. The memory of
 * large ones is used again.
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

/*
 * The blob, held; give it back with read_cache_unref or read_cache_retire. CAS_NOT_FOUND: the blob is the caller's to
 * decode, who ends that with read_cache_put or read_cache_abandon; whoever asks for it meanwhile waits, so that readers
 * of one blob decode it once. CAS_NO_MEMORY.
 */
CAS_MUST_USE cas_status read_cache_claim(struct read_cache *cache, const struct blob_id *id,
                                         const struct cached_blob **blob);

/* The same without a claim: NULL where the blob is not there or is still being decoded. */
const struct cached_blob *read_cache_get(struct read_cache *cache, const struct blob_id *id);

/* Gives an empty buffer memory for `size` bytes that another blob has had, where there is some that suits: fresh memory
 * costs as much as decoding. */
void read_cache_recycle(struct read_cache *cache, size_t size, struct cas_buffer *buffer);

/* Ends a claim: takes the bytes in as the blob's, and returns it held. */
const struct cached_blob *read_cache_put(struct read_cache *cache, const struct blob_id *id, struct cas_buffer *bytes);

/* Forgets a blob that is not in the store any more, or all; who holds one keeps it. */
void read_cache_forget(struct read_cache *cache, const struct blob_id *id);
void read_cache_forget_all(struct read_cache *cache);

/* Ends a claim without a blob: who waits for it may try. */
void read_cache_abandon(struct read_cache *cache, const struct blob_id *id);

void read_cache_unref(struct read_cache *cache, const struct cached_blob *blob);

/* The same for a blob that was read to its end: its memory is the next to be used again. */
void read_cache_retire(struct read_cache *cache, const struct cached_blob *blob);

#endif
