/* Every UID has one safe file name, and every other name is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fuse/uid_name.h"

static void spells(const char *uid, uint32_t version, const char *folder, const char *file) {
  char name[NAME_MAX + 1], again[CAS_UID_TEXT_MAX];
  uint32_t found = 0;
  assert_true(uid_name_encode(uid, name));
  assert_string_equal(name, folder);
  assert_true(uid_name_parse(name, again));
  assert_string_equal(again, uid);
  assert_true(uid_name_encode_file(uid, version, name));
  assert_string_equal(name, file);
  assert_true(uid_name_parse_file(name, again, &found));
  assert_string_equal(again, uid);
  assert_int_equal(found, version);
}

static void test_spelling(void **state) {
  (void)state;
  spells("1.2.840.10008.1", 1, "1.2.840.10008.1", "1.2.840.10008.1.dcm");
  spells("1.2.3", 2, "1.2.3", "1.2.3.v2.dcm");
  spells("1.2.3", 4294967295u, "1.2.3", "1.2.3.v4294967295.dcm");
  spells("a/b c", 1, "a%2Fb%20c", "a%2Fb%20c.dcm");
  spells("..", 1, "%2E.", "%2E..dcm");
  spells(".", 3, "%2E", "%2E.v3.dcm");
  spells("-rf", 1, "%2Drf", "%2Drf.dcm");
  spells("100%", 1, "100%25", "100%25.dcm");
  spells("1.2.v2", 1, "1.2.%762", "1.2.%762.dcm");
  spells("1.2.dcm", 1, "1.2.dcm", "1.2.dcm.dcm");
  spells("\xc3\xa4", 1, "%C3%A4", "%C3%A4.dcm");
}

static void test_refused(void **state) {
  (void)state;
  static const char *const folders[] = {"", ".", "..", ".1", "a b", "%", "%2", "%2e1", "%31", "%00", "1%GG", "1.v2"};
  static const char *const files[] = {
      "",          ".dcm",    "1.2.3",      "1.2.3.dcm.", "1.2.3.DCM",         "1.2.3.v1.dcm", ".v2.dcm",
      "1.v02.dcm", "1.v.dcm", "1.v0x2.dcm", "%31.dcm",    "1.v4294967296.dcm", "1.v2.v3.dcm",  "1 2.dcm"};
  char uid[CAS_UID_TEXT_MAX];
  uint32_t version;
  for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
    if (uid_name_parse(folders[i], uid)) fail_msg("taken: \"%s\"", folders[i]);
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
    if (uid_name_parse_file(files[i], uid, &version)) fail_msg("taken: \"%s\"", files[i]);
}

static void test_length(void **state) {
  (void)state;
  char uid[2 * CAS_UID_TEXT_MAX], name[NAME_MAX + 1];
  memset(uid, '1', sizeof uid);
  uid[CAS_UID_TEXT_MAX - 1] = '\0';
  spells(uid, 1, uid, strcat(strcpy(name, uid), ".dcm"));
  uid[CAS_UID_TEXT_MAX - 1] = '1';
  uid[CAS_UID_TEXT_MAX] = '\0';
  assert_false(uid_name_encode(uid, name));
  memset(uid, '/', 90); /* 270 bytes when spelled */
  uid[90] = '\0';
  assert_false(uid_name_encode(uid, name));
  uid[84] = '\0'; /* 252 bytes: a folder, but no room for ".dcm" */
  assert_true(uid_name_encode(uid, name));
  assert_false(uid_name_encode_file(uid, 1, name));
  assert_false(uid_name_encode("", name));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_spelling), cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_length)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
