/* Terms: what nodes are found by besides UIDs and dates follows their attributes. */
#include "index_fixture.h"

/* Each letter of the attributes is a term of field 'l'; all of them together one of field 'w'. */
static cas_status letters(enum cas_level level, struct cas_slice attributes, index_term_fn each, void *arg) {
  (void)level;
  for (size_t i = 0; i < attributes.size; i++) {
    cas_status status = each(arg, 'l', (struct cas_slice){.data = attributes.data + i, .size = 1});
    if (status != CAS_OK) return status;
  }
  return each(arg, 'w', attributes);
}

static size_t count_terms(struct fixture *f, char field, const char *text, bool whole) {
  struct texts texts = {0};
  const struct cas_slice slice = {.data = (const uint8_t *)text, .size = strlen(text)};
  assert_ok(index_find_terms(f->index, field, slice, whole, add_text, &texts, &f->error), &f->error);
  return texts.count;
}

static void put_attributes(struct fixture *f, const char *path, const char *attributes) {
  struct index_batch *batch = begin(f);
  struct index_node node = node_of(path, path, 1);
  node.attributes = (struct cas_buffer){.data = (uint8_t *)attributes, .size = strlen(attributes)};
  assert_ok(index_batch_put_node(batch, &node, NULL, NULL, &f->error), &f->error);
  apply(f, batch);
}

static void nodes_are_found_by_their_terms_of_now(void **state) {
  struct fixture *f = *state;
  char longest[INDEX_TERM_BYTES_MAX + 50];
  memset(longest, 'x', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  index_set_terms(f->index, letters);
  put_attributes(f, "p", "abc");
  put_attributes(f, "q", "abd");
  put_attributes(f, "p/st", longest);
  assert_int_equal(count_terms(f, 'l', "a", true), 2);
  assert_int_equal(count_terms(f, 'w', "ab", false), 2);
  assert_int_equal(count_terms(f, 'w', "ab", true), 0);
  assert_int_equal(count_terms(f, 'w', "abc", true), 1);
  assert_int_equal(count_terms(f, 'w', longest, true), 1);
  assert_int_equal(count_terms(f, 'w', longest, false), 1);
  assert_int_equal(count_terms(f, 'w', "", false), 3);
  put_attributes(f, "p", "bcd");
  assert_int_equal(count_terms(f, 'l', "a", true), 1);
  assert_int_equal(count_terms(f, 'l', "d", true), 2);
  assert_int_equal(count_terms(f, 'w', "abc", true), 0);
  put_attributes(f, "p", "");
  assert_int_equal(count_terms(f, 'l', "", false), 3 + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nodes_are_found_by_their_terms_of_now, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
