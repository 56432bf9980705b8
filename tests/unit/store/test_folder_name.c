/* Names in the tree: safe, readable, bounded. */
#include "synthetic.h"

#include "store/folder_name.h"

static struct cas_attributes *attributes_of(uint32_t tag, const char *value) {
  struct cas_attributes *attributes;
  assert_int_equal(cas_attributes_create(&attributes), CAS_OK);
  assert_int_equal(cas_attributes_set(attributes, tag, slice_of(value, strlen(value))), CAS_OK);
  return attributes;
}

static void set(struct cas_attributes *attributes, uint32_t tag, const char *value) {
  assert_int_equal(cas_attributes_set(attributes, tag, slice_of(value, strlen(value))), CAS_OK);
}

static void a_patient_is_id_and_name(void **state) {
  (void)state;
  struct folder_name name;
  struct cas_attributes *attributes = attributes_of(CAS_TAG_PATIENT_ID, "12345");
  set(attributes, CAS_TAG_PATIENT_NAME, "Müller^Hans=x=y");
  folder_name_patient(attributes, &name);
  assert_string_equal(name.text, "12345 Müller Hans");
  cas_attributes_destroy(attributes);
}

static void unsafe_characters_become_underscores(void **state) {
  (void)state;
  static const struct {
    const char *id, *expected;
  } cases[] = {
      {"../../x", "_._.._x"},
      {"..", "_."},
      {"a/b\\c", "a_b_c"},
      {"a\nb\x7F", "a_b_"},
      {"\xC2\x85", "_"},
      {"\xE2\x80\xAE"
       "x",
       "_x"},
      {"", "(no ID)"},
      {".hidden", "_hidden"},
      {"bad\xFFutf", "bad_utf"},
      {"  a   b ", "a b"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct folder_name name;
    struct cas_attributes *attributes = attributes_of(CAS_TAG_PATIENT_ID, cases[i].id);
    folder_name_patient(attributes, &name);
    assert_string_equal(name.text, cases[i].expected);
    cas_attributes_destroy(attributes);
  }
}

static void studies_series_and_instances_read_well(void **state) {
  (void)state;
  struct folder_name name;
  struct cas_attributes *attributes = attributes_of(CAS_TAG_STUDY_DATE, "20200131");
  set(attributes, CAS_TAG_STUDY_DESCRIPTION, "CT Thorax");
  set(attributes, CAS_TAG_ACCESSION_NUMBER, "A77");
  set(attributes, CAS_TAG_SERIES_NUMBER, "3");
  set(attributes, CAS_TAG_MODALITY, "CT");
  set(attributes, CAS_TAG_INSTANCE_NUMBER, "12");
  folder_name_study(attributes, &name);
  assert_string_equal(name.text, "2020-01-31 CT Thorax A77");
  folder_name_series(attributes, &name);
  assert_string_equal(name.text, "0003 CT");
  folder_name_instance(attributes, "1.2.3", 1, &name);
  assert_string_equal(name.text, "00012 1.2.3.dcm");
  folder_name_instance(attributes, "1.2.3", 2, &name);
  assert_string_equal(name.text, "00012 1.2.3.v2.dcm");
  cas_attributes_destroy(attributes);
}

static void long_values_are_cut_at_whole_characters(void **state) {
  (void)state;
  struct folder_name name;
  char value[1001];
  for (size_t i = 0; i < 1000; i += 2) memcpy(value + i, "ü", 2);
  value[1000] = '\0';
  struct cas_attributes *attributes = attributes_of(CAS_TAG_PATIENT_ID, value);
  set(attributes, CAS_TAG_PATIENT_NAME, value);
  folder_name_patient(attributes, &name);
  folder_name_distinguish(&name, "identity", 0);
  size_t length = strlen(name.text);
  assert_true(length <= FOLDER_NAME_BYTES_MAX);
  assert_int_equal(name.text[length - 10], ' ');
  assert_int_equal(name.text[length - 9], '~');
  cas_attributes_destroy(attributes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_patient_is_id_and_name),
      cmocka_unit_test(unsafe_characters_become_underscores),
      cmocka_unit_test(studies_series_and_instances_read_well),
      cmocka_unit_test(long_values_are_cut_at_whole_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
