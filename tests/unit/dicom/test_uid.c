#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "dicom/uid.h"

static void acceptable(void **state) {
  (void)state;
  static const char *const uids[] = {"1",
                                     "1.2.840.10008.5.1.4.1.1.2",
                                     "1.2.826.abc.9999.1",
                                     "1.2.007.1",
                                     "a-b_c.9",
                                     "2.25.275522197922656192311366975484983416817",
                                     "1.2.3."};
  for (size_t i = 0; i < sizeof uids / sizeof uids[0]; i++) assert_true(uid_is_acceptable(uids[i]));
}

static void not_acceptable(void **state) {
  (void)state;
  static const char *const uids[] = {"",
                                     ".",
                                     "..",
                                     "../../x",
                                     "/etc/passwd",
                                     ".1.2",
                                     "1..2",
                                     "1.2\n",
                                     "1.2\\3",
                                     "1 2",
                                     "1.2\xEF\xBF\xBD.3",
                                     "-",
                                     "_._",
                                     "1.2\x80",
                                     "1.2.3.4/5.6",
                                     "1:2",
                                     "1.2.3*",
                                     "1\x7F"};
  for (size_t i = 0; i < sizeof uids / sizeof uids[0]; i++) assert_false(uid_is_acceptable(uids[i]));
}

static void length(void **state) {
  (void)state;
  char uid[DICOM_UID_BYTES_MAX + 2] = {0};
  memset(uid, '1', DICOM_UID_BYTES_MAX);
  assert_true(uid_is_acceptable(uid));
  uid[DICOM_UID_BYTES_MAX] = '1';
  assert_false(uid_is_acceptable(uid));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(acceptable),
      cmocka_unit_test(not_acceptable),
      cmocka_unit_test(length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
