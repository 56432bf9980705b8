/*
 * Owns the entries: a hash table of chains and one list in order of use; and spare memory. Invariants (all under
 * `lock`):
 *  1. bytes, which has all memory of the listed entries, is at most bytes_max, but for entries that are held: those
 * leave the table when they must and die with the last holder.
 *  2. An entry is in the table exactly if it is in the list or is being decoded.
 *  3. Spare memory is at most SPARES_MAX pieces of SPARE_BYTES_MAX.
 *
 *   (claim) -> decoding -put-> listed -evict-> (freed with its last holder)
 *                       -abandon-> (freed)
 */
#include "store/read_cache.h"

#include <pthread.h>

/* A full cache of small headers has a hundred thousand entries. */
#define BUCKETS 16384u

/* Memory that is worth to be used again: below, malloc does that by itself; above, few blobs are. */
#define SPARE_BYTES_MIN (64u << 10)
#define SPARE_BYTES_MAX (4u << 20)
#define SPARES_MAX 4u

/* How many of the blobs that go first are looked at for memory that suits. */
#define RECYCLE_LOOKS 8u

struct entry {
  struct cached_blob blob; /* first: an entry is found again from its blob */
  struct blob_id id;
  size_t capacity; /* of the bytes */
  unsigned holders;
  bool decoding, listed;
  bool retired; /* read to its end since it was used */
  struct entry *chain;
  struct entry *newer, *older;
};

struct read_cache {
  pthread_mutex_t lock;
  size_t bytes_max, bytes;
  struct entry *buckets[BUCKETS];
  struct entry *newest, *oldest;
  struct cas_buffer spares[SPARES_MAX];
  size_t spare_count;
  pthread_cond_t decoded; /* a claim has ended */
};

cas_status read_cache_create(size_t bytes_max, struct read_cache **cache) {
  struct read_cache *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  pthread_mutex_init(&created->lock, NULL);
  pthread_cond_init(&created->decoded, NULL);
  created->bytes_max = bytes_max;
  *cache = created;
  return CAS_OK;
}

/* Keeps the memory where it is worth it. */
static void entry_free(struct read_cache *cache, struct entry *entry) {
  if (entry->capacity >= SPARE_BYTES_MIN && entry->capacity <= SPARE_BYTES_MAX && cache->spare_count < SPARES_MAX)
    cache->spares[cache->spare_count++] = (struct cas_buffer){.data = entry->blob.bytes, .capacity = entry->capacity};
  else
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

static void list_append(struct read_cache *cache, struct entry *entry) {
  entry->older = NULL;
  entry->newer = cache->oldest;
  *(cache->oldest != NULL ? &cache->oldest->older : &cache->newest) = entry;
  cache->oldest = entry;
}

static void chain_remove(struct read_cache *cache, struct entry *entry) {
  struct entry **link = bucket_of(cache, &entry->id);
  while (*link != entry) link = &(*link)->chain;
  *link = entry->chain;
}

/* An entry of a small header is a good part of it: a full cache of them would take half as much again. */
static size_t weight(const struct entry *entry) { return sizeof *entry + entry->capacity; }

static void evict(struct read_cache *cache, struct entry *entry) {
  chain_remove(cache, entry);
  list_remove(cache, entry);
  entry->listed = false;
  cache->bytes -= weight(entry);
  if (entry->holders == 0) entry_free(cache, entry);
}

static struct entry *find(struct read_cache *cache, const struct blob_id *id) {
  for (struct entry *entry = *bucket_of(cache, id); entry != NULL; entry = entry->chain)
    if (blob_id_equal(&entry->id, id)) return entry;
  return NULL;
}

static cas_status claim(struct read_cache *cache, const struct blob_id *id) {
  struct entry *entry = calloc(1, sizeof *entry);
  if (entry == NULL) return CAS_NO_MEMORY;
  struct entry **bucket = bucket_of(cache, id);
  *entry = (struct entry){.id = *id, .decoding = true, .chain = *bucket};
  *bucket = entry;
  return CAS_NOT_FOUND;
}

static const struct cached_blob *use(struct read_cache *cache, struct entry *entry) {
  list_remove(cache, entry);
  list_push(cache, entry);
  entry->retired = false;
  entry->holders++;
  return &entry->blob;
}

cas_status read_cache_claim(struct read_cache *cache, const struct blob_id *id, const struct cached_blob **blob) {
  struct entry *entry;
  pthread_mutex_lock(&cache->lock);
  while ((entry = find(cache, id)) != NULL && entry->decoding) pthread_cond_wait(&cache->decoded, &cache->lock);
  cas_status status = entry != NULL ? CAS_OK : claim(cache, id);
  if (entry != NULL) *blob = use(cache, entry);
  pthread_mutex_unlock(&cache->lock);
  return status;
}

const struct cached_blob *read_cache_get(struct read_cache *cache, const struct blob_id *id) {
  pthread_mutex_lock(&cache->lock);
  struct entry *entry = find(cache, id);
  const struct cached_blob *blob = entry != NULL && !entry->decoding ? use(cache, entry) : NULL;
  pthread_mutex_unlock(&cache->lock);
  return blob;
}

static bool suits(size_t capacity, size_t size) { return capacity >= size && capacity <= 2 * size; }

/* Takes a spare that suits out of the list. */
static bool take_spare(struct read_cache *cache, size_t size, struct cas_buffer *buffer) {
  for (size_t i = 0; i < cache->spare_count; i++) {
    if (!suits(cache->spares[i].capacity, size)) continue;
    *buffer = cache->spares[i];
    cache->spares[i] = cache->spares[--cache->spare_count];
    return true;
  }
  return false;
}

void read_cache_recycle(struct read_cache *cache, size_t size, struct cas_buffer *buffer) {
  if (size < SPARE_BYTES_MIN) return;
  pthread_mutex_lock(&cache->lock);
  bool taken = take_spare(cache, size, buffer);
  struct entry *entry = cache->oldest;
  for (unsigned i = 0; !taken && entry != NULL && entry->retired && i < RECYCLE_LOOKS; i++) {
    struct entry *newer = entry->newer;
    if (entry->holders == 0 && suits(entry->capacity, size)) {
      *buffer = (struct cas_buffer){.data = entry->blob.bytes, .capacity = entry->capacity};
      cache->bytes -= entry->capacity;
      entry->blob = (struct cached_blob){.bytes = NULL};
      entry->capacity = 0;
      evict(cache, entry);
      taken = true;
    }
    entry = newer;
  }
  pthread_mutex_unlock(&cache->lock);
}

const struct cached_blob *read_cache_put(struct read_cache *cache, const struct blob_id *id, struct cas_buffer *bytes) {
  pthread_mutex_lock(&cache->lock);
  struct entry *entry = find(cache, id);
  entry->blob = (struct cached_blob){.bytes = bytes->data, .size = bytes->size};
  entry->capacity = bytes->capacity;
  entry->decoding = false;
  entry->listed = true;
  entry->holders = 1;
  list_push(cache, entry);
  cache->bytes += weight(entry);
  while (cache->bytes > cache->bytes_max && cache->oldest != entry) evict(cache, cache->oldest);
  pthread_cond_broadcast(&cache->decoded);
  pthread_mutex_unlock(&cache->lock);
  *bytes = (struct cas_buffer){0};
  return &entry->blob;
}

void read_cache_abandon(struct read_cache *cache, const struct blob_id *id) {
  pthread_mutex_lock(&cache->lock);
  struct entry *entry = find(cache, id);
  chain_remove(cache, entry);
  free(entry);
  pthread_cond_broadcast(&cache->decoded);
  pthread_mutex_unlock(&cache->lock);
}

void read_cache_forget(struct read_cache *cache, const struct blob_id *id) {
  pthread_mutex_lock(&cache->lock);
  struct entry *entry = find(cache, id);
  if (entry != NULL && entry->listed) evict(cache, entry);
  pthread_mutex_unlock(&cache->lock);
}

void read_cache_forget_all(struct read_cache *cache) {
  pthread_mutex_lock(&cache->lock);
  while (cache->oldest != NULL) evict(cache, cache->oldest);
  pthread_mutex_unlock(&cache->lock);
}

static void give_back(struct read_cache *cache, const struct cached_blob *blob, bool retire) {
  if (blob == NULL) return;
  struct entry *entry = (struct entry *)(uintptr_t)blob;
  pthread_mutex_lock(&cache->lock);
  if (retire && entry->listed && entry->capacity >= SPARE_BYTES_MIN) {
    list_remove(cache, entry);
    list_append(cache, entry);
    entry->retired = true;
  }
  if (--entry->holders == 0 && !entry->listed) entry_free(cache, entry);
  pthread_mutex_unlock(&cache->lock);
}

void read_cache_unref(struct read_cache *cache, const struct cached_blob *blob) { give_back(cache, blob, false); }

void read_cache_retire(struct read_cache *cache, const struct cached_blob *blob) { give_back(cache, blob, true); }

void read_cache_destroy(struct read_cache *cache) {
  if (cache == NULL) return;
  while (cache->oldest != NULL) evict(cache, cache->oldest);
  for (size_t i = 0; i < cache->spare_count; i++) cas_buffer_fini(&cache->spares[i]);
  pthread_cond_destroy(&cache->decoded);
  pthread_mutex_destroy(&cache->lock);
  free(cache);
}
