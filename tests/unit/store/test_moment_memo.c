/* Sums of past moments: what is kept is right, and what is too much is gone but never wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "store/moment_memo.h"

static struct moment_sums sums_of(unsigned number) {
  return (struct moment_sums){
      .first_arrival_ns = number, .last_arrival_ns = number + 1, .instances = 2 * number, .bytes = 7};
}

static void test_moments_and_paths_differ(void **state) {
  (void)state;
  struct moment_memo *memo;
  struct moment_sums sums, one = sums_of(1), two = sums_of(2);
  assert_int_equal(moment_memo_create(&memo), CAS_OK);
  assert_false(moment_memo_get(memo, 5, "Ann", &sums));
  moment_memo_put(memo, 5, "Ann", &one);
  assert_true(moment_memo_get(memo, 5, "Ann", &sums));
  assert_int_equal(sums.instances, 2);
  assert_false(moment_memo_get(memo, 6, "Ann", &sums));
  assert_false(moment_memo_get(memo, 5, "Ann/Head", &sums));
  moment_memo_put(memo, 5, "Ann", &two);
  assert_true(moment_memo_get(memo, 5, "Ann", &sums));
  assert_int_equal(sums.instances, 4);
  moment_memo_destroy(memo);
}

static void test_too_many(void **state) {
  (void)state;
  struct moment_memo *memo;
  struct moment_sums sums;
  char path[32];
  unsigned kept = 0;
  assert_int_equal(moment_memo_create(&memo), CAS_OK);
  for (unsigned i = 0; i < 20000; i++) {
    struct moment_sums given = sums_of(i);
    snprintf(path, sizeof path, "patient %u/study", i);
    moment_memo_put(memo, i % 3, path, &given);
  }
  for (unsigned i = 0; i < 20000; i++) {
    snprintf(path, sizeof path, "patient %u/study", i);
    if (!moment_memo_get(memo, i % 3, path, &sums)) continue;
    kept++;
    assert_int_equal(sums.first_arrival_ns, i);
  }
  assert_in_range(kept, 2000, 4096);
  moment_memo_destroy(memo);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_moments_and_paths_differ), cmocka_unit_test(test_too_many)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
