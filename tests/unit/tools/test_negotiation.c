/* The policy of presentation contexts: storage of every kind in, the standard's other services out, nothing lossy by
 * choice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "negotiation.h"

static void accepts_storage_and_nothing_else_of_the_standard(void **state) {
  (void)state;
  assert_true(negotiation_accepts("1.2.840.10008.1.1", DICOM_UID_OTHER));               /* Verification */
  assert_true(negotiation_accepts("1.2.840.10008.5.1.4.1.1.2", DICOM_UID_STORAGE));     /* CT */
  assert_true(negotiation_accepts("1.2.840.10008.5.1.4.1.1.999.1", DICOM_UID_UNKNOWN)); /* newer than the dictionary */
  assert_true(negotiation_accepts("1.2.840.10008.5.1.4.38.1", DICOM_UID_STORAGE));      /* Hanging Protocol Storage */
  assert_true(negotiation_accepts("1.3.12.2.1107.5.9.1", DICOM_UID_UNKNOWN));           /* private */
  assert_false(
      negotiation_accepts("1.2.276.0.7230010.3.4.1915765545.18030.917282194.0", DICOM_UID_UNKNOWN)); /* termscu */
  assert_true(negotiation_accepts("1.2.840.10008.5.1.4.1.2.1.1", DICOM_UID_OTHER));  /* Patient Root FIND */
  assert_true(negotiation_accepts("1.2.840.10008.5.1.4.1.2.2.3", DICOM_UID_OTHER));  /* Study Root GET */
  assert_true(negotiation_accepts("1.2.840.10008.5.1.4.1.2.1.2", DICOM_UID_OTHER));  /* Patient Root MOVE */
  assert_false(negotiation_accepts("1.2.840.10008.5.1.4.1.2.3.1", DICOM_UID_OTHER)); /* Patient/Study Only FIND */
  assert_false(negotiation_accepts("1.2.840.10008.1.20.1", DICOM_UID_OTHER));        /* Storage Commitment */
  assert_false(negotiation_accepts("1.2.840.10008.5.1.4.31", DICOM_UID_OTHER));      /* Worklist */
  assert_false(negotiation_accepts("1.2.840.10008.5.1.4.99.7", DICOM_UID_UNKNOWN));  /* unknown, of the standard */
  assert_false(negotiation_accepts("1.3.6.1.4.1.1", DICOM_UID_OTHER));
  assert_false(negotiation_accepts("", DICOM_UID_UNKNOWN));
}

static void chooses_lossless_in_the_senders_order(void **state) {
  (void)state;
  static const char implicit[] = "1.2.840.10008.1.2", explicit[] = "1.2.840.10008.1.2.1";
  static const char baseline[] = "1.2.840.10008.1.2.4.50", lossless[] = "1.2.840.10008.1.2.4.70";
  assert_int_equal(negotiation_choose((const char *[]){explicit, implicit}, 2), 0);
  assert_int_equal(negotiation_choose((const char *[]){implicit, explicit}, 2), 0);
  assert_int_equal(negotiation_choose((const char *[]){baseline, explicit, lossless}, 3), 1);
  assert_int_equal(negotiation_choose((const char *[]){"1.2.840.10008.1.2.4.91", lossless, explicit}, 3), 1);
  assert_int_equal(negotiation_choose((const char *[]){"2.25.1", baseline}, 2), 0);
  assert_int_equal(negotiation_choose((const char *[]){baseline}, 1), 0);
}

static void chooses_what_identifiers_are_read_in(void **state) {
  (void)state;
  static const char implicit[] = "1.2.840.10008.1.2", explicit[] = "1.2.840.10008.1.2.1";
  assert_string_equal(negotiation_choose_plain((const char *[]){"1.2.840.10008.1.2.2", explicit, implicit}, 3),
                      explicit);
  assert_null(negotiation_choose_plain((const char *[]){"1.2.840.10008.1.2.2"}, 1));
}

static void compares_titles_without_padding(void **state) {
  (void)state;
  assert_true(negotiation_same_title("CASSETTE        ", "CASSETTE"));
  assert_true(negotiation_same_title("  CASSETTE", "CASSETTE "));
  assert_false(negotiation_same_title("CASSETTE2", "CASSETTE"));
  assert_false(negotiation_same_title("cassette", "CASSETTE"));
  assert_false(negotiation_same_title("", "CASSETTE"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accepts_storage_and_nothing_else_of_the_standard),
      cmocka_unit_test(chooses_lossless_in_the_senders_order),
      cmocka_unit_test(chooses_what_identifiers_are_read_in),
      cmocka_unit_test(compares_titles_without_padding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
