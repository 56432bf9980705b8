/* Keys and values as bytes: what is written is read again, sorts as promised, and damage is refused. */
#include "index_fixture.h"

#include "index/index_keys.h"
#include "index/index_values.h"

static struct index_node_value sample(void) {
  struct index_node_value value = {
      .identity = slice_of("1.2.3#7", 7),
      .uid = slice_of("1.2.3", 5),
      .date = slice_of("20200131", 8),
      .attributes = slice_of("\0\1\2", 3),
      .states = slice_of("\0state", 6),
      .gone = 300,
      .first_arrival_ns = -5,
      .last_arrival_ns = 1700000000000000000,
      .instances = 1,
      .bytes = UINT64_MAX,
      .version = UINT32_MAX,
  };
  memset(&value.content_hash, 0xab, 16);
  memset(&value.manifest, 0xcd, 16);
  return value;
}

static void assert_value_equal(const struct index_node_value *a, const struct index_node_value *b) {
  assert_true(slice_equal(a->identity, b->identity));
  assert_true(slice_equal(a->uid, b->uid));
  assert_true(slice_equal(a->date, b->date));
  assert_true(slice_equal(a->attributes, b->attributes));
  assert_true(slice_equal(a->states, b->states));
  assert_int_equal(a->gone, b->gone);
  assert_int_equal(a->first_arrival_ns, b->first_arrival_ns);
  assert_int_equal(a->last_arrival_ns, b->last_arrival_ns);
  assert_int_equal(a->instances, b->instances);
  assert_int_equal(a->bytes, b->bytes);
  assert_int_equal(a->version, b->version);
  assert_memory_equal(&a->content_hash, &b->content_hash, 16);
  assert_memory_equal(&a->manifest, &b->manifest, 16);
}

static void node_comes_back(void **state) {
  (void)state;
  struct index_node_value value = sample(), back;
  static const char *const uids[] = {"", "1.2.3", "1.2.3#7", "1.2.3#78", "9"};
  for (size_t i = 0; i < sizeof uids / sizeof *uids; i++) {
    for (int date = 0; date < 2; date++) {
      CLEANUP_BUFFER struct cas_buffer bytes = {0};
      value.uid = slice_of(uids[i], strlen(uids[i]));
      value.date = slice_of("20200131", date ? 8 : 0);
      assert_int_equal(index_encode_node(&value, CAS_LEVEL_INSTANCE, &bytes), CAS_OK);
      assert_true(index_decode_node(slice_of_buffer(&bytes), CAS_LEVEL_INSTANCE, &back));
      assert_value_equal(&back, &value);
    }
  }
}

static void arrival_extremes_come_back(void **state) {
  (void)state;
  static const int64_t times[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
  for (size_t i = 0; i < 5; i++) {
    for (size_t j = 0; j < 5; j++) {
      CLEANUP_BUFFER struct cas_buffer bytes = {0};
      struct index_node_value value = sample(), back;
      value.first_arrival_ns = times[i];
      value.last_arrival_ns = times[j];
      assert_int_equal(index_encode_node(&value, CAS_LEVEL_INSTANCE, &bytes), CAS_OK);
      assert_true(index_decode_node(slice_of_buffer(&bytes), CAS_LEVEL_INSTANCE, &back));
      assert_value_equal(&back, &value);
    }
  }
}

/* Copies to a block of exactly the size, so that the address sanitizer sees a byte read too many. */
static bool decodes(const uint8_t *data, size_t size) {
  uint8_t *exact = malloc(size > 0 ? size : 1);
  assert_non_null(exact);
  memcpy(exact, data, size);
  struct index_node_value back;
  bool decoded = index_decode_node(slice_of(exact, size), CAS_LEVEL_INSTANCE, &back);
  free(exact);
  return decoded;
}

static void cut_node_is_refused(void **state) {
  (void)state;
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  struct index_node_value value = sample();
  value.attributes.size = 0;
  assert_int_equal(index_encode_node(&value, CAS_LEVEL_INSTANCE, &bytes), CAS_OK);
  assert_true(decodes(bytes.data, bytes.size));
  for (size_t size = 0; size < bytes.size; size++) assert_false(decodes(bytes.data, size));
}

static void nonsense_node_is_refused(void **state) {
  (void)state;
  struct index_node_value back;
  static const struct {
    const char *bytes;
    size_t size;
  } cases[] = {
      {"\x80\0\0\0\0\0", 6},                                    /* an unknown flag */
      {"\x10\0\0\0\0\0\0", 7},                                  /* none gone where there must be one */
      {"\x20\0\0\0\0\0\0", 7},                                  /* no states where there must be one */
      {"\x20\0\0\0\0\0\2x", 8},                                 /* states past the end */
      {"\x03\0\0\0\0\1a\1", 8},                                 /* both kinds of UID */
      {"\0\x80\0\0\0\0\0", 7},                                  /* a zero in two bytes */
      {"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\2\0\0\0\0", 15}, /* 65 bits */
      {"\0\0\0\0\0\1\0", 7},                                    /* a NUL in the identity */
      {"\0\0\0\0\0\2a", 7},                                     /* an identity past the end */
      {"\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 15}, /* a length of 2^64 - 1 */
      {"\1\0\0\0\0\1a\2", 8},                                   /* a UID longer than the identity that holds it */
      {"\1\0\0\0\0\1a\0", 8},                                   /* no UID where there must be one */
      {"\2\0\0\0\0\1a\1a", 9},                                  /* a UID as text that the identity holds */
      {"\4\0\0\0\0\1a\0", 8},                                   /* no date where there must be one */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (index_decode_node(slice_of(cases[i].bytes, cases[i].size), CAS_LEVEL_SERIES, &back))
      fail_msg("case %zu was accepted", i);
  assert_true(index_decode_node(slice_of("\0\0\0\0\0\0", 6), CAS_LEVEL_SERIES, &back));
}

static void blob_comes_back(void **state) {
  (void)state;
  struct index_blob blob = {.codec = 15, .raw_size = UINT32_MAX, .stored_size = UINT32_MAX}, back;
  uint8_t bytes[INDEX_BLOB_VALUE_BYTES_MAX + 1];
  memset(blob.cookie.bytes, 7, 16);
  size_t without_users = index_encode_blob(&blob, bytes);
  assert_true(index_decode_blob(slice_of(bytes, without_users), &back));
  assert_int_equal(back.users, 0);
  blob.users = UINT32_MAX;
  size_t size = index_encode_blob(&blob, bytes);
  assert_int_equal(size, INDEX_BLOB_VALUE_BYTES_MAX);
  assert_true(index_decode_blob(slice_of(bytes, size), &back));
  assert_memory_equal(&back.cookie, &blob.cookie, 16);
  assert_int_equal(back.codec, 15);
  assert_int_equal(back.raw_size, UINT32_MAX);
  assert_int_equal(back.stored_size, UINT32_MAX);
  assert_int_equal(back.users, UINT32_MAX);
  for (size_t cut = 0; cut < size; cut++)
    assert_int_equal(index_decode_blob(slice_of(bytes, cut), &back), cut == without_users);
  bytes[size] = 0;
  assert_false(index_decode_blob(slice_of(bytes, size + 1), &back));
  bytes[16] = INDEX_CODECS_MAX;
  assert_false(index_decode_blob(slice_of(bytes, size), &back));
}

static void totals_come_back(void **state) {
  (void)state;
  struct index_totals totals, back;
  memset(&totals, 0xff, sizeof totals);
  totals.last_arrival_ns = 0;
  totals.gone_instances = 0;
  uint8_t bytes[INDEX_TOTALS_VALUE_BYTES_MAX + 1];
  size_t size = index_encode_totals(&totals, bytes);
  assert_true(size <= INDEX_TOTALS_VALUE_BYTES_MAX);
  assert_true(index_decode_totals(slice_of(bytes, size), &back));
  assert_memory_equal(&back, &totals, sizeof totals);
  for (size_t cut = 0; cut < size; cut++) assert_false(index_decode_totals(slice_of(bytes, cut), &back));
  totals.last_arrival_ns = INT64_MIN; /* behind what indexes had without it */
  size_t longer = index_encode_totals(&totals, bytes);
  assert_true(longer > size && longer <= INDEX_TOTALS_VALUE_BYTES_MAX);
  assert_true(index_decode_totals(slice_of(bytes, longer), &back));
  assert_memory_equal(&back, &totals, sizeof totals);
  for (size_t cut = size + 1; cut < longer; cut++) assert_false(index_decode_totals(slice_of(bytes, cut), &back));
  totals.gone_instances = 300; /* behind what they had without that */
  size_t longest = index_encode_totals(&totals, bytes);
  assert_true(longest == longer + 2 && longest <= INDEX_TOTALS_VALUE_BYTES_MAX);
  assert_true(index_decode_totals(slice_of(bytes, longest), &back));
  assert_memory_equal(&back, &totals, sizeof totals);
  assert_false(index_decode_totals(slice_of(bytes, longer + 1), &back));
  memset(&totals, 0, sizeof totals);
  totals.stored_bytes[3] = 1;
  size = index_encode_totals(&totals, bytes);
  assert_true(size < 20);
  assert_true(index_decode_totals(slice_of(bytes, size), &back));
  assert_memory_equal(&back, &totals, sizeof totals);
}

static void paths_have_levels(void **state) {
  (void)state;
  char name[260];
  assert_int_equal(index_path_level(""), 0);
  assert_int_equal(index_path_level("a"), 1);
  assert_int_equal(index_path_level("a/b"), 2);
  assert_int_equal(index_path_level("a/b/c/d"), 4);
  assert_int_equal(index_path_level("a/b/c/d/e"), 0);
  assert_int_equal(index_path_level("/a"), 0);
  assert_int_equal(index_path_level("a/"), 0);
  assert_int_equal(index_path_level("a//b"), 0);
  memset(name, 'x', sizeof name);
  name[255] = '\0';
  assert_int_equal(index_path_level(name), 1);
  name[255] = 'x';
  name[256] = '\0';
  assert_int_equal(index_path_level(name), 0);
}

static void longest_keys_fit(void **state) {
  (void)state;
  struct index_key key;
  char path[INDEX_PATH_BYTES_MAX + 1], text[INDEX_TEXT_BYTES_MAX + 2];
  memset(path, 'p', sizeof path - 1);
  path[255] = path[511] = path[767] = '/';
  path[INDEX_PATH_BYTES_MAX] = '\0';
  memset(text, 't', sizeof text);
  struct cas_slice longest = slice_of(text, INDEX_TEXT_BYTES_MAX), too_long = slice_of(text, INDEX_TEXT_BYTES_MAX + 1);
  assert_true(index_key_node(&key, path));
  assert_true(index_key_uid(&key, 4, longest, 1, path));
  assert_true(index_key_date(&key, longest, path));
  assert_true(index_key_name(&key, slice_of(path, 767), longest));
  assert_false(index_key_uid(&key, 4, too_long, 1, path));
  assert_false(index_key_date(&key, too_long, path));
  assert_false(index_key_name(&key, slice_of(path, 767), too_long));
}

static void damaged_keys_are_refused(void **state) {
  (void)state;
  struct cas_slice text, path;
  assert_true(index_key_read_uid(slice_of("1.2\0\0\0\0\1p", 9), &text, &path));
  assert_true(slice_equal(text, slice_of("1.2", 3)));
  assert_true(slice_equal(path, slice_of("p", 1)));
  assert_false(index_key_read_uid(slice_of("", 0), &text, &path));
  assert_false(index_key_read_uid(slice_of("1.2", 3), &text, &path));
  assert_false(index_key_read_uid(slice_of("1.2\0\0\0\0\1", 8), &text, &path));
  assert_false(index_key_read_uid(slice_of("\0\0\0\0\1p", 6), &text, &path));
  assert_false(index_key_read_uid(slice_of("1\0\0\0\0\1p\0q", 9), &text, &path));
  assert_true(index_key_read_date(slice_of("20200101\0p", 10), &text, &path));
  assert_false(index_key_read_date(slice_of("20200101\0", 9), &text, &path));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(node_comes_back),          cmocka_unit_test(arrival_extremes_come_back),
      cmocka_unit_test(cut_node_is_refused),      cmocka_unit_test(nonsense_node_is_refused),
      cmocka_unit_test(blob_comes_back),          cmocka_unit_test(totals_come_back),
      cmocka_unit_test(paths_have_levels),        cmocka_unit_test(longest_keys_fit),
      cmocka_unit_test(damaged_keys_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
