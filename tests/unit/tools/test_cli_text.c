/* Is text for people escaped, measured and formatted as cli_text.h says? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <locale.h>
#include <time.h>

#include "cassette/cli_text.h"

static void check_escape(const char *text, const char *expected) {
  char *escaped = cli_escape(text);
  assert_non_null(escaped);
  assert_string_equal(escaped, expected);
  free(escaped);
}

static void escape_keeps_good_text(void **state) {
  (void)state;
  check_escape("", "");
  check_escape("Doe^John\\Äß日本𝄞", "Doe^John\\Äß日本𝄞");
}

static void escape_shows_what_terminals_obey(void **state) {
  (void)state;
  check_escape("a\x1b[2Jb\n\t\x7f", "a\\x1b[2Jb\\x0a\\x09\\x7f");
  check_escape("\xC2\x9B"
               "31m",
               "\\x9b31m"); /* CSI as one character, U+009B */
  check_escape("x\xE2\x80\xAEy\xE2\x81\xA6z\xEF\xBB\xBF", "x\\u202ey\\u2066z\\ufeff");
}

static void escape_shows_what_is_not_utf8(void **state) {
  (void)state;
  check_escape("\xE9t\xE9", "\\xe9t\\xe9");
  check_escape("\xC0\xAF", "\\xc0\\xaf");                   /* overlong */
  check_escape("\xED\xA0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
  check_escape("\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond U+10FFFF */
  check_escape("\xF0\x9D\x84", "\\xf0\\x9d\\x84");          /* cut short */
  check_escape("\xFF\xFF\xFF\xFF", "\\xff\\xff\\xff\\xff");
}

static void utf8_replaces_only_bad_bytes(void **state) {
  (void)state;
  char *text = cli_utf8("a\x1b\xE9 ü");
  assert_string_equal(text, "a\x1b\xEF\xBF\xBD ü");
  free(text);
}

static void width_counts_columns(void **state) {
  (void)state;
  assert_int_equal(cli_width("abc"), 3);
  assert_int_equal(cli_width("Äß"), 2);
  assert_int_equal(cli_width("日本"), 4);
}

static void numbers(void **state) {
  (void)state;
  char text[CLI_TEXT_MAX];
  assert_string_equal(cli_format_bytes(text, 0), "0 B");
  assert_string_equal(cli_format_bytes(text, 999), "999 B");
  assert_string_equal(cli_format_bytes(text, 1000), "1.0 kB");
  assert_string_equal(cli_format_bytes(text, 999949), "999.9 kB");
  assert_string_equal(cli_format_bytes(text, 999950), "1.0 MB");
  assert_string_equal(cli_format_bytes(text, UINT64_MAX), "18.4 EB");
  assert_string_equal(cli_format_count(text, 0), "0");
  assert_string_equal(cli_format_count(text, 999), "999");
  assert_string_equal(cli_format_count(text, 1000), "1,000");
  assert_string_equal(cli_format_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
  assert_string_equal(cli_format_ratio(text, 10, 4), "2.50");
  assert_string_equal(cli_format_ratio(text, 10, 0), "-");
}

static void times(void **state) {
  (void)state;
  char text[CLI_TEXT_MAX];
  setenv("TZ", "UTC-2", 1);
  tzset();
  assert_string_equal(cli_format_time(text, 1700000000123456789), "2023-11-15 00:13:20");
  assert_string_equal(cli_format_time_utc(text, 1700000000123456789), "2023-11-14T22:13:20.123456789Z");
  assert_string_equal(cli_format_time_utc(text, -1), "1969-12-31T23:59:59.999999999Z");
  assert_non_null(cli_format_time_utc(text, INT64_MAX));
  assert_non_null(cli_format_time_utc(text, INT64_MIN));
  assert_string_equal(cli_format_duration(text, 0), "0:00");
  assert_string_equal(cli_format_duration(text, 65.4), "1:05");
  assert_string_equal(cli_format_duration(text, 3723), "1:02:03");
  assert_string_equal(cli_format_duration(text, 1e300), "1000000:00:00");
  assert_string_equal(cli_format_date(text, "20231114"), "2023-11-14");
  assert_string_equal(cli_format_date(text, "2023.11.14"), "2023.11.14");
  assert_string_equal(cli_format_date(text, ""), "");
}

int main(void) {
  setlocale(LC_CTYPE, "C.UTF-8");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(escape_keeps_good_text),
      cmocka_unit_test(escape_shows_what_terminals_obey),
      cmocka_unit_test(escape_shows_what_is_not_utf8),
      cmocka_unit_test(utf8_replaces_only_bad_bytes),
      cmocka_unit_test(width_counts_columns),
      cmocka_unit_test(numbers),
      cmocka_unit_test(times),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
