/*
 * The first byte says what the rest is: a node of a level, a blob, the totals, a UID or date key. What a decoder
 * accepts, its encoder must write again byte for byte.
 */
#include "index/index_keys.h"
#include "index/index_values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
  if (!holds) __builtin_trap();
}

static void fuzz_node(struct cas_slice value, enum cas_level level) {
  CLEANUP_BUFFER struct cas_buffer again = {0};
  struct index_node_value node;
  if (!index_decode_node(value, level, &node)) return;
  must(index_encode_node(&node, level, &again) == CAS_OK);
  must(slice_equal(slice_of_buffer(&again), value));
}

static void fuzz_blob(struct cas_slice value) {
  uint8_t again[INDEX_BLOB_VALUE_BYTES_MAX];
  struct index_blob blob;
  if (!index_decode_blob(value, &blob)) return;
  must(slice_equal(slice_of(again, index_encode_blob(&blob, again)), value));
}

static void fuzz_totals(struct cas_slice value) {
  uint8_t again[INDEX_TOTALS_VALUE_BYTES_MAX];
  struct index_totals totals;
  if (!index_decode_totals(value, &totals)) return;
  must(slice_equal(slice_of(again, index_encode_totals(&totals, again)), value));
}

static void fuzz_key(struct cas_slice rest, bool date) {
  struct cas_slice text, path;
  bool read = date ? index_key_read_date(rest, &text, &path) : index_key_read_uid(rest, &text, &path);
  if (!read) return;
  must(text.size > 0 && path.size > 0 && memchr(text.data, 0, text.size) == NULL);
  must(text.data == rest.data && path.data + path.size == rest.data + rest.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct cas_slice rest = slice_of(data + 1, size - 1);
  switch (data[0] % 8) {
  case 0: fuzz_blob(rest); break;
  case CAS_LEVEL_PATIENT:
  case CAS_LEVEL_STUDY:
  case CAS_LEVEL_SERIES:
  case CAS_LEVEL_INSTANCE: fuzz_node(rest, (enum cas_level)(data[0] % 8)); break;
  case 5: fuzz_totals(rest); break;
  case 6: fuzz_key(rest, false); break;
  default: fuzz_key(rest, true); break;
  }
  return 0;
}
