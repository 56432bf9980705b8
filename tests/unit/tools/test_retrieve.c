/* What sub-operations add up to, and what a C-STORE response means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "retrieve.h"

static void the_final_status_tells_of_failures(void **state) {
  (void)state;
  assert_int_equal(retrieve_status(0, 0, 0, false), DIMSE_SUCCESS);
  assert_int_equal(retrieve_status(5, 0, 0, false), DIMSE_SUCCESS);
  assert_int_equal(retrieve_status(5, 1, 0, false), DIMSE_SUBOPERATIONS_FAILED);
  assert_int_equal(retrieve_status(0, 0, 1, false), DIMSE_SUBOPERATIONS_FAILED);
  assert_int_equal(retrieve_status(0, 1, 1, false), DIMSE_SUBOPERATIONS_FAILED);
  assert_int_equal(retrieve_status(0, 3, 0, false), DIMSE_CANNOT_PERFORM_SUBOPERATIONS);
  assert_int_equal(retrieve_status(5, 1, 1, true), DIMSE_CANCELLED);
}

static void responses_to_c_store(void **state) {
  (void)state;
  assert_int_equal(store_outcome_of(0x0000), STORE_COMPLETED);
  const uint16_t warnings[] = {0x0001, 0x0107, 0x0116, 0xB000, 0xB006, 0xB007};
  for (size_t i = 0; i < sizeof warnings / sizeof warnings[0]; i++)
    assert_int_equal(store_outcome_of(warnings[i]), STORE_WARNING);
  const uint16_t failures[] = {0x0110, 0x0117, 0x0122, 0x0124, 0xA700, 0xA900, 0xC000, 0xCFFF, 0xFF00, 0xFE00};
  for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
    assert_int_equal(store_outcome_of(failures[i]), STORE_FAILED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_final_status_tells_of_failures),
      cmocka_unit_test(responses_to_c_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
