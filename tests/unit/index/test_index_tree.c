/* Nodes, names, lists, UIDs and dates. */
#include "index_fixture.h"

static void node_comes_back(void **state) {
  struct fixture *f = *state;
  static const char *const paths[] = {"p", "p/st", "p/st/se", "p/st/se/i"};
  for (uint32_t i = 0; i < 4; i++) {
    struct index_node node = node_of(paths[i], "identity", 300 + i), back;
    struct index_batch *batch = begin(f);
    assert_ok(index_batch_put_node(batch, &node, "1.2.3", "20200101", &f->error), &f->error);
    apply(f, batch);
    assert_ok(index_get_node(f->index, paths[i], &back, &f->error), &f->error);
    assert_node_equal(&back, &node);
    index_node_fini(&back);
  }
}

static void unknown_and_impossible_paths_are_not_found(void **state) {
  struct fixture *f = *state;
  struct index_node node;
  char name[256];
  static const char *const paths[] = {"", "a", "/", "a/", "/a", "a//b", "a/b/c/d/e"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    assert_int_equal(index_get_node(f->index, paths[i], &node, &f->error), CAS_NOT_FOUND);
  assert_int_equal(index_get_name(f->index, "", "x", name, sizeof name, &f->error), CAS_NOT_FOUND);
  struct texts texts = {0};
  assert_ok(index_list(f->index, "no/such", NULL, add_path, &texts, &f->error), &f->error);
  assert_ok(index_list(f->index, "a/b/c/d", NULL, add_path, &texts, &f->error), &f->error);
  assert_int_equal(texts.count, 0);
}

static void impossible_nodes_are_refused(void **state) {
  struct fixture *f = *state;
  struct index_batch *batch = begin(f);
  static const char *const paths[] = {"", "/a", "a//b", "a/b/c/d/e"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    struct index_node node = node_of(paths[i], "x", 1);
    assert_int_equal(index_batch_put_node(batch, &node, NULL, NULL, &f->error), CAS_INVALID);
  }
  struct index_node node = node_of("a/b", "x", 1);
  node.level = CAS_LEVEL_SERIES;
  assert_int_equal(index_batch_put_node(batch, &node, NULL, NULL, &f->error), CAS_INVALID);
  char text[5000];
  memset(text, 'u', sizeof text);
  text[sizeof text - 1] = '\0';
  node = node_of("a/b", "x", 1);
  assert_int_equal(index_batch_put_node(batch, &node, text, NULL, &f->error), CAS_INVALID);
  index_batch_abort(batch);
}

static void names_are_found_by_identity(void **state) {
  struct fixture *f = *state;
  char name[256];
  struct index_batch *batch = begin(f);
  put_node(f, batch, "a", "ID/with slash", NULL, NULL);
  put_node(f, batch, "b", "", NULL, NULL);
  put_node(f, batch, "a/s", "1.2", NULL, NULL);
  put_node(f, batch, "b/t", "1.2", NULL, NULL);
  apply(f, batch);
  assert_ok(index_get_name(f->index, "", "ID/with slash", name, sizeof name, &f->error), &f->error);
  assert_string_equal(name, "a");
  assert_ok(index_get_name(f->index, "", "", name, sizeof name, &f->error), &f->error);
  assert_string_equal(name, "b");
  assert_ok(index_get_name(f->index, "a", "1.2", name, sizeof name, &f->error), &f->error);
  assert_string_equal(name, "s");
  assert_ok(index_get_name(f->index, "b", "1.2", name, 2, &f->error), &f->error);
  assert_string_equal(name, "t");
  assert_int_equal(index_get_name(f->index, "b", "1.2", name, 1, &f->error), CAS_INVALID);
  assert_int_equal(index_get_name(f->index, "a", "1", name, sizeof name, &f->error), CAS_NOT_FOUND);
}

static void brothers_have_different_identities(void **state) {
  struct fixture *f = *state;
  struct index_batch *batch = begin(f);
  put_node(f, batch, "a", "same", NULL, NULL);
  struct index_node node = node_of("b", "same", 1);
  assert_int_equal(index_batch_put_node(batch, &node, NULL, NULL, &f->error), CAS_EXISTS);
  put_node(f, batch, "a", "same", NULL, NULL);
  put_node(f, batch, "a", "other", NULL, NULL);
  put_node(f, batch, "b", "same", NULL, NULL);
  apply(f, batch);
  char name[256];
  assert_ok(index_get_name(f->index, "", "same", name, sizeof name, &f->error), &f->error);
  assert_string_equal(name, "b");
}

/* A replaced node leaves nothing behind of what it was. */
static void replacing_moves_every_entry(void **state) {
  struct fixture *f = *state;
  char name[256];
  struct texts texts = {0};
  struct index_batch *batch = begin(f);
  put_node(f, batch, "p/s", "old", "1.1", "20200101");
  apply(f, batch);
  batch = begin(f);
  put_node(f, batch, "p/s", "new", "2.2", "20210202");
  apply(f, batch);
  assert_int_equal(index_get_name(f->index, "p", "old", name, sizeof name, &f->error), CAS_NOT_FOUND);
  assert_ok(index_get_name(f->index, "p", "new", name, sizeof name, &f->error), &f->error);
  assert_ok(index_find_uid(f->index, CAS_LEVEL_STUDY, "1.1", add_text, &texts, &f->error), &f->error);
  assert_int_equal(texts.count, 0);
  assert_ok(index_list_uids(f->index, CAS_LEVEL_STUDY, NULL, add_text, &texts, &f->error), &f->error);
  assert_ok(index_list_dates(f->index, NULL, add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "2.2", "20210202");
  batch = begin(f);
  put_node(f, batch, "p/s", "new", "", NULL);
  apply(f, batch);
  texts.count = 0;
  assert_ok(index_list_uids(f->index, CAS_LEVEL_STUDY, NULL, add_text, &texts, &f->error), &f->error);
  assert_ok(index_list_dates(f->index, NULL, add_text, &texts, &f->error), &f->error);
  assert_int_equal(texts.count, 0);
}

static void names_with_a_common_beginning_do_not_mix(void **state) {
  struct fixture *f = *state;
  static const char *const paths[] = {"a",    "a b",   "a.b",   "a0",   "ab",    "a/x",     "a b/x",
                                      "ab/x", "a/x/1", "a/x y", "a/x.", "a b/y", "a/x/1/i", "A"};
  struct index_batch *batch = begin(f);
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) put_node(f, batch, paths[i], paths[i], NULL, NULL);
  apply(f, batch);
  struct texts texts = {0};
  assert_ok(index_list(f->index, "", NULL, add_path, &texts, &f->error), &f->error);
  assert_texts(&texts, "A", "a", "a b", "a.b", "a0", "ab");
  texts.count = 0;
  assert_ok(index_list(f->index, "a", NULL, add_path, &texts, &f->error), &f->error);
  assert_texts(&texts, "a/x", "a/x y", "a/x.");
  texts.count = 0;
  assert_ok(index_list(f->index, "a/x", NULL, add_path, &texts, &f->error), &f->error);
  assert_texts(&texts, "a/x/1");
  texts.count = 0;
  assert_ok(index_list(f->index, "", "a", add_path, &texts, &f->error), &f->error);
  assert_texts(&texts, "a b", "a.b", "a0", "ab");
  texts.count = 0;
  assert_ok(index_list(f->index, "a", "x ", add_path, &texts, &f->error), &f->error);
  assert_texts(&texts, "a/x y", "a/x.");
}

struct order {
  unsigned char names[300][3];
  size_t count;
};

static cas_status add_order(void *arg, const struct index_node *node) {
  struct order *order = arg;
  assert_true(order->count < 300);
  memcpy(order->names[order->count++], node->path, strlen(node->path) + 1);
  return CAS_OK;
}

static void names_of_any_byte_list_in_byte_order(void **state) {
  struct fixture *f = *state;
  struct index_batch *batch = begin(f);
  for (unsigned byte = 255; byte >= 1; byte--) {
    char name[3] = {(char)byte, '\0'};
    if (byte != '/') put_node(f, batch, name, name, NULL, NULL);
  }
  apply(f, batch);
  static struct order order;
  assert_ok(index_list(f->index, "", NULL, add_order, &order, &f->error), &f->error);
  assert_int_equal(order.count, 254);
  for (unsigned i = 0, byte = 1; byte < 256; byte++)
    if (byte != '/') assert_int_equal(order.names[i++][0], byte);
}

struct counting {
  unsigned next, seen;
};

static cas_status check_next(void *arg, const struct index_node *node) {
  struct counting *counting = arg;
  char path[32], identity[32];
  snprintf(path, sizeof path, "p/s/r/%08u", counting->next);
  snprintf(identity, sizeof identity, "%u", counting->next);
  struct index_node expected = node_of(path, identity, counting->next);
  assert_node_equal(node, &expected);
  counting->next++;
  counting->seen++;
  return CAS_OK;
}

static void hundred_thousand_children_list_in_order(void **state) {
  struct fixture *f = *state;
  enum { CHILDREN = 100000 };
  for (unsigned i = 0; i < CHILDREN;) {
    struct index_batch *batch = begin(f);
    for (unsigned end = i + 1000; i < end; i++) {
      unsigned number = (unsigned)((uint64_t)i * 77773 % CHILDREN);
      char path[32], identity[32];
      snprintf(path, sizeof path, "p/s/r/%08u", number);
      snprintf(identity, sizeof identity, "%u", number);
      struct index_node node = node_of(path, identity, number);
      assert_ok(index_batch_put_node(batch, &node, NULL, NULL, &f->error), &f->error);
    }
    apply(f, batch);
    if (i == CHILDREN / 2) assert_ok(index_flush(f->index, &f->error), &f->error);
  }
  struct counting counting = {0};
  assert_ok(index_list(f->index, "p/s/r", NULL, check_next, &counting, &f->error), &f->error);
  assert_int_equal(counting.seen, CHILDREN);
  counting = (struct counting){.next = 54322};
  assert_ok(index_list(f->index, "p/s/r", "00054321", check_next, &counting, &f->error), &f->error);
  assert_int_equal(counting.seen, CHILDREN - 54322);
}

static void callback_stops_the_list(void **state) {
  struct fixture *f = *state;
  struct index_batch *batch = begin(f);
  put_node(f, batch, "p/a", "a", "1.1", "20200101");
  put_node(f, batch, "p/b", "b", "1.2", "20200102");
  put_node(f, batch, "p/c", "c", "1.3", "20200103");
  apply(f, batch);
  struct texts texts = {.stop_after = 2, .stop_with = CAS_END};
  assert_int_equal(index_list(f->index, "p", NULL, add_path, &texts, &f->error), CAS_END);
  assert_texts(&texts, "p/a", "p/b");
  texts = (struct texts){.stop_after = 1, .stop_with = CAS_REFUSED};
  assert_int_equal(index_list_uids(f->index, CAS_LEVEL_STUDY, "1.1", add_text, &texts, &f->error), CAS_REFUSED);
  assert_texts(&texts, "1.2");
  texts.count = 0;
  assert_int_equal(index_find_uid(f->index, CAS_LEVEL_STUDY, "1.3", add_text, &texts, &f->error), CAS_REFUSED);
  texts.count = 0;
  assert_int_equal(index_find_dates(f->index, NULL, NULL, add_text, &texts, &f->error), CAS_REFUSED);
  assert_texts(&texts, "p/a");
}

struct writing {
  struct fixture *f;
  unsigned seen;
};

static cas_status write_meanwhile(void *arg, const struct index_node *node) {
  struct writing *writing = arg;
  char path[32];
  (void)node;
  writing->seen++;
  struct index_batch *batch = begin(writing->f);
  snprintf(path, sizeof path, "z%u", writing->seen);
  put_node(writing->f, batch, path, path, NULL, NULL);
  apply(writing->f, batch);
  return CAS_OK;
}

static void list_does_not_see_what_is_written_meanwhile(void **state) {
  struct fixture *f = *state;
  struct index_batch *batch = begin(f);
  put_node(f, batch, "a", "a", NULL, NULL);
  put_node(f, batch, "b", "b", NULL, NULL);
  apply(f, batch);
  struct writing writing = {.f = f};
  assert_ok(index_list(f->index, "", NULL, write_meanwhile, &writing, &f->error), &f->error);
  assert_int_equal(writing.seen, 2);
}

static void versions_ascend_as_numbers(void **state) {
  struct fixture *f = *state;
  struct index_batch *batch = begin(f);
  static const unsigned versions[] = {12, 2, 1, 10, 300, 11, 70000, 3, 256};
  for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
    char path[64], identity[64];
    snprintf(path, sizeof path, "p/s/r/v%u", versions[i]);
    snprintf(identity, sizeof identity, "1.2.3#%u", versions[i]);
    struct index_node node = node_of(path, identity, 1);
    node.version = versions[i];
    assert_ok(index_batch_put_node(batch, &node, "1.2.3", NULL, &f->error), &f->error);
  }
  /* The same content under a second patient, and UIDs beside it. */
  struct index_node elsewhere = node_of("a/s/r/x", "1.2.3#2", 1);
  elsewhere.version = 2;
  assert_ok(index_batch_put_node(batch, &elsewhere, "1.2.3", NULL, &f->error), &f->error);
  put_node(f, batch, "p/s/r/n1", "1.2.30#1", "1.2.30", NULL);
  put_node(f, batch, "p/s/r/n2", "1.2#1", "1.2", NULL);
  put_node(f, batch, "p/s/n3", "1.2.3", "1.2.3", NULL);
  struct texts texts = {0};
  assert_ok(index_batch_find_uid(batch, CAS_LEVEL_INSTANCE, "1.2.3", add_text, &texts, &f->error), &f->error);
  assert_int_equal(texts.count, 10);
  apply(f, batch);
  texts.count = 0;
  assert_ok(index_find_uid(f->index, CAS_LEVEL_INSTANCE, "1.2.3", add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "p/s/r/v1", "a/s/r/x", "p/s/r/v2", "p/s/r/v3", "p/s/r/v10", "p/s/r/v11", "p/s/r/v12",
               "p/s/r/v256", "p/s/r/v300", "p/s/r/v70000");
  texts.count = 0;
  assert_ok(index_list_uids(f->index, CAS_LEVEL_INSTANCE, NULL, add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "1.2", "1.2.3", "1.2.30");
  texts.count = 0;
  assert_ok(index_list_uids(f->index, CAS_LEVEL_INSTANCE, "1.2", add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "1.2.3", "1.2.30");
  texts.count = 0;
  assert_ok(index_list_uids(f->index, CAS_LEVEL_INSTANCE, "1.2.3", add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "1.2.30");
  texts.count = 0;
  assert_ok(index_find_uid(f->index, CAS_LEVEL_SERIES, "1.2.3", add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "p/s/n3");
  texts.count = 0;
  assert_ok(index_find_uid(f->index, CAS_LEVEL_INSTANCE, "", add_text, &texts, &f->error), &f->error);
  assert_int_equal(texts.count, 0);
}

static void patients_with_one_id_are_all_found(void **state) {
  struct fixture *f = *state;
  struct index_batch *batch = begin(f);
  put_node(f, batch, "4711", "4711", "4711", NULL);
  put_node(f, batch, "4711 (B)", "4711^B", "4711", NULL);
  put_node(f, batch, "anonymous", "", "", NULL);
  apply(f, batch);
  struct texts texts = {0};
  assert_ok(index_find_uid(f->index, CAS_LEVEL_PATIENT, "4711", add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "4711", "4711 (B)");
  texts.count = 0;
  assert_ok(index_list_uids(f->index, CAS_LEVEL_PATIENT, NULL, add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "4711");
}

static void dates_are_found_inclusive(void **state) {
  struct fixture *f = *state;
  struct index_batch *batch = begin(f);
  put_node(f, batch, "p/e", "e", NULL, "20200103");
  put_node(f, batch, "p/d", "d", NULL, "20200102");
  put_node(f, batch, "a/c", "c", NULL, "20200102");
  put_node(f, batch, "p/a", "a", NULL, "20191231");
  put_node(f, batch, "p/n", "n", NULL, "");
  put_node(f, batch, "p/a/series", "s", NULL, "20200102");
  put_node(f, batch, "p/z", "z", NULL, "20200102");
  apply(f, batch);
  struct texts texts = {0};
  assert_ok(index_find_dates(f->index, "20200102", "20200103", add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "a/c", "p/d", "p/z", "p/e");
  texts.count = 0;
  assert_ok(index_find_dates(f->index, "20200102", "20200102", add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "a/c", "p/d", "p/z");
  texts.count = 0;
  assert_ok(index_find_dates(f->index, "20200103", "20200102", add_text, &texts, &f->error), &f->error);
  assert_ok(index_find_dates(f->index, "20200104", NULL, add_text, &texts, &f->error), &f->error);
  assert_int_equal(texts.count, 0);
  assert_ok(index_find_dates(f->index, NULL, "20200101", add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "p/a");
  texts.count = 0;
  assert_ok(index_list_dates(f->index, NULL, add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "20191231", "20200102", "20200103");
  texts.count = 0;
  assert_ok(index_list_dates(f->index, "20191231", add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "20200102", "20200103");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(node_comes_back),
      TEST(unknown_and_impossible_paths_are_not_found),
      TEST(impossible_nodes_are_refused),
      TEST(names_are_found_by_identity),
      TEST(brothers_have_different_identities),
      TEST(replacing_moves_every_entry),
      TEST(names_with_a_common_beginning_do_not_mix),
      TEST(names_of_any_byte_list_in_byte_order),
      TEST(hundred_thousand_children_list_in_order),
      TEST(callback_stops_the_list),
      TEST(list_does_not_see_what_is_written_meanwhile),
      TEST(versions_ascend_as_numbers),
      TEST(patients_with_one_id_are_all_found),
      TEST(dates_are_found_inclusive),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
