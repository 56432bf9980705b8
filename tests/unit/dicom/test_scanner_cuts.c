/* Where values are cut: frames, rows, planes, fragments, long values. */
#include "scan_recorder.h"

static void assert_cuts(const struct object *object, const char *expected_behind_header, uint32_t defects) {
  struct scan scan;
  scan_in_pieces(&scan, object_slice(object), 65536);
  const char *behind = strchr(scan_cuts(&scan), ' ');
  assert_string_equal(behind != NULL ? behind + 1 : "", expected_behind_header);
  assert_int_equal(scan.summary->defects, defects);
  struct scan odd;
  scan_in_pieces(&odd, object_slice(object), 1009);
  assert_string_equal(scan_cuts(&odd), scan_cuts(&scan));
  scan_fini(&odd);
  scan_fini(&scan);
}

/* An object with native pixel data of `size` bytes. */
static void native(struct picture picture, uint32_t size, const char *expected, uint32_t defects) {
  struct object object;
  object_begin(&object, EXPLICIT_LITTLE);
  put_picture(&object, picture);
  put_header(&object, 0x7FE00010, "OW", size);
  put_noise(&object, size);
  assert_cuts(&object, expected, defects);
  object_fini(&object);
}

static const uint32_t pixels_defect = 1u << DICOM_DEFECT_PIXELS;

static void frames(void **state) {
  (void)state;
  struct picture grey = {.rows = 16, .columns = 16, .samples = 1, .bits = 16};
  native(grey, 512, "F512:16x16", 0);
  grey.frames = "2";
  native(grey, 1024, "F512:16x16 F512:16x16", 0);
  native(grey, 512, "F512:16x16", pixels_defect);
  native(grey, 1536, "F512:16x16 F512:16x16 F512:16x16", pixels_defect);
  native((struct picture){.rows = 15, .columns = 15, .samples = 3, .bits = 8}, 676, "F675:15x15 H1", 0);
  native((struct picture){.rows = 15, .columns = 15, .samples = 3, .bits = 8, .planar = 1}, 676, "F675:15x15 H1", 0);
}

static void what_is_left_after_the_frames(void **state) {
  (void)state;
  struct picture grey = {.rows = 16, .columns = 16, .samples = 1, .bits = 16};
  native(grey, 512 + 254, "F512:16x16 H254", pixels_defect);
  native(grey, 512 + 256, "F512:16x16 B256", pixels_defect);
  native(grey, 400, "B400", pixels_defect);
}

static void small_pixel_data_is_header(void **state) {
  (void)state;
  native((struct picture){.rows = 8, .columns = 8, .samples = 1, .bits = 16}, 128, "", 0);
  native((struct picture){.rows = 8, .columns = 8, .samples = 1, .bits = 16, .frames = "8"}, 1024, "B1024", 0);
}

static void long_frames_are_cut_at_rows(void **state) {
  (void)state;
  /* 3000 bytes a row: 1398 rows are the most that fit into 4 MiB. */
  native((struct picture){.rows = 2000, .columns = 1500, .samples = 1, .bits = 16}, 6000000,
         "F4194000:1398x1500 F1806000:602x1500", 0);
  native((struct picture){.rows = 2000, .columns = 1000, .samples = 3, .bits = 8, .frames = "2"}, 12000000,
         "F4194000:1398x1000 F1806000:602x1000 F4194000:1398x1000 F1806000:602x1000", 0);
}

static void long_planes_are_cut_apart(void **state) {
  (void)state;
  native((struct picture){.rows = 2000, .columns = 1000, .samples = 3, .bits = 8, .planar = 1}, 6000000,
         "F2000000:2000x1000 F2000000:2000x1000 F2000000:2000x1000", 0);
  struct object object;
  struct scan scan;
  object_begin(&object, EXPLICIT_LITTLE);
  put_picture(&object, (struct picture){.rows = 2000, .columns = 1000, .samples = 3, .bits = 8, .planar = 1});
  put_header(&object, 0x7FE00010, "OB", 6000000);
  put_noise(&object, 6000000);
  scan_whole(&scan, object_slice(&object));
  assert_int_equal(scan.recorder.format.samples_per_pixel, 1);
  assert_int_equal(scan.recorder.format.planar_configuration, 0);
  scan_fini(&scan);
  object_fini(&object);
}

static void unmodelled_pixels_are_bulk(void **state) {
  (void)state;
  native((struct picture){.rows = 100, .columns = 101, .samples = 1, .bits = 1}, 1264, "B1264", 0);
  native((struct picture){.rows = 100, .columns = 100, .samples = 1, .bits = 12}, 15000, "B15000", 0);
  native((struct picture){.rows = 65535, .columns = 65535, .samples = 1, .bits = 16}, 5000000, "B4194304 B805696",
         pixels_defect);
}

static void huge_geometry(void **state) {
  (void)state;
  native((struct picture){.rows = 65535, .columns = 65535, .samples = 65535, .bits = 64, .frames = "999999999999999"},
         5000000, "B4194304 B805696", pixels_defect);
  native((struct picture){.rows = 0, .columns = 16, .samples = 1, .bits = 16}, 512, "B512", pixels_defect);
}

static cas_status note_pixels(void *arg, const struct dicom_chunk *chunk) {
  bool *has_begun = arg;
  if (chunk->kind != DICOM_CHUNK_BULK) *has_begun = true;
  return CAS_OK;
}

/* Byte by byte: dicom_scanner_at_pixels() is true just before the byte that opens the first chunk of pixel data. */
static void assert_pixels_are_foreseen(const struct object *object) {
  bool has_begun = false, foreseen = false;
  struct dicom_sink sink = {.chunk_begin = note_pixels, .arg = &has_begun};
  struct dicom_scanner *scanner;
  struct cas_slice bytes = object_slice(object);
  assert_int_equal(dicom_scanner_create(&sink, &scanner), CAS_OK);
  for (size_t i = 0; i < bytes.size && !has_begun; i++) {
    foreseen = dicom_scanner_at_pixels(scanner);
    assert_int_equal(dicom_scanner_push(scanner, slice_of(bytes.data + i, 1)), CAS_OK);
    assert_int_equal(foreseen, has_begun);
  }
  assert_true(has_begun);
  dicom_scanner_destroy(scanner);
}

static void float_pixels(void **state) {
  (void)state;
  struct object object;
  object_begin(&object, EXPLICIT_LITTLE);
  put_picture(&object, (struct picture){.rows = 16, .columns = 16, .samples = 1, .bits = 32});
  put_header(&object, 0x7FE00008, "OF", 1024);
  put_noise(&object, 1024);
  put_header(&object, 0x7FE00009, "OD", 2048);
  put_noise(&object, 2048);
  assert_cuts(&object, "F1024:16x16 H12 F2048:16x16", 0);
  assert_pixels_are_foreseen(&object);
  object_fini(&object);
}

static void put_item(struct object *object, uint32_t size) {
  put_header(object, 0xFFFEE000, NULL, size);
  put_noise(object, size);
}

static void encapsulated_begin(struct object *object) {
  object_begin(object, JPEG_BASELINE);
  put_picture(object, (struct picture){.rows = 16, .columns = 16, .samples = 1, .bits = 16});
  put_header(object, 0x7FE00010, "OB", 0xFFFFFFFF);
}

static void fragments(void **state) {
  (void)state;
  struct object object;
  encapsulated_begin(&object);
  put_item(&object, 4);
  put_item(&object, 4096);
  put_item(&object, 5000);
  put_header(&object, 0xFFFEE0DD, NULL, 0);
  assert_cuts(&object, "G4096 H8 G5000 H8", 0);
  assert_pixels_are_foreseen(&object);
  object_fini(&object);
}

static void small_fragments_are_gathered(void **state) {
  (void)state;
  struct object object;
  encapsulated_begin(&object);
  put_item(&object, 0);
  put_item(&object, 3000); /* 3000 + 8 + 3000 is enough */
  put_item(&object, 3000);
  put_item(&object, 4095); /* 4095 + 8 + 0: the empty item makes it long enough, the next is another chunk */
  put_item(&object, 0);
  put_item(&object, 10);
  put_item(&object, 20);
  put_header(&object, 0xFFFEE0DD, NULL, 0);
  put_text(&object, 0xFFFCFFFC, "OB", "trailing padding");
  assert_cuts(&object, "G6008 H8 G4103 H8 G38 H36", 0);
  object_fini(&object);
}

static void empty_fragments_make_no_chunk(void **state) {
  (void)state;
  struct object object;
  encapsulated_begin(&object);
  for (int i = 0; i < 1000; i++) put_item(&object, 0);
  put_header(&object, 0xFFFEE0DD, NULL, 0);
  assert_cuts(&object, "", 0);
  object_fini(&object);
}

static void long_fragments_are_cut(void **state) {
  (void)state;
  struct object object;
  encapsulated_begin(&object);
  put_item(&object, 70000); /* an offset table of 17500 frames */
  put_item(&object, 10000000);
  put_item(&object, 5000);
  put_header(&object, 0xFFFEE0DD, NULL, 0);
  assert_cuts(&object, "B70000 H8 G4194304 G4194304 G1611392 H8 G5000 H8", 0);
  object_fini(&object);
}

static void long_values_are_bulk(void **state) {
  (void)state;
  struct object object;
  object_begin(&object, EXPLICIT_LITTLE);
  put_header(&object, 0x00420011, "OB", 5000000);
  put_noise(&object, 5000000);
  put_header(&object, 0x00431001, "OB", 65536);
  put_noise(&object, 65536);
  put_header(&object, 0x00431002, "OB", 65534);
  put_noise(&object, 65534);
  assert_cuts(&object, "B4194304 B805696 H12 B65536 H65546", 0);
  object_fini(&object);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames),
      cmocka_unit_test(what_is_left_after_the_frames),
      cmocka_unit_test(small_pixel_data_is_header),
      cmocka_unit_test(long_frames_are_cut_at_rows),
      cmocka_unit_test(long_planes_are_cut_apart),
      cmocka_unit_test(unmodelled_pixels_are_bulk),
      cmocka_unit_test(huge_geometry),
      cmocka_unit_test(float_pixels),
      cmocka_unit_test(fragments),
      cmocka_unit_test(small_fragments_are_gathered),
      cmocka_unit_test(empty_fragments_make_no_chunk),
      cmocka_unit_test(long_fragments_are_cut),
      cmocka_unit_test(long_values_are_bulk),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
