/* Are copies of an object new objects that differ only where they should, whatever pieces they are read in? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "object_copy.h"
#include "object_set.h"
#include "synthetic_object.h"

static cas_status append(void *arg, struct cas_slice bytes, struct cas_error *error) {
  (void)error;
  return cas_buffer_append(arg, bytes);
}

static struct cas_buffer make(struct synthetic_series *series) {
  struct cas_buffer bytes = {0};
  struct cas_error error = {0};
  assert_int_equal(synthetic_series_complete(series, &error), CAS_OK);
  assert_int_equal(synthetic_object_write(series, 0, append, &bytes, &error), CAS_OK);
  return bytes;
}

static struct cas_slice slice_of(const struct cas_buffer *bytes) {
  return (struct cas_slice){.data = bytes->data, .size = bytes->size};
}

static uint8_t *read_copy(const struct object_copy *copy, size_t step) {
  uint8_t *bytes = malloc(copy->original.size);
  assert_non_null(bytes);
  for (size_t at = 0; at < copy->original.size; at += step)
    object_copy_read(copy, at, bytes + at, copy->original.size - at < step ? copy->original.size - at : step);
  return bytes;
}

static bool in_uid(const struct object_layout *layout, size_t at) {
  for (size_t i = 0; i < layout->uid_count; i++)
    if (at >= layout->uids[i].offset && at < layout->uids[i].offset + layout->uids[i].size) return true;
  return false;
}

static void test_copies_differ_where_they_should(void **state) {
  (void)state;
  struct synthetic_series series = {.rows = 300, .columns = 400, .seed = 3};
  struct cas_buffer bytes = make(&series);
  struct object_layout layout;
  struct cas_error error = {0};
  assert_int_equal(object_layout_parse(slice_of(&bytes), &layout, &error), CAS_OK);
  assert_int_equal(layout.uid_count, 4);
  assert_int_equal(layout.pixel_count, 1);
  assert_int_equal(layout.pixels[0].size, 300 * 400 * 2);
  assert_int_equal(layout.sample_bytes, 2);
  struct object_copy copies[2];
  for (size_t i = 0; i < 2; i++)
    assert_int_equal(object_copy_init(&copies[i], slice_of(&bytes), &layout, 9, i, &error), CAS_OK);
  assert_string_not_equal(copies[0].sop_instance_uid, copies[1].sop_instance_uid);
  assert_memory_equal(copies[0].sop_instance_uid, "2.25.", 5);
  uint8_t *first = read_copy(&copies[0], bytes.size), *second = read_copy(&copies[1], bytes.size);
  bool changed[4] = {false}, distinct[4] = {false};
  for (size_t at = 0; at < bytes.size; at++) {
    if (at >= layout.pixels[0].offset) {
      const size_t piece = (at - layout.pixels[0].offset) / OBJECT_COPY_PIECE_BYTES;
      changed[piece] = changed[piece] || first[at] != bytes.data[at];
      distinct[piece] = distinct[piece] || first[at] != second[at];
    } else if (!in_uid(&layout, at)) {
      assert_int_equal(first[at], bytes.data[at]);
    }
  }
  for (size_t piece = 0; piece < 4; piece++) assert_true(changed[piece] && distinct[piece]);
  /* The file's own identity and that of its meta group are one, and it is what the copy says. */
  struct object_layout again;
  const struct cas_slice copied = {.data = first, .size = bytes.size};
  assert_int_equal(object_layout_parse(copied, &again, &error), CAS_OK);
  assert_memory_equal(first + again.sop_instance_uid.offset, copies[0].sop_instance_uid, again.sop_instance_uid.size);
  assert_memory_equal(first + again.uids[0].offset, copies[0].sop_instance_uid, again.uids[0].size);
  object_layout_fini(&again);
  free(first);
  free(second);
  object_layout_fini(&layout);
  cas_buffer_fini(&bytes);
}

static void test_reading_in_pieces_is_the_same(void **state) {
  (void)state;
  struct synthetic_series series = {.kind = PHANTOM_MR, .rows = 200, .columns = 201, .bits = 8, .frames = 3, .seed = 4};
  struct cas_buffer bytes = make(&series);
  struct object_layout layout;
  struct object_copy copy;
  struct cas_error error = {0};
  assert_int_equal(object_layout_parse(slice_of(&bytes), &layout, &error), CAS_OK);
  assert_int_equal(object_copy_init(&copy, slice_of(&bytes), &layout, 1, 12345, &error), CAS_OK);
  uint8_t *whole = read_copy(&copy, bytes.size);
  static const size_t steps[] = {1, 7, 64, 4096, 65537};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    uint8_t *pieces = read_copy(&copy, steps[i]);
    assert_memory_equal(pieces, whole, bytes.size);
    free(pieces);
  }
  object_copy_init_same(&copy, slice_of(&bytes), &layout);
  uint8_t *same = read_copy(&copy, 4096);
  assert_memory_equal(same, bytes.data, bytes.size);
  free(same);
  free(whole);
  object_layout_fini(&layout);
  cas_buffer_fini(&bytes);
}

static void expect_refused(struct cas_slice file, const char *why) {
  struct object_layout layout;
  struct cas_error error = {0};
  assert_int_not_equal(object_layout_parse(file, &layout, &error), CAS_OK);
  assert_non_null(strstr(error.message, why));
  object_layout_fini(&layout);
}

static void test_what_is_no_object_is_refused(void **state) {
  (void)state;
  struct synthetic_series series = {.rows = 8, .columns = 8};
  struct cas_buffer bytes = make(&series);
  expect_refused((struct cas_slice){0}, "preamble");
  for (size_t size = 1; size < bytes.size; size++) { /* cut anywhere: an answer, and no byte beyond is read */
    uint8_t *cut = malloc(size);
    assert_non_null(cut);
    memcpy(cut, bytes.data, size);
    struct object_layout layout;
    struct cas_error error = {0};
    (void)!object_layout_parse((struct cas_slice){.data = cut, .size = size}, &layout, &error);
    object_layout_fini(&layout);
    free(cut);
  }
  cas_buffer_fini(&bytes);
  struct object_set set = {0};
  struct cas_error error = {0};
  assert_int_equal(object_set_add_file(&set, TEST_DATA "/formats/pydicom/ExplVR_BigEnd.dcm", &error), CAS_UNSUPPORTED);
  assert_int_equal(object_set_add_file(&set, TEST_DATA "/formats/pydicom/no_meta.dcm", &error), CAS_REFUSED);
  assert_int_equal(object_set_add_file(&set, TEST_DATA "/formats/pydicom/nothing", &error), CAS_IO);
  assert_int_equal(set.count, 0);
  object_set_fini(&set);
}

static void test_encapsulated_fragments_change_and_their_frame_does_not(void **state) {
  (void)state;
  struct object_set set = {0};
  struct cas_error error = {0};
  assert_int_equal(object_set_add_file(&set, TEST_DATA "/formats/pydicom/JPEG2000.dcm", &error), CAS_OK);
  const struct object *object = &set.objects[0];
  assert_true(object->layout.pixel_count >= 1);
  struct object_copy copy;
  assert_int_equal(object_copy_init(&copy, object->bytes, &object->layout, 1, 1, &error), CAS_OK);
  uint8_t *bytes = read_copy(&copy, 1000);
  size_t changes = 0;
  const size_t start = object->layout.pixels[0].offset;
  for (size_t at = start; at < object->bytes.size; at++) changes += bytes[at] != object->bytes.data[at];
  assert_true(changes >= object->layout.pixel_count);
  struct object_layout again;
  assert_int_equal(object_layout_parse((struct cas_slice){.data = bytes, .size = object->bytes.size}, &again, &error),
                   CAS_OK);
  assert_int_equal(again.pixel_count, object->layout.pixel_count);
  object_layout_fini(&again);
  free(bytes);
  object_set_fini(&set);
}

static void test_a_short_uid_cannot_be_replaced(void **state) {
  (void)state;
  static const uint8_t file[] = "1.2.3.4";
  struct object_layout layout = {.uids = {{.offset = 0, .size = 7}}, .uid_count = 1};
  struct object_copy copy;
  struct cas_error error = {0};
  const struct cas_slice bytes = {.data = file, .size = 7};
  assert_int_equal(object_copy_init(&copy, bytes, &layout, 1, 1, &error), CAS_REFUSED);
  assert_non_null(strstr(error.message, "1.2.3.4"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_copies_differ_where_they_should),
      cmocka_unit_test(test_reading_in_pieces_is_the_same),
      cmocka_unit_test(test_what_is_no_object_is_refused),
      cmocka_unit_test(test_encapsulated_fragments_change_and_their_frame_does_not),
      cmocka_unit_test(test_a_short_uid_cannot_be_replaced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
