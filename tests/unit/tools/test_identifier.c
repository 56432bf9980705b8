/* Identifiers of queries: what is written is read again, and nothing is believed beyond the bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "identifier.h"

static struct cas_slice text(const char *value) {
  return (struct cas_slice){.data = (const uint8_t *)value, .size = strlen(value)};
}

static void reads_what_it_wrote(void **state) {
  (void)state;
  for (int explicit_vr = 0; explicit_vr < 2; explicit_vr++) {
    struct cas_buffer bytes = {0};
    struct identifier identifier;
    assert_int_equal(identifier_put(&bytes, explicit_vr, 0x00080052, "CS", text("STUDY")), CAS_OK);
    assert_int_equal(identifier_put(&bytes, explicit_vr, 0x00081110, "SQ", text("")), CAS_OK);
    assert_int_equal(identifier_put(&bytes, explicit_vr, 0x0020000D, "UI", text("1.2.3")), CAS_OK);
    const struct cas_slice whole = {bytes.data, bytes.size};
    assert_int_equal(identifier_parse(whole, explicit_vr, &identifier, NULL), CAS_OK);
    assert_int_equal(identifier.count, 3);
    const struct identifier_key *uid = identifier_find(&identifier, 0x0020000D);
    assert_non_null(uid);
    assert_int_equal(uid->value.size, 5);
    assert_null(identifier_find(&identifier, 0x0020000E));
    cas_buffer_fini(&bytes);
  }
}

/* A sequence of undefined length with a nested one, then a key. */
static const uint8_t nested[] = {0x08, 0x00, 0x10, 0x11, 'S',  'Q',  0,    0,    0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0xFF,
                                 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF, 0x08, 0x00, 0x50, 0x11, 'U',  'I',  2,    0,
                                 '1',  0,    0xFE, 0xFF, 0x0D, 0xE0, 0,    0,    0,    0,    0xFE, 0xFF, 0xDD, 0xE0,
                                 0,    0,    0,    0,    0x10, 0x00, 0x20, 0x00, 'L',  'O',  2,    0,    'I',  'D'};

static void passes_over_sequences(void **state) {
  (void)state;
  struct identifier identifier;
  assert_int_equal(identifier_parse((struct cas_slice){nested, sizeof nested}, true, &identifier, NULL), CAS_OK);
  assert_int_equal(identifier.count, 2);
  assert_true(identifier.keys[0].is_sequence);
  assert_int_equal(identifier.keys[1].tag, 0x00100020);
}

static void refuses_what_is_cut_short(void **state) {
  (void)state;
  for (size_t size = 1; size < sizeof nested; size++) {
    struct identifier identifier;
    uint8_t *exact = test_malloc(size);
    memcpy(exact, nested, size);
    const cas_status status = identifier_parse((struct cas_slice){exact, size}, true, &identifier, NULL);
    assert_int_equal(status, size == sizeof nested - 10 ? CAS_OK : CAS_REFUSED);
    test_free(exact);
  }
}

static void refuses_endless_nesting(void **state) {
  (void)state;
  uint8_t deep[8 * 1000];
  static const uint8_t item[] = {0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF};
  for (size_t i = 0; i < sizeof deep; i += 8) memcpy(deep + i, item, 8);
  memcpy(deep, "\x08\0\x10\x11\xFF\xFF\xFF\xFF", 8);
  struct identifier identifier;
  assert_int_equal(identifier_parse((struct cas_slice){deep, sizeof deep}, false, &identifier, NULL), CAS_REFUSED);
}

static void text_becomes_utf_8_by_its_character_set(void **state) {
  (void)state;
  static const char name[] = {'R', (char)0xFC, 'd', '\0'};
  static const struct {
    const char *set, *text;
  } cases[] = {{"ISO_IR 100", "R\xC3\xBC"
                              "d"},
               {"ISO_IR 192", "R\xEF\xBF\xBD"
                              "d"},
               {"ISO_IR 144", "R\xD1\x9C"
                              "d"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct identifier identifier = {.count = 1};
    identifier.keys[0] = (struct identifier_key){.tag = CAS_TAG_SPECIFIC_CHARACTER_SET, .value = text(cases[i].set)};
    char copy[16];
    assert_true(identifier_text(&identifier, text(name), copy, sizeof copy));
    assert_string_equal(copy, cases[i].text);
    assert_true(identifier_text(&identifier, text("plain"), copy, sizeof copy));
    assert_false(identifier_text(&identifier, text("longer than that"), copy, sizeof copy));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_what_it_wrote),
      cmocka_unit_test(passes_over_sequences),
      cmocka_unit_test(refuses_what_is_cut_short),
      cmocka_unit_test(refuses_endless_nesting),
      cmocka_unit_test(text_becomes_utf_8_by_its_character_set),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
