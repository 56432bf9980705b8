/* Are percentiles within a cell's width of the sorted durations, also when histograms are added up? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "latency.h"
#include "support/test_random.h"

static int by_size(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static void check(const struct latency *latency, const uint64_t *sorted, size_t count, double part) {
  size_t index = (size_t)(part * (double)count);
  if ((double)index < part * (double)count) index++;
  const uint64_t wanted = sorted[index > 0 ? index - 1 : 0];
  const uint64_t got = latency_percentile(latency, part);
  assert_true(got >= wanted);
  assert_true(got - wanted <= wanted / 63 + 1);
}

static void test_percentiles_are_those_of_the_sorted_list(void **state) {
  (void)state;
  enum { COUNT = 10000 };
  static uint64_t values[COUNT];
  static struct latency halves[2], sum;
  struct test_random random = {.state = 7};
  for (size_t i = 0; i < COUNT; i++) {
    values[i] = test_random_next(&random) >> (22 + test_random_next(&random) % 42);
    latency_add(&halves[i % 2], values[i]);
  }
  latency_merge(&sum, &halves[0]);
  latency_merge(&sum, &halves[1]);
  qsort(values, COUNT, sizeof *values, by_size);
  assert_int_equal(sum.count, COUNT);
  assert_int_equal(sum.max_ns, values[COUNT - 1]);
  static const double parts[] = {0.0001, 0.01, 0.5, 0.9, 0.99, 0.999};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) check(&sum, values, COUNT, parts[i]);
  assert_int_equal(latency_percentile(&sum, 1), values[COUNT - 1]);
}

static void test_ends(void **state) {
  (void)state;
  static struct latency none, one, long_one;
  assert_int_equal(latency_percentile(&none, 0.5), 0);
  latency_add(&one, 123456789);
  assert_int_equal(latency_percentile(&one, 0.5), 123456789);
  latency_add(&long_one, UINT64_MAX);
  latency_add(&long_one, 0);
  assert_int_equal(latency_percentile(&long_one, 0.5), 0);
  assert_int_equal(long_one.max_ns, UINT64_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_percentiles_are_those_of_the_sorted_list),
      cmocka_unit_test(test_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
