/* Damaged objects: the right defect, at the right byte, and all bytes all the same. */
#include "scan_recorder.h"

static void assert_defect(const struct object *object, enum dicom_defect defect, uint64_t offset) {
  struct scan scan;
  scan_in_pieces(&scan, object_slice(object), 7);
  assert_string_equal(dicom_defect_text(scan.summary->defect), dicom_defect_text(defect));
  assert_int_equal(scan.summary->defect_offset, offset);
  if (defect == DICOM_DEFECT_NONE)
    assert_int_equal(scan.summary->defects, 0);
  else
    assert_true(scan.summary->defects & 1u << defect);
  scan_fini(&scan);
}

static void assert_text(const struct object *object, uint32_t tag, const char *text) {
  struct scan scan;
  scan_whole(&scan, object_slice(object));
  assert_string_equal(scan_text(&scan, tag), text);
  scan_fini(&scan);
}

static void not_dicom(void **state) {
  (void)state;
  static const char *const texts[] = {"", "x", "This is a text that is longer than a data element has bytes.\n",
                                      "\x89PNG\r\n\x1A\n0000IHDR"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct object object = {0};
    put_bytes(&object, texts[i], strlen(texts[i]));
    struct scan scan;
    scan_whole(&scan, object_slice(&object));
    assert_int_equal(scan.summary->defect, DICOM_DEFECT_NOT_DICOM);
    assert_string_equal(scan.summary->sop_instance_uid, "");
    scan_fini(&scan);
    object_fini(&object);
  }
}

static void long_bytes_that_are_not_dicom(void **state) {
  (void)state;
  struct object object = {0};
  struct scan scan;
  put_noise(&object, 10000000);
  scan_in_pieces(&scan, object_slice(&object), 100000);
  assert_int_equal(scan.summary->defect, DICOM_DEFECT_NOT_DICOM);
  assert_string_equal(scan_cuts(&scan), "H65536 B4194304 B4194304 B1545856");
  scan_fini(&scan);
  object_fini(&object);
}

/* Every beginning of an object, and what is said of it. */
static void truncated(void **state) {
  (void)state;
  struct object object;
  object_begin(&object, EXPLICIT_LITTLE);
  size_t ends[16], count = 0;
  ends[count++] = object.bytes.size;
  put_header(&object, 0x00081140, "SQ", 0xFFFFFFFF);
  put_header(&object, 0xFFFEE000, NULL, 0xFFFFFFFF);
  put_text(&object, 0x00100020, "LO", "inside");
  put_header(&object, 0xFFFEE00D, NULL, 0);
  put_header(&object, 0xFFFEE0DD, NULL, 0);
  ends[count++] = object.bytes.size;
  put_picture(&object, (struct picture){.rows = 4, .columns = 4, .samples = 1, .bits = 8});
  size_t before_pixels = object.bytes.size;
  put_header(&object, 0x7FE00010, "OB", 16);
  put_noise(&object, 16);
  ends[count++] = object.bytes.size;
  for (size_t size = ends[0]; size <= object.bytes.size; size++) {
    struct scan scan;
    scan_whole(&scan, slice_of(object.bytes.data, size));
    bool at_end = false;
    for (size_t i = 0; i < count; i++) at_end |= size == ends[i];
    bool is_between = size > ends[1] && size <= before_pixels; /* there elements end as well */
    if (!is_between) assert_int_equal(scan.summary->defect, at_end ? DICOM_DEFECT_NONE : DICOM_DEFECT_TRUNCATED);
    scan_fini(&scan);
  }
  object_fini(&object);
}

static void truncated_fragments(void **state) {
  (void)state;
  struct object object;
  object_begin(&object, JPEG_BASELINE);
  put_header(&object, 0x7FE00010, "OB", 0xFFFFFFFF);
  put_header(&object, 0xFFFEE000, NULL, 0);
  put_header(&object, 0xFFFEE000, NULL, 100);
  put_noise(&object, 100);
  put_bytes(&object, "\xFE\xFF\xDD", 3);
  struct scan scan;
  scan_whole(&scan, object_slice(&object));
  assert_int_equal(scan.summary->defect, DICOM_DEFECT_TRUNCATED);
  assert_non_null(strstr(scan_cuts(&scan), " G100 H3"));
  scan_fini(&scan);
  object_fini(&object);
}

static void no_data_set(void **state) {
  (void)state;
  struct object object = {0};
  put_part10(&object, EXPLICIT_LITTLE);
  assert_defect(&object, DICOM_DEFECT_TRUNCATED, object.bytes.size);
  object_fini(&object);
}

static void trailing_bytes(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t size;
  } tails[] = {{"\0", 1}, {"\0\0\0\0\0\0\0\0", 8}, {"\x08\0\x18\0UI\2\0 9", 10}, {"\x01\x80zz\xFF\xFF..", 8}};
  for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
    struct object object;
    object_begin(&object, EXPLICIT_LITTLE);
    put_picture(&object, (struct picture){.rows = 4, .columns = 4, .samples = 1, .bits = 8});
    put_header(&object, 0x7FE00010, "OB", 16);
    put_noise(&object, 16);
    size_t end = object.bytes.size;
    put_bytes(&object, tails[i].bytes, tails[i].size);
    assert_defect(&object, DICOM_DEFECT_TRAILING_BYTES, end);
    assert_text(&object, CAS_TAG_SOP_INSTANCE_UID, "1.2.3.4");
    object_fini(&object);
  }
}

static void nesting(void **state) {
  (void)state;
  for (unsigned depth = DICOM_NESTING_MAX; depth <= DICOM_NESTING_MAX + 1; depth++) {
    struct object object;
    object_begin(&object, EXPLICIT_LITTLE);
    for (unsigned i = 0; i < depth; i++) {
      put_header(&object, 0x0040A730, "SQ", 0xFFFFFFFF);
      put_header(&object, 0xFFFEE000, NULL, 0xFFFFFFFF);
    }
    size_t innermost = object.bytes.size - 20;
    for (unsigned i = 0; i < depth; i++) {
      put_header(&object, 0xFFFEE00D, NULL, 0);
      put_header(&object, 0xFFFEE0DD, NULL, 0);
    }
    put_text(&object, 0x0040A491, "CS", "COMPLETE");
    bool is_too_deep = depth > DICOM_NESTING_MAX;
    assert_defect(&object, is_too_deep ? DICOM_DEFECT_NESTING : DICOM_DEFECT_NONE, is_too_deep ? innermost : 0);
    assert_text(&object, 0x0040A491, "COMPLETE"); /* the parser stays in step */
    object_fini(&object);
  }
}

/* Missing and stray delimiters are made up for. */
static void delimiters(void **state) {
  (void)state;
  for (int missing = 0; missing < 3; missing++) {
    struct object object;
    object_begin(&object, EXPLICIT_LITTLE);
    put_header(&object, 0x00081140, "SQ", 0xFFFFFFFF);
    put_header(&object, 0xFFFEE000, NULL, 0xFFFFFFFF);
    put_text(&object, 0x00080060, "CS", "MR");
    if (missing != 0) /* another item begins in the item */
      put_header(&object, 0xFFFEE00D, NULL, 0);
    put_header(&object, 0xFFFEE000, NULL, 0xFFFFFFFF);
    if (missing != 1) /* the sequence ends in the item */
      put_header(&object, 0xFFFEE00D, NULL, 0);
    if (missing != 2) /* an element where an item is due */
      put_header(&object, 0xFFFEE0DD, NULL, 0);
    put_text(&object, 0x00100040, "CS", "F");
    struct scan scan;
    scan_whole(&scan, object_slice(&object));
    assert_int_equal(scan.summary->defects, 1u << DICOM_DEFECT_STRUCTURE);
    assert_string_equal(scan_text(&scan, CAS_TAG_PATIENT_SEX), "F");
    assert_null(cas_attributes_get(scan.summary->attributes, CAS_TAG_MODALITY));
    scan_fini(&scan);
    object_fini(&object);
  }
}

/* A sequence that ends inside its item ends the item too: what is around it stays in step. */
static void a_sequence_end_inside_an_item(void **state) {
  (void)state;
  struct object object;
  object_begin(&object, EXPLICIT_LITTLE);
  put_header(&object, 0x00081140, "SQ", 0xFFFFFFFF);
  put_header(&object, 0xFFFEE000, NULL, 0xFFFFFFFF);
  put_header(&object, 0x00081199, "SQ", 0xFFFFFFFF);
  put_header(&object, 0xFFFEE000, NULL, 0xFFFFFFFF);
  put_text(&object, 0x00080060, "CS", "MR");
  put_header(&object, 0xFFFEE0DD, NULL, 0);
  put_header(&object, 0xFFFEE00D, NULL, 0);
  put_header(&object, 0xFFFEE0DD, NULL, 0);
  put_text(&object, 0x00100040, "CS", "F");
  assert_text(&object, CAS_TAG_MODALITY, "");
  assert_text(&object, CAS_TAG_PATIENT_SEX, "F");
  object_fini(&object);
}

static void the_first_of_two_values_stands(void **state) {
  (void)state;
  struct object object;
  object_begin(&object, EXPLICIT_LITTLE);
  for (int i = 0; i < 200; i++) /* more than values are captured */
    put_text(&object, 0x00100020, "LO", "second");
  put_text(&object, 0x00080018, "UI", "9.9.9");
  assert_text(&object, CAS_TAG_PATIENT_ID, "ID 7");
  put_text(&object, 0x00100040, "CS", "F");
  assert_text(&object, CAS_TAG_SOP_INSTANCE_UID, "1.2.3.4");
  assert_text(&object, CAS_TAG_PATIENT_SEX, "F");
  object_fini(&object);
}

static void meta_group(void **state) {
  (void)state;
  struct object object;
  object_begin(&object, EXPLICIT_LITTLE);
  struct scan scan;
  scan_whole(&scan, object_slice(&object));
  uint64_t data_set_offset = scan.summary->data_set_offset;
  scan_fini(&scan);
  object.bytes.data[140] ^= 2; /* the group length */
  assert_defect(&object, DICOM_DEFECT_META, data_set_offset);
  assert_text(&object, CAS_TAG_PATIENT_ID, "ID 7");
  object_fini(&object);
}

static void uids_that_name_nothing(void **state) {
  (void)state;
  char long_uid[140] = {0};
  memset(long_uid, '1', sizeof long_uid - 2);
  static const char mark[] = "\xEF\xBF\xBD";
  struct object object = {0};
  struct scan scan;
  put_part10(&object, EXPLICIT_LITTLE);
  put_text(&object, 0x00080016, "UI", "");
  put_text(&object, 0x00080018, "UI", long_uid);
  scan_whole(&scan, object_slice(&object));
  assert_int_equal(strlen(scan.summary->sop_instance_uid), DICOM_UID_BYTES_MAX);
  assert_string_equal(scan.summary->sop_instance_uid + DICOM_UID_BYTES_MAX - 3, mark);
  assert_string_equal(scan.summary->sop_class_uid, "1.2.840.10008.5.1.4.1.1.7"); /* of the meta group */
  scan_fini(&scan);
  object_fini(&object);

  object = (struct object){0};
  put_part10(&object, EXPLICIT_LITTLE);
  put_header(&object, 0x00080018, "UI", 6);
  put_bytes(&object, "1.2\0.3", 6);
  scan_whole(&scan, object_slice(&object));
  assert_string_equal(scan.summary->sop_instance_uid, "1.2\xEF\xBF\xBD.3");
  scan_fini(&scan);
  object_fini(&object);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(not_dicom),
      cmocka_unit_test(long_bytes_that_are_not_dicom),
      cmocka_unit_test(truncated),
      cmocka_unit_test(truncated_fragments),
      cmocka_unit_test(no_data_set),
      cmocka_unit_test(trailing_bytes),
      cmocka_unit_test(nesting),
      cmocka_unit_test(delimiters),
      cmocka_unit_test(a_sequence_end_inside_an_item),
      cmocka_unit_test(the_first_of_two_values_stands),
      cmocka_unit_test(meta_group),
      cmocka_unit_test(uids_that_name_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
