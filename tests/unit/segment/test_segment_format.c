/* The bytes of headers: what is encoded is decoded, and any other byte, place or store is noticed. */
#include <xxhash.h>

#include "segment_fixture.h"

static const struct record_header sample = {
    .kind = RECORD_MANIFEST,
    .codec = 2,
    .ordinal = 0x0102,
    .stored_size = 0x30405,
    .raw_size = 0x2060708,
    .hash = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
    .payload_checksum = 0x1122334455667788,
    .group = 77,
};

static void test_record_header_comes_back(void **state) {
  (void)state;
  uint8_t bytes[RECORD_HEADER_BYTES];
  struct record_header decoded;
  record_header_encode(&sample, &fixture_key, 9, 4096, bytes);
  assert_true(record_header_decode(bytes, &fixture_key, 9, 4096, &decoded));
  assert_int_equal(decoded.kind, sample.kind);
  assert_int_equal(decoded.codec, sample.codec);
  assert_int_equal(decoded.ordinal, sample.ordinal);
  assert_int_equal(decoded.stored_size, sample.stored_size);
  assert_int_equal(decoded.raw_size, sample.raw_size);
  assert_memory_equal(decoded.hash.bytes, sample.hash.bytes, 16);
  assert_true(decoded.payload_checksum == sample.payload_checksum);
  assert_int_equal(decoded.group, sample.group);
}

/* Computed from docs/format.md by tests/reference/cassette_reader.py: a change here is a change of the format. */
static void test_record_header_bytes_are_fixed(void **state) {
  (void)state;
  uint8_t bytes[RECORD_HEADER_BYTES];
  static const uint8_t expected[RECORD_HEADER_BYTES] = {
      0x43, 0x45, 0x52, 0x43, 0x02, 0x02, 0x02, 0x01, 0x05, 0x04, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x08, 0x07, 0x06, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
      0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
      0x4d, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0xea, 0x7b, 0xf7, 0x85, 0x91, 0xfe, 0xc2};
  record_header_encode(&sample, &fixture_key, 9, 4096, bytes);
  assert_memory_equal(bytes, expected, sizeof bytes);
}

static void test_record_header_is_bound_to_its_place(void **state) {
  (void)state;
  uint8_t bytes[RECORD_HEADER_BYTES];
  struct record_header decoded;
  struct segment_store_key other = fixture_key;
  other.uuid[15] ^= 1;
  record_header_encode(&sample, &fixture_key, 9, 4096, bytes);
  assert_false(record_header_decode(bytes, &fixture_key, 9, 4104, &decoded));
  assert_false(record_header_decode(bytes, &fixture_key, 8, 4096, &decoded));
  assert_false(record_header_decode(bytes, &other, 9, 4096, &decoded));
}

static void test_any_changed_bit_of_a_record_header_is_noticed(void **state) {
  (void)state;
  uint8_t bytes[RECORD_HEADER_BYTES];
  struct record_header decoded;
  record_header_encode(&sample, &fixture_key, 9, 4096, bytes);
  for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_false(record_header_decode(bytes, &fixture_key, 9, 4096, &decoded));
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
}

static void test_record_sizes_beyond_the_limit_are_refused(void **state) {
  (void)state;
  uint8_t bytes[RECORD_HEADER_BYTES];
  struct record_header header = sample, decoded;
  header.stored_size = header.raw_size = RECORD_PAYLOAD_BYTES_MAX;
  record_header_encode(&header, &fixture_key, 9, 4096, bytes);
  assert_true(record_header_decode(bytes, &fixture_key, 9, 4096, &decoded));
  header.stored_size++;
  record_header_encode(&header, &fixture_key, 9, 4096, bytes);
  assert_false(record_header_decode(bytes, &fixture_key, 9, 4096, &decoded));
  header = sample;
  header.raw_size = UINT64_MAX;
  record_header_encode(&header, &fixture_key, 9, 4096, bytes);
  assert_false(record_header_decode(bytes, &fixture_key, 9, 4096, &decoded));
  header = sample;
  header.kind = (enum record_kind)6;
  record_header_encode(&header, &fixture_key, 9, 4096, bytes);
  assert_false(record_header_decode(bytes, &fixture_key, 9, 4096, &decoded));
}

static struct segment_header sample_segment(void) {
  struct segment_header header = {.segment = 5,
                                  .created_ns = 123456789,
                                  .first_group = 12,
                                  .previous = {.group = 10, .segment = 4, .offset = 8192, .doubtful_from = 4096}};
  memcpy(header.uuid, fixture_key.uuid, sizeof header.uuid);
  return header;
}

static void test_segment_header_comes_back(void **state) {
  (void)state;
  uint8_t block[SEGMENT_HEADER_BYTES];
  struct segment_header header = sample_segment(), decoded;
  segment_header_encode(&header, block);
  assert_int_equal(segment_header_decode(block, &fixture_key, 5, &decoded), CAS_OK);
  assert_int_equal(decoded.segment, 5);
  assert_int_equal(decoded.created_ns, 123456789);
  assert_int_equal(decoded.first_group, 12);
  assert_int_equal(decoded.previous.group, 10);
  assert_int_equal(decoded.previous.segment, 4);
  assert_int_equal(decoded.previous.offset, 8192);
  assert_int_equal(decoded.previous.doubtful_from, 4096);
}

static void test_any_changed_byte_of_a_segment_header_is_noticed(void **state) {
  (void)state;
  uint8_t block[SEGMENT_HEADER_BYTES];
  struct segment_header header = sample_segment(), decoded;
  struct segment_store_key other = fixture_key;
  other.uuid[0] ^= 1;
  segment_header_encode(&header, block);
  assert_int_equal(segment_header_decode(block, &fixture_key, 6, &decoded), CAS_CORRUPT);
  assert_int_equal(segment_header_decode(block, &other, 5, &decoded), CAS_CORRUPT);
  for (size_t i = 0; i < sizeof block; i++) {
    block[i] ^= 0x40;
    assert_int_equal(segment_header_decode(block, &fixture_key, 5, &decoded), CAS_CORRUPT);
    block[i] ^= 0x40;
  }
}

static void test_a_newer_format_is_told_from_damage(void **state) {
  (void)state;
  uint8_t block[SEGMENT_HEADER_BYTES];
  struct segment_header header = sample_segment(), decoded;
  segment_header_encode(&header, block);
  store_u32(block + SEGMENT_AT_VERSION, SEGMENT_FORMAT_VERSION + 1);
  store_u64(block + SEGMENT_AT_CHECKSUM, XXH3_64bits(block, SEGMENT_AT_CHECKSUM));
  assert_int_equal(segment_header_decode(block, &fixture_key, 5, &decoded), CAS_UNSUPPORTED);
}

static void test_commit_fills_its_block(void **state) {
  (void)state;
  for (uint64_t offset = SEGMENT_BLOCK_BYTES; offset < 3 * SEGMENT_BLOCK_BYTES; offset += RECORD_ALIGN_BYTES) {
    uint64_t size = commit_payload_size(offset);
    uint8_t payload[COMMIT_PAYLOAD_BYTES_MAX];
    struct commit commit = {.begin = SEGMENT_BLOCK_BYTES, .records = 3, .previous = {.segment = 2}}, decoded;
    assert_true(size >= COMMIT_PAYLOAD_BYTES_MIN && size <= COMMIT_PAYLOAD_BYTES_MAX);
    assert_int_equal((offset + RECORD_HEADER_BYTES + size) % SEGMENT_BLOCK_BYTES, 0);
    commit_encode(&commit, payload, size);
    assert_true(commit_decode(slice_of(payload, size), 2, offset, &decoded));
    assert_int_equal(decoded.records, 3);
    assert_false(commit_decode(slice_of(payload, size - RECORD_ALIGN_BYTES), 2, offset, &decoded));
  }
}

static void test_payload_checksum_covers_the_alignment(void **state) {
  (void)state;
  uint8_t payload[16] = "0123456789";
  for (size_t size = 0; size <= 10; size++) {
    uint8_t aligned[16] = {0};
    memcpy(aligned, payload, size);
    assert_true(record_payload_checksum(slice_of(payload, size)) ==
                record_payload_checksum_aligned(aligned, record_aligned(size)));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_record_header_comes_back),
      cmocka_unit_test(test_record_header_bytes_are_fixed),
      cmocka_unit_test(test_record_header_is_bound_to_its_place),
      cmocka_unit_test(test_any_changed_bit_of_a_record_header_is_noticed),
      cmocka_unit_test(test_record_sizes_beyond_the_limit_are_refused),
      cmocka_unit_test(test_segment_header_comes_back),
      cmocka_unit_test(test_any_changed_byte_of_a_segment_header_is_noticed),
      cmocka_unit_test(test_a_newer_format_is_told_from_damage),
      cmocka_unit_test(test_commit_fills_its_block),
      cmocka_unit_test(test_payload_checksum_covers_the_alignment),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
