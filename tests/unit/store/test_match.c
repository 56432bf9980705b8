/* Matching of values with patterns (PS3.4 C.2.2.2). */
#include "synthetic.h"

#include "store/match.h"

static bool matches(const char *vr, const char *pattern, const char *value) {
  struct match_key key;
  struct cas_error error = {0};
  bool met = false;
  if (match_key_init(&key, vr, pattern, &error) != CAS_OK) fail_msg("%s '%s': %s", vr, pattern, error.message);
  assert_int_equal(match_test(&key, value, &met), CAS_OK);
  match_key_fini(&key);
  return met;
}

static const struct {
  const char *vr, *pattern, *value;
  bool matches;
} cases[] = {
    {"LO", "", "anything", true},
    {"LO", "* *", "", true},
    {"DA", "*", "", true},
    {"LO", "abc", "abc", true},
    {"LO", "abc", "ABC", false},
    {"LO", "abc", "abcd", false},
    {"LO", "abc", "", false},
    {"LO", "\"\"", "", true},
    {"DA", "\"\"", "", true},
    {"LO", "\"\"", "abc", false},
    {"LO", "\"\"\\abc", "abc", true},
    {"CS", "CT\\M*", "MR", true},
    {"CS", "CT\\M*", "ct", false},
    {"LO", "a?c",
     "a\xC3\xA4"
     "c",
     true},
    {"ST", "a\\b", "a\\b", true},
    {"ST", "a\\b", "a", false},
    {"UT", "a*", "a\\b", true},
    {"PN", "doe^john", "DOE^JOHN^^^", true},
    {"PN", "Doe^John^", "DOE^JOHN", true},
    {"PN", "doe", "DOE^JOHN", false},
    {"PN", "doe^*", "DOE", true},
    {"PN", "doe^*^x*", "DOE^JOHN", false},
    {"PN", "doe^j*^*", "DOE^JOHN", true},
    {"PN", "jose", "JOS\xC3\x89", true},
    {"PN", "JOSE\xCC\x81", "Jos\xC3\xA9", true},
    {"PN", "strasse",
     "Stra\xC3\x9F"
     "e",
     true},
    {"PN", "山田^太郎", "Yamada^Tarou=山田^太郎=やまだ^たろう", true},
    {"PN", "yamada^*", "Yamada^Tarou=山田^太郎=やまだ^たろう", true},
    {"PN", "yamada^tarou=山田*", "Yamada^Tarou=山田^太郎=やまだ^たろう", true},
    {"PN", "yamada^tarou=川田*", "Yamada^Tarou=山田^太郎=やまだ^たろう", false},
    {"PN", "=山田*", "Yamada^Tarou=山田^太郎=やまだ^たろう", true},
    {"PN", "=yamada*", "Yamada^Tarou=山田^太郎=やまだ^たろう", false},
    {"PN", "\xEF\xBE\x94\xEF\xBE\x8F\xEF\xBE\x80\xEF\xBE\x9E", "ヤマダ", true},
    {"AS", "0?0Y", "030Y", false},
    {"UI", "1.2.*", "1.2.3", false},
    {"DT", "20200101", "202001010000", true},
    {"DT", "20200101-20200131", "20200131235959.999999", true},
    {"DT", "202001011200+0100-", "202001011130", true},
    {"DT", "202001011200-0500", "202001011700+0000", true},
    {"DT", "202001011200-0500-202001011300-0500", "202001011730+0000", true},
    {"DA", "20200101", "2020.01.01", true},
    {"DA", "20200101\\20200303", "20200303", true},
    {"DA", "20200101-20201231", "garbage", false},
    {"TM", "10:23:45", "102345.000", true},
    {"TM", "1023", "102300", true},
    {"TM", "1023", "102301", false},
    {"TM", "0800 - 0900", "090059.999999", true},
    {"IS", "5", "+05", true},
    {"IS", "1", "1A", false},
    {"DS", "1.50", "1.5", true},
    {"PN", "M*LLER*", "müller^hans", true},
    {"PN", "MÜLLER*", "müller^hans", true},
    {"PN", "m?ller*", "Müller^Hans", true},
    {"CS", "a*b*c", "aXbYbZc", true},
    {"CS", "a*b*c", "aXbYbZ", false},
    {"LO", "b", "a\\b", true},
    {"UI", "1.2\\1.3", "1.3", true},
    {"UI", "1.2\\1.3", "1", false},
    {"UI", "1.2", "1.2.3", false},
    {"DA", "20200101-20201231", "20200615", true},
    {"DA", "20200101-20201231", "20210101", false},
    {"DA", "20200101-", "20210101", true},
    {"DA", "-20200101", "20200101", true},
    {"DA", "20200101-", "", false},
    {"TM", "08-09", "093000", true},
    {"TM", "08-09", "100000", false},
    {"IS", "5", "05", true},
    {"IS", "5", "50", false},
    {"IS", "5-10", "7", true},
    {"IS", "5-10", "11", false},
    {"IS", "-10", "-10", true},
};

static void patterns_match_as_the_standard_says(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (matches(cases[i].vr, cases[i].pattern, cases[i].value) != cases[i].matches)
      fail_msg("%s '%s' '%s'", cases[i].vr, cases[i].pattern, cases[i].value);
}

static void a_hostile_pattern_ends_soon(void **state) {
  (void)state;
  char value[1000], pattern[200];
  memset(value, 'a', sizeof value - 1);
  value[sizeof value - 1] = '\0';
  for (size_t i = 0; i < sizeof pattern - 2; i += 2) memcpy(pattern + i, "a*", 2);
  memcpy(pattern + sizeof pattern - 2, "b", 2);
  assert_false(matches("LO", pattern, value));
}

static void what_is_no_value_is_refused(void **state) {
  (void)state;
  static const char *const wrong[][2] = {{"DA", "2020"}, {"DA", "20201301"}, {"DA", "20200230"}, {"DA", "2020*"},
                                         {"TM", "25"},   {"TM", "1060"},     {"TM", "10-11-12"}, {"DT", "-"},
                                         {"IS", "five"}, {"IS", "5*"},       {"DS", "1-2-3"},    {"DA", "-"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct match_key key;
    if (match_key_init(&key, wrong[i][0], wrong[i][1], NULL) != CAS_INVALID)
      fail_msg("%s '%s' was taken", wrong[i][0], wrong[i][1]);
  }
}

static bool together(const char *dates, const char *times, const char *date, const char *time) {
  struct match_key date_key, time_key;
  assert_int_equal(match_key_init(&date_key, "DA", dates, NULL), CAS_OK);
  assert_int_equal(match_key_init(&time_key, "TM", times, NULL), CAS_OK);
  assert_true(match_key_is_span(&date_key) && match_key_is_span(&time_key));
  const bool met = match_together(&date_key, &time_key, date, time);
  match_key_fini(&date_key);
  match_key_fini(&time_key);
  return met;
}

static void a_date_and_its_time_are_one_range(void **state) {
  (void)state;
  assert_true(together("20060705-20060707", "1000-1800", "20060706", "0300"));
  assert_true(together("20060705-20060707", "1000-1800", "20060707", "180059"));
  assert_false(together("20060705-20060707", "1000-1800", "20060705", "0959"));
  assert_false(together("20060705-20060707", "1000-1800", "20060707", "1801"));
  assert_true(together("20060705-", "1000-", "20070101", "0000"));
  assert_false(together("20060705-", "1000-", "20060705", "0000"));
  assert_true(together("-20060705", "-1000", "20060704", "2300"));
  assert_true(together("20060705-20060707", "1000-1800", "20060705", ""));
  assert_false(together("20060705-20060707", "1000-1800", "", "1200"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(patterns_match_as_the_standard_says),
      cmocka_unit_test(a_hostile_pattern_ends_soon),
      cmocka_unit_test(what_is_no_value_is_refused),
      cmocka_unit_test(a_date_and_its_time_are_one_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
