#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dicom/attribute_codec.h"

static struct cas_slice slice_of_text(const char *text) { return slice_of(text, strlen(text)); }

static void the_table_ascends(void **state) {
  (void)state;
  size_t count;
  const struct cas_attribute_definition *table = cas_indexed_attributes(&count);
  assert_true(count > 50);
  for (size_t i = 0; i < count; i++) {
    char name[16];
    if (i > 0) assert_true(table[i - 1].tag < table[i].tag);
    assert_in_range(table[i].level, CAS_LEVEL_PATIENT, CAS_LEVEL_INSTANCE);
    assert_int_equal(strlen(table[i].vr), 2);
    assert_ptr_equal(cas_attribute_by_tag(table[i].tag), &table[i]);
    assert_ptr_equal(cas_attribute_by_name(table[i].keyword), &table[i]);
    snprintf(name, sizeof name, "%04x,%04X", table[i].tag >> 16, table[i].tag & 0xFFFF);
    assert_ptr_equal(cas_attribute_by_name(name), &table[i]);
  }
}

static void names_that_are_none(void **state) {
  (void)state;
  static const char *const names[] = {"",          "patientname", "0010,001",  "0010,00100",
                                      "0010 0010", "00100010",    "7FE0,0010", "00g0,0010"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) assert_null(cas_attribute_by_name(names[i]));
}

static void the_named_tags_are_indexed(void **state) {
  (void)state;
  assert_string_equal(cas_attribute_by_tag(CAS_TAG_PATIENT_NAME)->keyword, "PatientName");
  assert_string_equal(cas_attribute_by_tag(CAS_TAG_TRANSFER_SYNTAX_UID)->keyword, "TransferSyntaxUID");
  assert_int_equal(cas_attribute_by_tag(CAS_TAG_STUDY_DATE)->level, CAS_LEVEL_STUDY);
  assert_int_equal(cas_attribute_by_tag(CAS_TAG_MODALITY)->level, CAS_LEVEL_SERIES);
  assert_null(cas_attribute_by_tag(0x7FE00010));
}

/* Random settings against a plain array. */
static void a_set_is_a_map(void **state) {
  (void)state;
  struct cas_attributes *attributes;
  char model[200][40] = {{0}};
  bool is_set[200] = {false};
  assert_int_equal(cas_attributes_create(&attributes), CAS_OK);
  uint32_t x = 12345;
  for (int i = 0; i < 5000; i++) {
    x = x * 1664525 + 1013904223;
    uint32_t tag = x >> 8 & 127;
    snprintf(model[tag], sizeof model[tag], "%.*s%u", (int)(x >> 20 & 15), "abcdefghijklmnopq", x);
    is_set[tag] = true;
    assert_int_equal(cas_attributes_set(attributes, tag, slice_of_text(model[tag])), CAS_OK);
    uint32_t probe = x >> 16 & 127;
    const char *value = cas_attributes_get(attributes, probe);
    assert_int_equal(value != NULL, is_set[probe]);
    assert_string_equal(cas_attributes_text(attributes, probe), model[probe]);
  }
  size_t position = 0;
  struct cas_attribute attribute;
  uint32_t next = 0;
  while (cas_attributes_next(attributes, &position, &attribute)) {
    while (!is_set[next]) next++;
    assert_int_equal(attribute.tag, next);
    assert_string_equal(attribute.value, model[next++]);
  }
  assert_int_equal(next, 128);
  cas_attributes_destroy(attributes);
}

static void a_value_may_come_from_the_set(void **state) {
  (void)state;
  struct cas_attributes *attributes;
  assert_int_equal(cas_attributes_create(&attributes), CAS_OK);
  assert_int_equal(cas_attributes_set(attributes, 1, slice_of_text("one")), CAS_OK);
  for (uint32_t tag = 2; tag < 300; tag++)
    assert_int_equal(cas_attributes_set(attributes, tag, slice_of_text(cas_attributes_get(attributes, tag - 1))),
                     CAS_OK);
  assert_int_equal(cas_attributes_set(attributes, 1, slice_of_text(cas_attributes_get(attributes, 1))), CAS_OK);
  assert_string_equal(cas_attributes_get(attributes, 1), "one");
  assert_string_equal(cas_attributes_get(attributes, 299), "one");
  cas_attributes_destroy(attributes);
}

static void values_that_are_none(void **state) {
  (void)state;
  struct cas_attributes *attributes;
  char text[CAS_ATTRIBUTE_VALUE_MAX + 2];
  memset(text, 'x', sizeof text);
  assert_int_equal(cas_attributes_create(&attributes), CAS_OK);
  assert_int_equal(cas_attributes_set(attributes, 1, slice_of("a\0b", 3)), CAS_INVALID);
  assert_int_equal(cas_attributes_set(attributes, 1, slice_of(text, CAS_ATTRIBUTE_VALUE_MAX + 1)), CAS_INVALID);
  assert_null(cas_attributes_get(attributes, 1));
  assert_int_equal(cas_attributes_set(attributes, 1, slice_of(text, CAS_ATTRIBUTE_VALUE_MAX)), CAS_OK);
  assert_int_equal(strlen(cas_attributes_get(attributes, 1)), CAS_ATTRIBUTE_VALUE_MAX);
  assert_int_equal(cas_attributes_set(attributes, 1, slice_of(NULL, 0)), CAS_OK);
  assert_string_equal(cas_attributes_get(attributes, 1), "");
  cas_attributes_destroy(attributes);
}

static void encoded_and_decoded(void **state) {
  (void)state;
  struct cas_attributes *attributes, *decoded;
  CLEANUP_BUFFER struct cas_buffer all = {0}, series = {0}, again = {0};
  assert_int_equal(cas_attributes_create(&attributes), CAS_OK);
  assert_int_equal(cas_attributes_create(&decoded), CAS_OK);
  assert_int_equal(cas_attributes_set(attributes, CAS_TAG_MODALITY, slice_of_text("CT")), CAS_OK);
  assert_int_equal(cas_attributes_set(attributes, CAS_TAG_PATIENT_NAME, slice_of_text("M\xC3\xBCller")), CAS_OK);
  assert_int_equal(cas_attributes_set(attributes, CAS_TAG_SERIES_DESCRIPTION, slice_of_text("")), CAS_OK);
  assert_int_equal(attributes_encode(attributes, 0, &all), CAS_OK);
  assert_int_equal(attributes_encode(attributes, CAS_LEVEL_SERIES, &series), CAS_OK);
  assert_int_equal(all.size, 3 * 6 + 2 + 7);
  assert_int_equal(series.size, 2 * 6 + 2);
  assert_int_equal(attributes_decode(slice_of_buffer(&series), decoded), CAS_OK);
  assert_null(cas_attributes_get(decoded, CAS_TAG_PATIENT_NAME));
  assert_string_equal(cas_attributes_get(decoded, CAS_TAG_SERIES_DESCRIPTION), "");
  assert_int_equal(attributes_decode(slice_of_buffer(&all), decoded), CAS_OK);
  assert_int_equal(attributes_encode(decoded, 0, &again), CAS_OK);
  assert_true(slice_equal(slice_of_buffer(&all), slice_of_buffer(&again)));
  cas_attributes_destroy(attributes);
  cas_attributes_destroy(decoded);
}

static void corrupt_bytes_change_nothing(void **state) {
  (void)state;
  static const uint8_t good[] = {1, 0, 0, 0, 1, 0, 'a', 2, 0, 0, 0, 1, 0, 'b'};
  struct cas_attributes *attributes;
  assert_int_equal(cas_attributes_create(&attributes), CAS_OK);
  for (size_t size = 1; size < sizeof good; size++) {
    if (size != 7) assert_int_equal(attributes_decode(slice_of(good, size), attributes), CAS_CORRUPT);
  }
  static const uint8_t nul[] = {1, 0, 0, 0, 1, 0, 0};
  static const uint8_t descends[] = {2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
  static const uint8_t twice[] = {2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0};
  assert_int_equal(attributes_decode(slice_of(nul, sizeof nul), attributes), CAS_CORRUPT);
  assert_int_equal(attributes_decode(slice_of(descends, sizeof descends), attributes), CAS_CORRUPT);
  assert_int_equal(attributes_decode(slice_of(twice, sizeof twice), attributes), CAS_CORRUPT);
  size_t position = 0;
  struct cas_attribute attribute;
  assert_int_equal(cas_attributes_next(attributes, &position, &attribute), 0);
  assert_int_equal(attributes_decode(slice_of(good, sizeof good), attributes), CAS_OK);
  cas_attributes_destroy(attributes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_table_ascends),
      cmocka_unit_test(names_that_are_none),
      cmocka_unit_test(the_named_tags_are_indexed),
      cmocka_unit_test(a_set_is_a_map),
      cmocka_unit_test(a_value_may_come_from_the_set),
      cmocka_unit_test(values_that_are_none),
      cmocka_unit_test(encoded_and_decoded),
      cmocka_unit_test(corrupt_bytes_change_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
