/* The bytes of a manifest: round trip, and no reading past any end. */
#include "synthetic.h"

#include "store/manifest.h"

static void make(struct manifest *manifest) {
  *manifest = (struct manifest){.origin = CAS_ORIGIN_RECEIVED,
                                .version = 3,
                                .arrival_ns = 1700000000000000000,
                                .file_size = 300,
                                .data_set_offset = 100,
                                .sop_instance_uid = "1.2.3",
                                .source = "CT1@127.0.0.1",
                                .blob_count = 2,
                                .piece_count = 3};
  manifest->blobs = calloc(2, sizeof *manifest->blobs);
  manifest->pieces = calloc(3, sizeof *manifest->pieces);
  manifest->blobs[0].raw_size = 200;
  manifest->blobs[1] = (struct manifest_blob){.id = {.ordinal = 9}, .raw_size = 100};
  manifest->pieces[0] = (struct manifest_piece){0, 0, 150};
  manifest->pieces[1] = (struct manifest_piece){1, 0, 100};
  manifest->pieces[2] = (struct manifest_piece){0, 150, 50};
}

static void a_manifest_comes_back(void **state) {
  (void)state;
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  struct manifest manifest, again;
  make(&manifest);
  assert_int_equal(manifest_encode(&manifest, &bytes), CAS_OK);
  assert_int_equal(manifest_decode(slice_of_buffer(&bytes), &again), CAS_OK);
  assert_true(manifest_same_file(&manifest, &again));
  assert_string_equal(again.source, "CT1@127.0.0.1");
  assert_int_equal(again.version, 3);
  again.pieces[1].offset = 1;
  assert_false(manifest_same_file(&manifest, &again));
  manifest_fini(&manifest);
  manifest_fini(&again);
}

static void a_healed_manifest_keeps_its_group(void **state) {
  (void)state;
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  struct manifest manifest, again;
  make(&manifest);
  manifest.since = 77;
  assert_int_equal(manifest_encode(&manifest, &bytes), CAS_OK);
  assert_int_equal(bytes.data[0], 2);
  assert_int_equal(manifest_decode(slice_of_buffer(&bytes), &again), CAS_OK);
  assert_int_equal(again.since, 77);
  manifest_fini(&again);
  assert_int_equal(manifest_decode(slice_of(bytes.data, bytes.size - 1), &again), CAS_CORRUPT);
  memset(bytes.data + bytes.size - 8, 0, 8);
  assert_int_equal(manifest_decode(slice_of_buffer(&bytes), &again), CAS_CORRUPT);
  manifest_fini(&manifest);
}

static void one_that_replaces_says_what(void **state) {
  (void)state;
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  struct manifest manifest, again;
  make(&manifest);
  manifest.since = 77;
  assert_true(record_cookie_make(segment_file(5, 3), 4096, 128, &manifest.replaced));
  assert_int_equal(manifest_encode(&manifest, &bytes), CAS_OK);
  assert_int_equal(bytes.data[0], 4);
  assert_int_equal(manifest_decode(slice_of_buffer(&bytes), &again), CAS_OK);
  assert_int_equal(again.since, 77);
  assert_memory_equal(&again.replaced, &manifest.replaced, sizeof again.replaced);
  manifest_fini(&again);
  assert_int_equal(manifest_decode(slice_of(bytes.data, bytes.size - 1), &again), CAS_CORRUPT);
  bytes.data[bytes.size - 16]++; /* no record is at such an offset */
  assert_int_equal(manifest_decode(slice_of_buffer(&bytes), &again), CAS_CORRUPT);
  bytes.data[bytes.size - 16]--;
  bytes.data[bytes.size - 25] = 1; /* corrected, and it is none */
  assert_int_equal(manifest_decode(slice_of_buffer(&bytes), &again), CAS_CORRUPT);
  manifest_fini(&manifest);
}

static void every_cut_and_lie_is_corrupt(void **state) {
  (void)state;
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  struct manifest manifest, again;
  make(&manifest);
  assert_int_equal(manifest_encode(&manifest, &bytes), CAS_OK);
  for (size_t size = 0; size < bytes.size; size++) {
    uint8_t *exact = malloc(size + 1);
    memcpy(exact, bytes.data, size);
    assert_int_equal(manifest_decode(slice_of(exact, size), &again), CAS_CORRUPT);
    free(exact);
  }
  manifest.file_size++;
  bytes.size = 0;
  assert_int_equal(manifest_encode(&manifest, &bytes), CAS_OK);
  assert_int_equal(manifest_decode(slice_of_buffer(&bytes), &again), CAS_CORRUPT);
  manifest.file_size--;
  manifest.pieces[1].offset = 1; /* past the end of its blob */
  bytes.size = 0;
  assert_int_equal(manifest_encode(&manifest, &bytes), CAS_OK);
  assert_int_equal(manifest_decode(slice_of_buffer(&bytes), &again), CAS_CORRUPT);
  manifest_fini(&manifest);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_manifest_comes_back),
      cmocka_unit_test(a_healed_manifest_keeps_its_group),
      cmocka_unit_test(one_that_replaces_says_what),
      cmocka_unit_test(every_cut_and_lie_is_corrupt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
