/* Objects of every form, pushed in pieces of every size: the attributes, the cuts and the bytes are the same. */
#include "scan_recorder.h"

#include <zlib.h>

/* Scans the object in pieces of 1, 2, 3 … bytes and compares with the object pushed whole. */
static void assert_pieces_are_alike(struct cas_slice object) {
  struct scan whole;
  scan_whole(&whole, object);
  for (size_t piece_bytes = 1; piece_bytes < object.size; piece_bytes += 1 + piece_bytes / 64) {
    struct scan pieces;
    scan_in_pieces(&pieces, object, piece_bytes);
    assert_string_equal(scan_cuts(&pieces), scan_cuts(&whole));
    assert_int_equal(pieces.summary->defects, whole.summary->defects);
    assert_int_equal(pieces.summary->defect_offset, whole.summary->defect_offset);
    assert_int_equal(pieces.summary->data_set_offset, whole.summary->data_set_offset);
    size_t here = 0, there = 0;
    struct cas_attribute one, other;
    while (cas_attributes_next(whole.summary->attributes, &here, &one)) {
      assert_int_equal(cas_attributes_next(pieces.summary->attributes, &there, &other), 1);
      assert_int_equal(one.tag, other.tag);
      assert_string_equal(one.value, other.value);
    }
    assert_int_equal(cas_attributes_next(pieces.summary->attributes, &there, &other), 0);
    scan_fini(&pieces);
  }
  scan_fini(&whole);
}

/* Everything that nests: a sequence of undefined length with both kinds of items, one of defined length, a private
 * one in VR UN, an icon with its own pixel data. */
static void put_sequences(struct object *object) {
  put_header(object, 0x00081140, "SQ", 0xFFFFFFFF);
  put_header(object, 0xFFFEE000, NULL, 0xFFFFFFFF);
  put_text(object, 0x00100020, "LO", "not this");
  put_header(object, 0x00082112, "SQ", 0xFFFFFFFF);
  put_header(object, 0xFFFEE000, NULL, 4);
  put_bytes(object, "abcd", 4);
  put_header(object, 0xFFFEE0DD, NULL, 0);
  put_header(object, 0xFFFEE00D, NULL, 0);
  put_header(object, 0xFFFEE000, NULL, 0);
  put_header(object, 0xFFFEE0DD, NULL, 0);
  put_header(object, 0x00082218, "SQ", 8);
  put_header(object, 0xFFFEE000, NULL, 0);
  put_header(object, 0x00090010, "UN", 0xFFFFFFFF);
  struct object inner = {.is_implicit = true};
  put_header(&inner, 0xFFFEE000, NULL, 0xFFFFFFFF);
  put_text(&inner, 0x00090011, "LO", "private");
  put_header(&inner, 0xFFFEE00D, NULL, 0);
  put_header(&inner, 0xFFFEE0DD, NULL, 0);
  put_bytes(object, inner.bytes.data, inner.bytes.size);
  object_fini(&inner);
  put_text(object, 0x00200013, "IS", "42");
}

static void put_icon(struct object *object) {
  put_header(object, 0x00880200, "SQ", 0xFFFFFFFF);
  put_header(object, 0xFFFEE000, NULL, 0xFFFFFFFF);
  put_us(object, 0x00280010, 8);
  put_header(object, 0x7FE00010, "OB", 600);
  put_noise(object, 600);
  put_header(object, 0xFFFEE00D, NULL, 0);
  put_header(object, 0xFFFEE0DD, NULL, 0);
}

static void assert_identity(const struct scan *scan) {
  assert_string_equal(scan->summary->sop_instance_uid, "1.2.3.4");
  assert_string_equal(scan->summary->sop_class_uid, "1.2.840.10008.5.1.4.1.1.7");
  assert_string_equal(scan_text(scan, CAS_TAG_PATIENT_NAME), "M\xC3\xBCller^J\xC3\xB6rg");
  assert_string_equal(scan_text(scan, CAS_TAG_PATIENT_ID), "ID 7");
}

static void native_object(const char *transfer_syntax_uid) {
  struct object object;
  struct scan scan;
  object_begin(&object, transfer_syntax_uid);
  /* What a VR UN of undefined length holds is little endian also among big endian elements. */
  if (!object.is_implicit && !object.big_endian) put_sequences(&object);
  put_picture(&object, (struct picture){.rows = 16, .columns = 10, .samples = 1, .bits = 16, .frames = "3"});
  put_icon(&object);
  put_header(&object, 0x7FE00010, "OW", 960);
  size_t header_bytes = object.bytes.size;
  put_noise(&object, 960);
  scan_whole(&scan, object_slice(&object));
  assert_string_equal(dicom_defect_text(scan.summary->defect), "no defect");
  assert_identity(&scan);
  assert_string_equal(scan.summary->transfer_syntax_uid, transfer_syntax_uid);
  assert_string_equal(scan_text(&scan, CAS_TAG_ROWS), "16");
  assert_string_equal(scan_text(&scan, CAS_TAG_COLUMNS), "10");
  assert_string_equal(scan_text(&scan, CAS_TAG_NUMBER_OF_FRAMES), "3");
  char cuts[64];
  snprintf(cuts, sizeof cuts, "H%zu F320:16x10 F320:16x10 F320:16x10", header_bytes);
  assert_string_equal(scan_cuts(&scan), cuts);
  assert_int_equal(scan.recorder.format.bits_stored, 16);
  assert_int_equal(scan.recorder.format.big_endian, object.big_endian);
  scan_fini(&scan);
  assert_pieces_are_alike(object_slice(&object));
  object_fini(&object);
}

static void explicit_little_endian(void **state) {
  (void)state;
  native_object(EXPLICIT_LITTLE);
}

static void implicit_little_endian(void **state) {
  (void)state;
  native_object(IMPLICIT_LITTLE);
}

static void explicit_big_endian(void **state) {
  (void)state;
  native_object(EXPLICIT_BIG);
}

static void no_meta_group(void **state) {
  (void)state;
  static const char *const forms[] = {EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG};
  for (size_t i = 0; i < 3; i++) {
    struct object object;
    struct scan scan;
    object_begin(&object, forms[i]);
    struct object meta = {0};
    put_part10(&meta, forms[i]);
    struct cas_slice bare = slice_of(object.bytes.data + meta.bytes.size, object.bytes.size - meta.bytes.size);
    scan_whole(&scan, bare);
    assert_identity(&scan);
    assert_int_equal(scan.summary->defects, 1u << DICOM_DEFECT_META);
    assert_string_equal(scan.summary->transfer_syntax_uid, "");
    assert_int_equal(scan.summary->data_set_offset, 0);
    scan_fini(&scan);
    assert_pieces_are_alike(bare);
    object_fini(&meta);
    object_fini(&object);
  }
}

static void meta_group_without_preamble(void **state) {
  (void)state;
  struct object object;
  struct scan scan;
  object_begin(&object, EXPLICIT_LITTLE);
  struct cas_slice bare = slice_of(object.bytes.data + 132, object.bytes.size - 132);
  scan_whole(&scan, bare);
  assert_identity(&scan);
  assert_int_equal(scan.summary->defect, DICOM_DEFECT_NONE);
  assert_false(scan.summary->has_preamble);
  assert_string_equal(scan.summary->media_storage_sop_instance_uid, "1.2.3.4");
  scan_fini(&scan);
  assert_pieces_are_alike(bare);
  object_fini(&object);
}

/* The data set is in another form than the meta group says: what stands there counts. */
static void the_declared_form_is_wrong(void **state) {
  (void)state;
  static const char *const forms[] = {EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG, "1.2.3.4.5"};
  for (size_t declared = 0; declared < 4; declared++) {
    for (size_t real = 0; real < 3; real++) {
      struct object object, meta = {0};
      struct scan scan;
      object_begin(&object, forms[real]);
      put_part10(&meta, forms[real]);
      struct cas_slice data_set = slice_of(object.bytes.data + meta.bytes.size, object.bytes.size - meta.bytes.size);
      object_fini(&meta);
      meta = (struct object){0};
      put_part10(&meta, forms[declared]);
      put_bytes(&meta, data_set.data, data_set.size);
      scan_whole(&scan, object_slice(&meta));
      assert_identity(&scan);
      bool is_wrong = declared != real && declared != 3;
      assert_int_equal(scan.summary->defects, is_wrong ? 1u << DICOM_DEFECT_META : 0);
      scan_fini(&scan);
      object_fini(&meta);
      object_fini(&object);
    }
  }
}

static void deflate_append(struct object *object, struct cas_slice plain, int window_bits) {
  z_stream stream = {0};
  uint8_t out[4096];
  assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = (Bytef *)plain.data;
  stream.avail_in = (uInt)plain.size;
  int result;
  do {
    stream.next_out = out;
    stream.avail_out = sizeof out;
    result = deflate(&stream, Z_FINISH);
    put_bytes(object, out, sizeof out - stream.avail_out);
  } while (result == Z_OK);
  assert_int_equal(result, Z_STREAM_END);
  deflateEnd(&stream);
}

static void deflated_object(struct object *object, int window_bits) {
  struct object plain, meta = {0};
  object_begin(&plain, EXPLICIT_LITTLE);
  put_part10(&meta, EXPLICIT_LITTLE);
  put_header(&plain, 0x7FE00010, "OW", 60000);
  put_noise(&plain, 60000);
  *object = (struct object){0};
  put_part10(object, DEFLATED);
  deflate_append(object, slice_of(plain.bytes.data + meta.bytes.size, plain.bytes.size - meta.bytes.size), window_bits);
  object_fini(&meta);
  object_fini(&plain);
}

static void deflated(void **state) {
  (void)state;
  struct object object;
  struct scan scan;
  deflated_object(&object, -15);
  scan_whole(&scan, object_slice(&object));
  assert_identity(&scan);
  assert_int_equal(scan.summary->defects, 1u << DICOM_DEFECT_PIXELS); /* it has no Rows */
  char cuts[64];
  snprintf(cuts, sizeof cuts, "H%zu B%zu", (size_t)scan.summary->data_set_offset,
           object.bytes.size - (size_t)scan.summary->data_set_offset);
  assert_string_equal(scan_cuts(&scan), cuts);
  scan_fini(&scan);
  object.bytes.size -= 1000;
  scan_whole(&scan, object_slice(&object));
  assert_true(scan.summary->defects & 1u << DICOM_DEFECT_TRUNCATED);
  assert_identity(&scan);
  scan_fini(&scan);
  assert_pieces_are_alike(slice_of(object.bytes.data, 3000));
  object_fini(&object);
}

static void deflated_with_wrapper(void **state) {
  (void)state;
  struct object object;
  struct scan scan;
  deflated_object(&object, 15);
  scan_whole(&scan, object_slice(&object));
  assert_identity(&scan);
  assert_int_equal(scan.summary->defect, DICOM_DEFECT_DEFLATE);
  scan_fini(&scan);
  object_fini(&object);
}

static void bytes_behind_a_deflated_stream(void **state) {
  (void)state;
  struct object object;
  struct scan scan;
  deflated_object(&object, -15);
  put_bytes(&object, "\0", 1);
  scan_whole(&scan, object_slice(&object));
  assert_int_equal(scan.summary->defects, 1u << DICOM_DEFECT_PIXELS);
  scan_fini(&scan);
  put_bytes(&object, "\0", 1);
  scan_whole(&scan, object_slice(&object));
  assert_int_equal(scan.summary->defects, 1u << DICOM_DEFECT_PIXELS | 1u << DICOM_DEFECT_TRAILING_BYTES);
  scan_fini(&scan);
  object_fini(&object);
}

static void a_failing_sink_stops_the_push(void **state) {
  (void)state;
  struct object object;
  object_begin(&object, EXPLICIT_LITTLE);
  put_picture(&object, (struct picture){.rows = 16, .columns = 16, .samples = 1, .bits = 16});
  put_header(&object, 0x7FE00010, "OW", 512);
  put_noise(&object, 512);
  for (int calls = 1; calls <= 4; calls++) {
    struct recorder recorder = {.fail_after = calls};
    struct dicom_sink sink = {recorder_header, recorder_chunk_begin, recorder_chunk_bytes, recorder_chunk_end,
                              &recorder};
    struct dicom_scanner *scanner;
    assert_int_equal(dicom_scanner_create(&sink, &scanner), CAS_OK);
    assert_int_equal(dicom_scanner_push(scanner, object_slice(&object)), CAS_NO_SPACE);
    dicom_scanner_destroy(scanner);
    cas_buffer_fini(&recorder.bytes);
    cas_buffer_fini(&recorder.cuts);
  }
  object_fini(&object);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(explicit_little_endian),
      cmocka_unit_test(implicit_little_endian),
      cmocka_unit_test(explicit_big_endian),
      cmocka_unit_test(no_meta_group),
      cmocka_unit_test(meta_group_without_preamble),
      cmocka_unit_test(the_declared_form_is_wrong),
      cmocka_unit_test(deflated),
      cmocka_unit_test(deflated_with_wrapper),
      cmocka_unit_test(bytes_behind_a_deflated_stream),
      cmocka_unit_test(a_failing_sink_stops_the_push),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
