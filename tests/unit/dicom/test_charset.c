/* The examples of PS3.5 annexes H to K, and text that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dicom/value_text.h"

static void assert_value(const char *specific, const char *vr, const char *raw, size_t size, bool is_cut,
                         const char *expected) {
  struct charset *charset;
  CLEANUP_BUFFER struct cas_buffer text = {0};
  struct raw_value value = {.vr = {vr[0], vr[1]}, .is_cut = is_cut, .bytes = slice_of(raw, size)};
  assert_int_equal(charset_create(slice_of(specific, strlen(specific)), &charset), CAS_OK);
  assert_int_equal(value_to_text(&value, charset, &text), CAS_OK);
  assert_int_equal(cas_buffer_append(&text, slice_of("", 1)), CAS_OK);
  assert_string_equal((const char *)text.data, expected);
  charset_destroy(charset);
}

static void assert_name(const char *specific, const char *raw, const char *expected) {
  assert_value(specific, "PN", raw, strlen(raw), false, expected);
}

static void single_byte(void **state) {
  (void)state;
  assert_name("ISO_IR 100", "Buc^J\xE9r\xF4me", "Buc^Jérôme");
  assert_name("ISO_IR 101", "\xB1\xE6", "ąć");
  assert_name("ISO_IR 109", "\xA1", "Ħ");
  assert_name("ISO_IR 110", "\xA1", "Ą");
  assert_name("ISO_IR 144", "\xBB\xEE\xDA", "Люк");
  assert_name("ISO_IR 127", "\xE2\xC8\xC7", "قبا");
  assert_name("ISO_IR 126", "\xC4\xE9\xEF", "Διο");
  assert_name("ISO_IR 138", "\xF9\xF8\xE5", "שרו");
  assert_name("ISO_IR 148", "\xD0\xFD", "Ğı");
  assert_name("ISO_IR 203", "\xA4", "€");
  assert_name("ISO_IR 166", "\xA1\xD2", "กา");
  assert_name("ISO_IR 13", "\xD4\xCF\xC0\xDE^\xC0\xDB\xB3", "ﾔﾏﾀﾞ^ﾀﾛｳ");
}

static void terms_as_they_are_misspelt(void **state) {
  (void)state;
  static const char *const terms[] = {"ISO_IR 100",  "ISO-IR 100",      "ISO IR 100",
                                      "iso_ir_100 ", "ISO 2022 IR 100", "ISO2022 IR 100"};
  for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) assert_name(terms[i], "\xC3\xBC", "Ã¼");
}

static void japanese(void **state) {
  (void)state;
  assert_name("\\ISO 2022 IR 87",
              "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
              "Yamada^Tarou=山田^太郎=やまだ^たろう");
  assert_name("ISO 2022 IR 13\\ISO 2022 IR 87",
              "\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
              "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう");
  assert_name("\\ISO 2022 IR 159", "\x1b$(D0!\x1b(B", "丂");
}

static void korean_and_chinese(void **state) {
  (void)state;
  assert_name("\\ISO 2022 IR 149",
              "Hong^Gildong=\x1b$)C\xFB\xF3^\x1b$)C\xD1\xCE\xD4\xD7=\x1b$)C\xC8\xAB^\x1b$)C\xB1\xE6\xB5\xBF",
              "Hong^Gildong=洪^吉洞=홍^길동");
  assert_name("\\ISO 2022 IR 58", "Zhang^XiaoDong=\x1b$)A\xD5\xC5^\x1b$)A\xD0\xA1\xB6\xAB=", "Zhang^XiaoDong=张^小东=");
  assert_name("GB18030", "Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=", "Wang^XiaoDong=王^小东=");
  assert_name("GBK", "\xCD\xF5", "王");
  assert_name("GB18030", "\x81\x30\x81\x30", "\xC2\x80");
  assert_name("ISO_IR 192", "Wang^XiaoDong=王^小東=", "Wang^XiaoDong=王^小東=");
}

static void several_sets_in_one_value(void **state) {
  (void)state;
  assert_name("\\ISO 2022 IR 100\\ISO 2022 IR 144", "\x1b-AJ\xF6rg \x1b-L\xBB\xEE\xDA", "Jörg Люк");
}

/* PS3.5 6.1.2.5.3: the first elements are in force again after ^, = and backslash. */
static void delimiters_reset(void **state) {
  (void)state;
  assert_name("\\ISO 2022 IR 144", "\x1b-L\xBB\xEE^\xBB", "Лю^\xEF\xBF\xBD");
  assert_name("ISO 2022 IR 100\\ISO 2022 IR 144", "\x1b-L\xBB=\xFC", "Л=ü");
  assert_value("ISO 2022 IR 100\\ISO 2022 IR 144", "LO", "\x1b-L\xBB^\xBB\\\xFC", 8, false, "Л^Л\\ü");
  assert_value("ISO 2022 IR 100\\ISO 2022 IR 144", "LT", "\x1b-L\xBB\\\xBB\r\n\xFC", 9, false, "Л\\Л\r\nü");
}

static void delimiters_inside_characters(void **state) {
  (void)state;
  assert_name("GB18030", "\x81\x5C^\x87\x5E", "乗^嘵");
  /* 0x3B5C in JIS X 0208 has a backslash for its second byte. */
  assert_name("\\ISO 2022 IR 87", "\x1b$B;\\\x1b(B\\x", "施\\x");
}

static void what_cannot_be_decoded(void **state) {
  (void)state;
  assert_name("ISO_IR 192", "a\xFF^\xC3", "a\xEF\xBF\xBD^\xEF\xBF\xBD");
  assert_name("ISO_IR 192", "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); /* a surrogate */
  assert_name("\\ISO 2022 IR 87", "\x1b$B;3E", "山\xEF\xBF\xBD");
  assert_name("\\ISO 2022 IR 87", "\x1b$X", "\xEF\xBF\xBD$X");
  assert_name("\\ISO 2022 IR 87", "\x1b$B;\x1b(BA",
              "\xEF\xBF\xBD"
              "A"); /* half a character */
  assert_name("\\ISO 2022 IR 149", "\xFB\xF3", "\xEF\xBF\xBD\xEF\xBF\xBD");
  assert_name("GB18030", "\x81", "\xEF\xBF\xBD");
  assert_value("ISO_IR 100", "LO", "a\0b", 3, false,
               "a\xEF\xBF\xBD"
               "b");
  assert_value("", "LO", "a\0b", 3, false,
               "a\xEF\xBF\xBD"
               "b");
  assert_value("ISO_IR 192", "LO", "a\0b", 3, false,
               "a\xEF\xBF\xBD"
               "b");
}

static void no_character_set(void **state) {
  (void)state;
  static const char *const terms[] = {"", "ISO_IR 999", "ISO_IR 6", "nonsense"};
  for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
    assert_name(terms[i], "M\xFCller", "Müller");
    assert_name(terms[i], "M\xC3\xBCller", "Müller");
    assert_name(terms[i], "M\xC3\xBCller\xFC", "MÃ¼llerü");
  }
}

static void values_that_were_cut(void **state) {
  (void)state;
  assert_value("ISO_IR 192", "LO", "ab\xE5\xB1", 4, true, "ab");
  assert_value("", "LO", "ab\xE5\xB1", 4, true, "ab");
  assert_value("GB18030", "LO", "ab\x81\x30\x81", 5, true, "ab");
  assert_value("\\ISO 2022 IR 87", "LO", "\x1b$B;3E", 6, true, "山");
  assert_value("\\ISO 2022 IR 87", "LO", "ab\x1b$", 4, true, "ab");
}

static void trimmed_as_the_vr_says(void **state) {
  (void)state;
  assert_value("", "LO", "  a b \\ c\\ \\d  ", 15, false, "a b\\c\\\\d");
  assert_value("", "LT", "  a b \\ c  ", 11, false, "  a b \\ c");
  assert_value("", "UI", "1.2.3\0", 6, false, "1.2.3");
  assert_value("", "UI", "1.2.3 \0", 7, false, "1.2.3");
  assert_value("", "PN", " A^B ^ ", 7, false, "A^B ^");
  assert_value("", "LO", "   ", 3, false, "");
  assert_value("", "CS", "", 0, false, "");
}

static void numbers(void **state) {
  (void)state;
  assert_value("", "US", "\x01\x00\xFF\xFF\x07", 5, false, "1\\65535");
  assert_value("", "SS", "\xFE\xFF", 2, false, "-2");
  assert_value("", "UL", "\xFF\xFF\xFF\xFF", 4, false, "4294967295");
  assert_value("", "SV", "\0\0\0\0\0\0\0\x80", 8, false, "-9223372036854775808");
  assert_value("", "US", "\x01", 1, false, "");
  assert_value("", "OB", "abc", 3, false, "");
}

static void first_numbers(void **state) {
  (void)state;
  static const struct {
    const char *vr, *text;
    bool is_number;
    uint64_t number;
  } cases[] = {{"IS", " 12 ", true, 12},     {"IS", "+7", true, 7},
               {"IS", "3\\4", true, 3},      {"IS", "", false, 0},
               {"IS", "-1", false, 0},       {"IS", "two", false, 0},
               {"IS", "1x", false, 0},       {"IS", "99999999999999999999", false, 0},
               {"US", "\x02\x01", true, 258}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct raw_value value = {.vr = {cases[i].vr[0], cases[i].vr[1]},
                              .bytes = slice_of(cases[i].text, strlen(cases[i].text))};
    uint64_t number = 0;
    assert_int_equal(value_to_number(&value, &number), cases[i].is_number);
    if (cases[i].is_number) assert_int_equal(number, cases[i].number);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(single_byte),
      cmocka_unit_test(terms_as_they_are_misspelt),
      cmocka_unit_test(japanese),
      cmocka_unit_test(korean_and_chinese),
      cmocka_unit_test(several_sets_in_one_value),
      cmocka_unit_test(delimiters_reset),
      cmocka_unit_test(delimiters_inside_characters),
      cmocka_unit_test(what_cannot_be_decoded),
      cmocka_unit_test(no_character_set),
      cmocka_unit_test(values_that_were_cut),
      cmocka_unit_test(trimmed_as_the_vr_says),
      cmocka_unit_test(numbers),
      cmocka_unit_test(first_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
