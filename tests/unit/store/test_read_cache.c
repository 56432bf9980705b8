/* The cache of decoded blobs: one decodes while others wait, the bound holds, and memory is used again. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/read_cache.h"

#define LARGE (128u << 10)

static struct blob_id id_of(unsigned number) {
  struct blob_id id = {.ordinal = 0};
  memcpy(id.hash.bytes, &number, sizeof number);
  return id;
}

static const struct cached_blob *decode(struct read_cache *cache, const struct blob_id *id, size_t size) {
  struct cas_buffer bytes = {0};
  read_cache_recycle(cache, size, &bytes);
  assert_int_equal(cas_buffer_reserve(&bytes, size), CAS_OK);
  memset(bytes.data, id->hash.bytes[0], size);
  bytes.size = size;
  return read_cache_put(cache, id, &bytes);
}

/* The blob, decoded where it is not there; `*decoded` counts. */
static const struct cached_blob *get(struct read_cache *cache, unsigned number, size_t size, atomic_uint *decoded) {
  const struct cached_blob *blob;
  struct blob_id id = id_of(number);
  cas_status status = read_cache_claim(cache, &id, &blob);
  if (status == CAS_OK) return blob;
  assert_int_equal(status, CAS_NOT_FOUND);
  (*decoded)++;
  return decode(cache, &id, size);
}

static void test_the_least_recently_used_goes_first(void **state) {
  (void)state;
  struct read_cache *cache;
  atomic_uint decoded = 0;
  assert_int_equal(read_cache_create(3 * 1200, &cache), CAS_OK);
  for (unsigned i = 0; i < 3; i++) read_cache_unref(cache, get(cache, i, 1000, &decoded));
  read_cache_unref(cache, get(cache, 0, 1000, &decoded));
  read_cache_unref(cache, get(cache, 3, 1000, &decoded));
  assert_int_equal(decoded, 4);
  read_cache_unref(cache, get(cache, 0, 1000, &decoded));
  assert_int_equal(decoded, 4);
  read_cache_unref(cache, get(cache, 1, 1000, &decoded));
  assert_int_equal(decoded, 5);
  read_cache_destroy(cache);
}

static void test_what_is_held_stays(void **state) {
  (void)state;
  struct read_cache *cache;
  atomic_uint decoded = 0;
  assert_int_equal(read_cache_create(1000, &cache), CAS_OK);
  const struct cached_blob *held = get(cache, 7, 1000, &decoded);
  for (unsigned i = 20; i < 30; i++) read_cache_retire(cache, get(cache, i, 1000, &decoded));
  for (size_t i = 0; i < held->size; i++) assert_int_equal(held->bytes[i], 7);
  read_cache_unref(cache, held);
  read_cache_destroy(cache);
}

/* What an entry takes besides its bytes counts, too: of blobs of a byte ten thousand would take a megabyte. */
static void test_small_blobs_have_no_more_memory(void **state) {
  (void)state;
  const size_t bytes_max = 100000;
  struct read_cache *cache;
  atomic_uint decoded = 0;
  unsigned kept = 0;
  assert_int_equal(read_cache_create(bytes_max, &cache), CAS_OK);
  for (unsigned i = 0; i < 10000; i++) read_cache_unref(cache, get(cache, i, 1, &decoded));
  for (unsigned i = 0; i < 10000; i++) {
    struct blob_id id = id_of(i);
    const struct cached_blob *blob = read_cache_get(cache, &id);
    kept += blob != NULL;
    read_cache_unref(cache, blob);
  }
  assert_in_range(kept, 1, bytes_max / (sizeof(struct blob_id) + sizeof(struct cached_blob)));
  read_cache_destroy(cache);
}

static void test_memory_of_what_was_read_is_used_again(void **state) {
  (void)state;
  struct read_cache *cache;
  atomic_uint decoded = 0;
  assert_int_equal(read_cache_create(64 * LARGE, &cache), CAS_OK);
  const struct cached_blob *first = get(cache, 1, LARGE, &decoded);
  const uint8_t *memory = first->bytes;
  read_cache_unref(cache, first);
  const struct cached_blob *second = get(cache, 2, LARGE, &decoded);
  assert_ptr_not_equal(second->bytes, memory); /* the first was not read to its end */
  read_cache_unref(cache, second);
  read_cache_retire(cache, get(cache, 1, LARGE, &decoded));
  const struct cached_blob *third = get(cache, 3, LARGE, &decoded);
  assert_ptr_equal(third->bytes, memory);
  for (size_t i = 0; i < LARGE; i++) assert_int_equal(third->bytes[i], 3);
  read_cache_unref(cache, third);
  assert_int_equal(decoded, 3);
  read_cache_unref(cache, get(cache, 1, LARGE, &decoded));
  assert_int_equal(decoded, 4);
  read_cache_destroy(cache);
}

static void test_a_claim_given_up_is_free_again(void **state) {
  (void)state;
  struct read_cache *cache;
  atomic_uint decoded = 0;
  const struct cached_blob *blob;
  struct blob_id id = id_of(5);
  assert_int_equal(read_cache_create(1000, &cache), CAS_OK);
  assert_int_equal(read_cache_claim(cache, &id, &blob), CAS_NOT_FOUND);
  read_cache_abandon(cache, &id);
  read_cache_unref(cache, get(cache, 5, 100, &decoded));
  assert_int_equal(decoded, 1);
  read_cache_destroy(cache);
}

#define READERS 4
#define ROUNDS 200u

struct crowd {
  struct read_cache *cache;
  pthread_barrier_t start;
  atomic_uint decoded, given_up;
};

static void *read_all(void *arg) {
  struct crowd *crowd = arg;
  for (unsigned i = 0; i < ROUNDS; i++) {
    const struct cached_blob *blob;
    struct blob_id id = id_of(i);
    pthread_barrier_wait(&crowd->start);
    cas_status status = read_cache_claim(crowd->cache, &id, &blob);
    if (status == CAS_NOT_FOUND && i % 3 == 0 && atomic_fetch_add(&crowd->given_up, 1) <= i / 3) {
      read_cache_abandon(crowd->cache, &id);
      status = read_cache_claim(crowd->cache, &id, &blob);
    }
    if (status == CAS_NOT_FOUND) {
      crowd->decoded++;
      blob = decode(crowd->cache, &id, LARGE);
    }
    if (blob->bytes[0] != id.hash.bytes[0] || blob->bytes[LARGE - 1] != id.hash.bytes[0]) abort();
    read_cache_unref(crowd->cache, blob);
  }
  return NULL;
}

static void test_readers_of_one_blob_decode_it_once(void **state) {
  (void)state;
  struct crowd crowd = {.decoded = 0};
  pthread_t threads[READERS];
  assert_int_equal(read_cache_create((size_t)ROUNDS * LARGE, &crowd.cache), CAS_OK);
  pthread_barrier_init(&crowd.start, NULL, READERS);
  for (int i = 0; i < READERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, read_all, &crowd), 0);
  for (int i = 0; i < READERS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(crowd.decoded, ROUNDS);
  pthread_barrier_destroy(&crowd.start);
  read_cache_destroy(crowd.cache);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_least_recently_used_goes_first),
      cmocka_unit_test(test_what_is_held_stays),
      cmocka_unit_test(test_small_blobs_have_no_more_memory),
      cmocka_unit_test(test_memory_of_what_was_read_is_used_again),
      cmocka_unit_test(test_a_claim_given_up_is_free_again),
      cmocka_unit_test(test_readers_of_one_blob_decode_it_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
