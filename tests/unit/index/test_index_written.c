/* What was written is never taken for absent, and what was not is seldom taken for written. */
#include "index_fixture.h"

#include "index/index_changes.h"
#include "index/index_written.h"

enum { KEYS = 50000, BITS_EACH = 10 };

static uint64_t hash_of_fact(unsigned number) {
  struct index_key key;
  char name[32];
  snprintf(name, sizeof name, "%u", number);
  assert_true(index_key_fact(&key, name));
  return index_changes_hash(index_key_slice(&key));
}

static void all_that_was_written_is_known(void **state) {
  (void)state;
  struct index_written *written;
  unsigned wrong = 0;
  assert_int_equal(index_written_create(KEYS * BITS_EACH / 8, &written), CAS_OK);
  assert_false(index_written_may_have(written, hash_of_fact(0)));
  for (unsigned i = 0; i < KEYS; i++) index_written_add(written, hash_of_fact(i));
  for (unsigned i = 0; i < KEYS; i++) assert_true(index_written_may_have(written, hash_of_fact(i)));
  for (unsigned i = KEYS; i < 2 * KEYS; i++) wrong += index_written_may_have(written, hash_of_fact(i));
  print_message("%u of %u wrongly\n", wrong, (unsigned)KEYS);
  assert_true(wrong < KEYS / 50);
  index_written_destroy(written);
}

static void a_full_one_knows_nothing(void **state) {
  (void)state;
  struct index_written *written;
  assert_int_equal(index_written_create(0, &written), CAS_OK);
  for (unsigned i = 0; i < 1000; i++) index_written_add(written, hash_of_fact(i));
  for (unsigned i = 0; i < 2000; i++) assert_true(index_written_may_have(written, hash_of_fact(i)));
  index_written_destroy(written);
}

/* What was there before it was opened is found, though it was not written since. */
static void an_old_index_is_looked_into(void **state) {
  struct fixture *f = *state;
  CLEANUP_BUFFER struct cas_buffer value = {0};
  struct index_batch *batch = begin(f);
  assert_ok(index_batch_put_fact(batch, "n", slice_of("old", 3), &f->error), &f->error);
  apply(f, batch);
  index_close(f->index);
  assert_ok(index_open_to_fill(f->index_folder, &f->index, &f->error), &f->error);
  index_expect(f->index, 1000);
  batch = begin(f);
  assert_ok(index_batch_get_fact(batch, "n", &value, &f->error), &f->error);
  index_batch_abort(batch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_that_was_written_is_known),
      cmocka_unit_test(a_full_one_knows_nothing),
      cmocka_unit_test_setup_teardown(an_old_index_is_looked_into, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
