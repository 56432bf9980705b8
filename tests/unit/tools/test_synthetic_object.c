/* Does a seed always give the same series, another one another, and are sizes what was asked for? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "object_layout.h"
#include "random_numbers.h"
#include "synthetic_object.h"

struct sum {
  uint64_t hash, bytes, largest;
};

static cas_status add(void *arg, struct cas_slice bytes, struct cas_error *error) {
  (void)error;
  struct sum *sum = arg;
  sum->hash = random_of_bytes(sum->hash, bytes.data, bytes.size);
  sum->bytes += bytes.size;
  if (bytes.size > sum->largest) sum->largest = bytes.size;
  return CAS_OK;
}

static struct sum sum_of(struct synthetic_series series, uint32_t index) {
  struct sum sum = {0};
  struct cas_error error = {0};
  assert_int_equal(synthetic_series_complete(&series, &error), CAS_OK);
  assert_int_equal(synthetic_object_write(&series, index, add, &sum, &error), CAS_OK);
  return sum;
}

/* The figures are what the program wrote when it was new: files made from a seed stay the same for ever. */
static void test_a_seed_gives_the_same_bytes(void **state) {
  (void)state;
  const struct synthetic_series ct = {.images = 4, .seed = 1};
  const struct synthetic_series mr = {.kind = PHANTOM_MR, .images = 4, .seed = 1};
  assert_int_equal(sum_of(ct, 2).hash, UINT64_C(0x89d54a044445ff31));
  assert_int_equal(sum_of(mr, 2).hash, UINT64_C(0xef5d7a7731308aba));
}

static void test_other_seeds_and_numbers_give_others(void **state) {
  (void)state;
  const struct synthetic_series one = {.images = 4, .rows = 32, .columns = 32, .seed = 1};
  struct synthetic_series other = one;
  other.seed = 2;
  assert_int_not_equal(sum_of(one, 1).hash, sum_of(other, 1).hash);
  other.seed = 1;
  other.number = 1;
  assert_int_not_equal(sum_of(one, 1).hash, sum_of(other, 1).hash);
  assert_int_not_equal(sum_of(one, 1).hash, sum_of(one, 2).hash);
}

static void test_frames_are_written_one_by_one(void **state) {
  (void)state;
  const struct synthetic_series series = {.frames = 50, .rows = 33, .columns = 61, .bits = 8, .seed = 5};
  const struct sum sum = sum_of(series, 0);
  assert_int_equal(sum.largest, 33 * 61);
  const uint64_t header = sum.bytes - (33 * 61 * 50);
  assert_true(header > 500 && header < 4000);
}

static void test_odd_pixel_data_is_padded(void **state) {
  (void)state;
  const struct synthetic_series series = {.rows = 3, .columns = 3, .bits = 8};
  assert_int_equal(sum_of(series, 0).bytes % 2, 0);
}

static void test_what_dicom_cannot_state_is_refused(void **state) {
  (void)state;
  struct synthetic_series series = {.rows = 65535, .columns = 65535};
  struct cas_error error = {0};
  assert_int_equal(synthetic_series_complete(&series, &error), CAS_INVALID);
  assert_non_null(strstr(error.message, "longer"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_seed_gives_the_same_bytes),
      cmocka_unit_test(test_other_seeds_and_numbers_give_others),
      cmocka_unit_test(test_frames_are_written_one_by_one),
      cmocka_unit_test(test_odd_pixel_data_is_padded),
      cmocka_unit_test(test_what_dicom_cannot_state_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
