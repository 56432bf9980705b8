/*
 * What arrived counts in its window and the next, and then no more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/pressure.h"

static void test_the_last_two_windows_count(void **state) {
  (void)state;
  struct pressure pressure = {0};
  const int64_t begin = 17 * PRESSURE_WINDOW_NS, end = begin + PRESSURE_WINDOW_NS - 1;
  assert_int_equal(pressure_add(&pressure, begin, 10), 10);
  assert_int_equal(pressure_add(&pressure, end, 20), 30);
  assert_int_equal(pressure_add(&pressure, end + 1, 5), 30);
  assert_int_equal(pressure_add(&pressure, end + 2, 40), 45);
  assert_int_equal(pressure_add(&pressure, end + 1 + PRESSURE_WINDOW_NS, 1), 45);
  assert_int_equal(pressure_add(&pressure, end + 1 + 2 * PRESSURE_WINDOW_NS, 1), 1);
}

static void test_a_pause_ends_it(void **state) {
  (void)state;
  struct pressure pressure = {0};
  pressure_add(&pressure, 17 * PRESSURE_WINDOW_NS, 1000);
  assert_int_equal(pressure_add(&pressure, 19 * PRESSURE_WINDOW_NS, 1), 1);
  assert_int_equal(pressure_add(&pressure, 5 * PRESSURE_WINDOW_NS, 2), 2); /* a clock that was set back */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_last_two_windows_count),
      cmocka_unit_test(test_a_pause_ends_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
