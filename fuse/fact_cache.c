/*
 * Owns the kept facts: a slot for each remainder of the path's number, whose last path stays until another comes.
 *
 * Invariants (under `lock`)
 *  1. A slot that is not empty has all facts that its path had at `filled_ns`.
 */
#include <string.h>

#include "fuse/fact_cache.h"
#include "fuse/threads.h"

#define AGE_MAX_NS (FACT_CACHE_MS * NS_PER_MS)

void fact_cache_init(struct fact_cache *cache) {
  memset(cache, 0, sizeof *cache);
  pthread_mutex_init(&cache->lock, NULL);
}

void fact_cache_fini(struct fact_cache *cache) {
  for (size_t i = 0; i < FACT_CACHE_SLOTS; i++) cas_buffer_fini(&cache->slots[i].bytes);
  pthread_mutex_destroy(&cache->lock);
}

static cas_status append(struct cas_buffer *bytes, const char *text) {
  return cas_buffer_append(bytes, (struct cas_slice){.data = (const uint8_t *)text, .size = strlen(text) + 1});
}

static cas_status keep_fact(void *arg, const char *name, const char *value) {
  cas_status status = append(arg, name);
  return status == CAS_OK ? append(arg, value) : status;
}

/* Copies what is kept of the path to `bytes`; false where there is nothing. */
static bool find(struct fact_cache *cache, const char *path, struct cas_buffer *bytes) {
  struct fact_cache_slot *slot = &cache->slots[tree_inode(path) % FACT_CACHE_SLOTS];
  pthread_mutex_lock(&cache->lock);
  bool found = slot->bytes.size > 0 && strcmp((const char *)slot->bytes.data, path) == 0 &&
               threads_now_ns() - slot->filled_ns < AGE_MAX_NS;
  if (found)
    found = cas_buffer_append(bytes, (struct cas_slice){.data = slot->bytes.data, .size = slot->bytes.size}) == CAS_OK;
  pthread_mutex_unlock(&cache->lock);
  return found;
}

static void keep(struct fact_cache *cache, const char *path, const struct cas_buffer *bytes, int64_t filled_ns) {
  struct fact_cache_slot *slot = &cache->slots[tree_inode(path) % FACT_CACHE_SLOTS];
  pthread_mutex_lock(&cache->lock);
  slot->bytes.size = 0;
  slot->filled_ns = filled_ns;
  /* Without memory the slot stays empty. */
  (void)!cas_buffer_append(&slot->bytes, (struct cas_slice){.data = bytes->data, .size = bytes->size});
  pthread_mutex_unlock(&cache->lock);
}

static cas_status hand_on(const struct cas_buffer *bytes, const char *only, fact_fn each, void *arg) {
  const char *end = (const char *)bytes->data + bytes->size;
  const char *name = (const char *)bytes->data + strlen((const char *)bytes->data) + 1;
  cas_status status = CAS_OK;
  while (name < end && status == CAS_OK) {
    const char *value = name + strlen(name) + 1;
    if (only == NULL || strcmp(name, only) == 0) status = each(arg, name, value);
    name = value + strlen(value) + 1;
  }
  return status;
}

cas_status fact_cache_list(struct fact_cache *cache, const struct tree *tree, const char *path, const char *only,
                           fact_fn each, void *arg, struct cas_error *error) {
  struct cas_buffer bytes = {.size = 0};
  cas_status status = CAS_OK;
  if (!find(cache, path, &bytes)) {
    int64_t before = threads_now_ns();
    bytes.size = 0;
    status = append(&bytes, path);
    if (status == CAS_OK) status = facts_list(tree, path, NULL, keep_fact, &bytes, error);
    if (status == CAS_OK) keep(cache, path, &bytes, before);
  }
  if (status == CAS_OK)
    status = hand_on(&bytes, only, each, arg);
  else if (only != NULL && status != CAS_NOT_FOUND)
    status = facts_list(tree, path, only, each, arg, error);
  cas_buffer_fini(&bytes);
  return status;
}
