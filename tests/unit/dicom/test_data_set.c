/* Data sets in memory, by the reader of the front ends: sequences of every kind are passed over and read, what is not
 * whole is refused wherever it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "cassette/data_set.h"

#define SEQUENCE "\x08\x00\x40\x11SQ\0\0\xFF\xFF\xFF\xFF"
#define ITEM "\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF"
#define ITEM_END "\xFE\xFF\x0D\xE0\0\0\0\0"
#define SEQUENCE_END "\xFE\xFF\xDD\xE0\0\0\0\0"
#define PATIENT_ID                                                                                                     \
  "\x10\x00\x20\x00LO\4\0"                                                                                             \
  "4711"
#define LAST_TAG 0x00100020u

#define DATA_SET(text) ((struct cas_data_set){.rest = slice_of(text, sizeof(text) - 1), .explicit_vr = 1})

static void assert_value(const struct cas_element *element, const char *value) {
  assert_int_equal(element->value.size, strlen(value));
  assert_memory_equal(element->value.data, value, strlen(value));
}

/* The element behind the sequence, and the one within its only item. */
static void assert_reads(struct cas_data_set set, uint32_t sequence_tag, uint32_t inner_tag, const char *inner_value) {
  struct cas_element element, inner;
  struct cas_data_set item;
  assert_int_equal(cas_data_set_find(set, LAST_TAG, &element), CAS_OK);
  assert_value(&element, "4711");
  assert_int_equal(cas_data_set_find(set, sequence_tag, &element), CAS_OK);
  assert_true(element.has_items);
  struct cas_data_set items = cas_data_set_items(&set, &element);
  assert_int_equal(cas_data_set_next_item(&items, &item), CAS_OK);
  assert_int_equal(cas_data_set_find(item, inner_tag, &inner), CAS_OK);
  assert_value(&inner, inner_value);
  assert_int_equal(cas_data_set_next_item(&items, &item), CAS_END);
}

static void sequences_are_read_in_their_form(void **state) {
  (void)state;
  assert_reads(DATA_SET(SEQUENCE ITEM "\x08\x00\x50\x11UI\4\0"
                                      "1.23" ITEM_END SEQUENCE_END PATIENT_ID),
               0x00081140, 0x00081150, "1.23");
  assert_reads(DATA_SET("\x08\x00\x40\x11SQ\0\0\x14\0\0\0\xFE\xFF\x00\xE0\x0C\0\0\0\x08\x00\x50\x11UI\4\0"
                        "1.23" PATIENT_ID),
               0x00081140, 0x00081150, "1.23");
  /* PS3.5 6.2.2: an unknown VR of undefined length holds implicit items, in an explicit data set, too. */
  assert_reads(DATA_SET("\x09\x00\x10\x10UN\0\0\xFF\xFF\xFF\xFF" ITEM "\x09\x00\x50\x11\4\0\0\0"
                        "1.23" ITEM_END SEQUENCE_END PATIENT_ID),
               0x00091010, 0x00091150, "1.23");
  assert_reads(DATA_SET("\x09\x00\x10\x10UN\0\0\xFF\xFF\xFF\xFF" ITEM "\x09\x00\x50\x11UI\4\0"
                        "1.23" ITEM_END SEQUENCE_END PATIENT_ID),
               0x00091010, 0x00091150, "1.23");
  /* And these are little endian in a data set that is big endian. */
  struct cas_data_set big = DATA_SET("\x00\x09\x10\x10UN\0\0\xFF\xFF\xFF\xFF" ITEM "\x09\x00\x50\x11\4\0\0\0"
                                     "1.23" ITEM_END SEQUENCE_END "\x00\x10\x00\x20LO\0\4"
                                     "4711");
  big.big_endian = 1;
  assert_reads(big, 0x00091010, 0x00091150, "1.23");
}

/* A sequence in an item in a sequence, `depth` of them, and an element behind. */
static void nest(unsigned depth, struct cas_buffer *bytes) {
  bytes->size = 0;
  for (unsigned i = 0; i < depth; i++)
    assert_int_equal(cas_buffer_append(bytes, slice_of(SEQUENCE ITEM, sizeof SEQUENCE ITEM - 1)), CAS_OK);
  for (unsigned i = 0; i < depth; i++)
    assert_int_equal(cas_buffer_append(bytes, slice_of(ITEM_END SEQUENCE_END, sizeof ITEM_END SEQUENCE_END - 1)),
                     CAS_OK);
  assert_int_equal(cas_buffer_append(bytes, slice_of(PATIENT_ID, sizeof PATIENT_ID - 1)), CAS_OK);
}

static void nesting_ends_at_the_limit(void **state) {
  (void)state;
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  struct cas_element element;
  for (unsigned depth = 1; depth <= DICOM_NESTING_MAX + 1; depth++) {
    nest(depth, &bytes);
    const struct cas_data_set set = {.rest = slice_of_buffer(&bytes), .explicit_vr = 1};
    const cas_status expected = depth <= DICOM_NESTING_MAX ? CAS_OK : CAS_NOT_FOUND;
    assert_int_equal(cas_data_set_find(set, LAST_TAG, &element), expected);
  }
}

static void what_is_cut_is_refused(void **state) {
  (void)state;
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  struct cas_element element;
  nest(3, &bytes);
  const size_t sequence_size = bytes.size - (sizeof PATIENT_ID - 1);
  for (size_t size = 1; size < bytes.size; size++) {
    uint8_t *copy = malloc(size); /* so that a sanitizer sees what is read behind it */
    assert_non_null(copy);
    memcpy(copy, bytes.data, size);
    struct cas_data_set set = {.rest = slice_of(copy, size), .explicit_vr = 1};
    cas_status status;
    while ((status = cas_data_set_next(&set, &element)) == CAS_OK) continue;
    assert_int_equal(status, size == sequence_size ? CAS_END : CAS_CORRUPT);
    free(copy);
  }
}

static void what_stands_in_no_sequence_is_refused(void **state) {
  (void)state;
  struct cas_data_set sets[] = {
      DATA_SET(ITEM ITEM_END),                                             /* no sequence around it */
      DATA_SET(SEQUENCE_END),                                              /* ends nothing */
      DATA_SET(SEQUENCE PATIENT_ID SEQUENCE_END),                          /* an element among items */
      DATA_SET(SEQUENCE ITEM SEQUENCE_END ITEM_END SEQUENCE_END),          /* the wrong end */
      DATA_SET(SEQUENCE ITEM ITEM ITEM_END ITEM_END SEQUENCE_END),         /* an item among elements */
      DATA_SET(SEQUENCE "\xFE\xFF\x00\xE0\xFF\xFF\xFF\x7F" SEQUENCE_END)}; /* longer than there is */
  struct cas_element element;
  for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
    assert_int_equal(cas_data_set_next(&sets[i], &element), CAS_CORRUPT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sequences_are_read_in_their_form), cmocka_unit_test(nesting_ends_at_the_limit),
      cmocka_unit_test(what_is_cut_is_refused), cmocka_unit_test(what_stands_in_no_sequence_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
