/* P4: a header is stored as the difference from another, its dictionary. Does a new one rely on a dictionary whose copy
 * on disk is damaged, which only memory still has? */
#include "base/clock.h"
#include "damaging.h"
#include "store/read_cache.h"
#include "store/store.h"

/* Far more than a dictionary in memory is trusted for. */
#define PATIENCE_NS (60 * (int64_t)1000000000)

static cas_status store_and_read_back(struct temporary_store *t, int number) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  char uid[32];
  snprintf(uid, sizeof uid, "1.2.3.4.%d", number);
  const struct synthetic what = {.sop_uid = uid, .pixel_seed = (unsigned)number};
  synthetic_file(&what, "A", &file);
  synthetic_import(t->store, &file);
  read_cache_forget_all(t->store->read_cache);
  return synthetic_read_back(t->store, uid, 1, &file);
}

static void p4_a_new_header_does_not_rely_on_a_damaged_dictionary(void **state) {
  (void)state;
  struct temporary_store t = {0};
  int number = 0;
  temporary_create(&t);
  while (number < 3) assert_int_equal(store_and_read_back(&t, number++), CAS_OK);
  damage_record_meanwhile(&t, "codec=zstd ", 0);
  int64_t ends_ns = clock_monotonic_ns() + PATIENCE_NS;
  while (store_and_read_back(&t, number++) != CAS_OK) assert_true(clock_monotonic_ns() < ends_ns);
  /* Another dictionary has taken its place, for good. */
  for (int end = number + 3; number < end; number++) assert_int_equal(store_and_read_back(&t, number), CAS_OK);
  temporary_destroy(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(p4_a_new_header_does_not_rely_on_a_damaged_dictionary)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
