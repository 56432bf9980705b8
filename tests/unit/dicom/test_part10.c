#include "scan_recorder.h"

static void the_bytes_never_change(void **state) {
  (void)state;
  static const char expected[] = "DICM"
                                 "\x02\0\0\0UL\4\0\xA0\0\0\0"
                                 "\x02\0\1\0OB\0\0\2\0\0\0\0\1"
                                 "\x02\0\2\0UI\x1A\0"
                                 "1.2.840.10008.5.1.4.1.1.7\0"
                                 "\x02\0\3\0UI\x08\0"
                                 "1.2.3.4\0"
                                 "\x02\0\x10\0UI\x14\0"
                                 "1.2.840.10008.1.2.1\0"
                                 "\x02\0\x12\0UI\x2C\0"
                                 "2.25.275522197922656192311366975484983416817"
                                 "\x02\0\x13\0SH\x08\0"
                                 "CASSETTE";
  CLEANUP_BUFFER struct cas_buffer header = {0};
  assert_int_equal(part10_header("1.2.840.10008.5.1.4.1.1.7", "1.2.3.4", EXPLICIT_LITTLE, &header), CAS_OK);
  assert_int_equal(header.size, 128 + sizeof expected - 1);
  for (size_t i = 0; i < 128; i++) assert_int_equal(header.data[i], 0);
  assert_memory_equal(header.data + 128, expected, sizeof expected - 1);
}

static void appended_to_what_is_there(void **state) {
  (void)state;
  CLEANUP_BUFFER struct cas_buffer one = {0}, other = {0};
  assert_int_equal(part10_header("1.2", "1.2.3", IMPLICIT_LITTLE, &one), CAS_OK);
  assert_int_equal(cas_buffer_append(&other, slice_of("abc", 3)), CAS_OK);
  assert_int_equal(part10_header("1.2", "1.2.3", IMPLICIT_LITTLE, &other), CAS_OK);
  assert_true(slice_equal(slice_of_buffer(&one), slice_of(other.data + 3, other.size - 3)));
}

static void wrong_uids(void **state) {
  (void)state;
  char longest[66] = {0};
  CLEANUP_BUFFER struct cas_buffer header = {0};
  memset(longest, '1', 64);
  assert_int_equal(part10_header("1.2", longest, IMPLICIT_LITTLE, &header), CAS_OK);
  longest[64] = '1';
  header.size = 0;
  assert_int_equal(part10_header("1.2", longest, IMPLICIT_LITTLE, &header), CAS_INVALID);
  assert_int_equal(part10_header("", "1.2", IMPLICIT_LITTLE, &header), CAS_INVALID);
  assert_int_equal(part10_header("1.2", "", IMPLICIT_LITTLE, &header), CAS_INVALID);
  assert_int_equal(part10_header("1.2", "1.2", "", &header), CAS_INVALID);
  assert_int_equal(header.size, 0);
}

static void another_transfer_syntax(void **state) {
  (void)state;
  CLEANUP_BUFFER struct cas_buffer one = {0}, other = {0};
  assert_int_equal(part10_header("1.2", "1.2.3", "1.2.840.10008.1.2.1.99", &one), CAS_OK);
  assert_int_equal(part10_with_transfer_syntax(slice_of_buffer(&one), EXPLICIT_LITTLE, &other), CAS_OK);
  one.size = 0;
  assert_int_equal(part10_header("1.2", "1.2.3", EXPLICIT_LITTLE, &one), CAS_OK);
  assert_true(slice_equal(slice_of_buffer(&one), slice_of_buffer(&other)));
  other.size = 0;
  assert_int_equal(part10_with_transfer_syntax(slice_of(one.data, one.size - 1), "1.2", &other), CAS_INVALID);
  assert_int_equal(part10_with_transfer_syntax(slice_of(one.data, 160), "1.2", &other), CAS_INVALID);
  assert_int_equal(other.size, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_bytes_never_change),
      cmocka_unit_test(appended_to_what_is_there),
      cmocka_unit_test(wrong_uids),
      cmocka_unit_test(another_transfer_syntax),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
