/*
 * Owns the entries: a hash table of chains and one list in order of use. Invariants (all under `lock`):
 *  1. bytes <= bytes_max, but for entries that are held: those leave the table when they must and die with the last
 * holder.
 *  2. An entry is in the table exactly if it is in the list.
 */
#include "store/read_cache.h"

#include <pthread.h>

/* A full cache of small headers has a hundred thousand entries. */
#define BUCKETS 16384u

struct entry {
  struct cached_blob blob; /* first: an entry is found again from its blob */
  struct blob_id id;
  unsigned holders;
  bool listed;
  struct entry *chain;
  struct entry *newer, *older;
};

struct read_cache {
  pthread_mutex_t lock;
  size_t bytes_max, bytes;
  struct entry *buckets[BUCKETS];
  struct entry *newest, *oldest;
};

cas_status read_cache_create(size_t bytes_max, struct read_cache **cache) {
  struct read_cache *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  pthread_mutex_init(&created->lock, NULL);
  created->bytes_max = bytes_max;
  *cache = created;
  return CAS_OK;
}

static void entry_free(struct entry *entry) {
  free(entry->blob.bytes);
  free(entry);
}

static struct entry **bucket_of(struct read_cache *cache, const struct blob_id *id) {
  return &cache->buckets[load_u32(id->hash.bytes) % BUCKETS];
}

static void list_remove(struct read_cache *cache, struct entry *entry) {
  *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
  *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void list_push(struct read_cache *cache, struct entry *entry) {
  entry->newer = NULL;
  entry->older = cache->newest;
  *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
  cache->newest = entry;
}

static void evict(struct read_cache *cache, struct entry *entry) {
  struct entry **link = bucket_of(cache, &entry->id);
  while (*link != entry) link = &(*link)->chain;
  *link = entry->chain;
  list_remove(cache, entry);
  entry->listed = false;
  cache->bytes -= entry->blob.size;
  if (entry->holders == 0) entry_free(entry);
}

static struct entry *find(struct read_cache *cache, const struct blob_id *id) {
  for (struct entry *entry = *bucket_of(cache, id); entry != NULL; entry = entry->chain)
    if (blob_id_equal(&entry->id, id)) return entry;
  return NULL;
}

static void touch(struct read_cache *cache, struct entry *entry) {
  list_remove(cache, entry);
  list_push(cache, entry);
  entry->holders++;
}

const struct cached_blob *read_cache_get(struct read_cache *cache, const struct blob_id *id) {
  pthread_mutex_lock(&cache->lock);
  struct entry *entry = find(cache, id);
  if (entry != NULL) touch(cache, entry);
  pthread_mutex_unlock(&cache->lock);
  return entry != NULL ? &entry->blob : NULL;
}

static void insert(struct read_cache *cache, struct entry *entry) {
  struct entry **bucket = bucket_of(cache, &entry->id);
  entry->chain = *bucket;
  *bucket = entry;
  list_push(cache, entry);
  entry->listed = true;
  cache->bytes += entry->blob.size;
  while (cache->bytes > cache->bytes_max && cache->oldest != entry) evict(cache, cache->oldest);
}

const struct cached_blob *read_cache_put(struct read_cache *cache, const struct blob_id *id, uint8_t *bytes,
                                         size_t size) {
  struct entry *entry = calloc(1, sizeof *entry);
  if (entry == NULL) {
    free(bytes);
    return NULL;
  }
  *entry = (struct entry){.blob = {.bytes = bytes, .size = size}, .id = *id, .holders = 1};
  pthread_mutex_lock(&cache->lock);
  struct entry *present = find(cache, id);
  if (present != NULL)
    touch(cache, present);
  else
    insert(cache, entry);
  pthread_mutex_unlock(&cache->lock);
  if (present == NULL) return &entry->blob;
  entry_free(entry);
  return &present->blob;
}

void read_cache_unref(struct read_cache *cache, const struct cached_blob *blob) {
  if (blob == NULL) return;
  struct entry *entry = (struct entry *)(uintptr_t)blob;
  pthread_mutex_lock(&cache->lock);
  bool last = --entry->holders == 0 && !entry->listed;
  pthread_mutex_unlock(&cache->lock);
  if (last) entry_free(entry);
}

void read_cache_destroy(struct read_cache *cache) {
  if (cache == NULL) return;
  while (cache->oldest != NULL) evict(cache, cache->oldest);
  pthread_mutex_destroy(&cache->lock);
  free(cache);
}
