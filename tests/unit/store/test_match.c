/* Matching of values with patterns (PS3.4 C.2.2.2). */
#include <locale.h>

#include "synthetic.h"

#include "store/match.h"

static void patterns_match_as_the_standard_says(void **state) {
  (void)state;
  static const struct {
    const char *vr, *pattern, *value;
    bool matches;
  } cases[] = {
      {"LO", "", "anything", true},
      {"LO", "abc", "ABC", true},
      {"LO", "abc", "abcd", false},
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
  locale_t folding = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (match_value(cases[i].vr, cases[i].pattern, cases[i].value, folding) != cases[i].matches)
      fail_msg("%s '%s' '%s'", cases[i].vr, cases[i].pattern, cases[i].value);
  freelocale(folding);
}

static void a_hostile_pattern_ends_soon(void **state) {
  (void)state;
  char value[1000], pattern[200];
  memset(value, 'a', sizeof value - 1);
  value[sizeof value - 1] = '\0';
  for (size_t i = 0; i < sizeof pattern - 2; i += 2) memcpy(pattern + i, "a*", 2);
  memcpy(pattern + sizeof pattern - 2, "b", 2);
  assert_false(match_value("LO", pattern, value, (locale_t)0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(patterns_match_as_the_standard_says),
      cmocka_unit_test(a_hostile_pattern_ends_soon),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
