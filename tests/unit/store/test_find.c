/* A search that begins at an entry of the index finds what a walk finds, whatever was learned and sent again before. */
#include "random_studies.h"

#include "store/find_plan.h"

struct list {
  struct cas_store *store;
  const struct cas_query *query;
  char *text; /* paths of what was found, each with a line end */
  size_t size;
};

static cas_status add(void *arg, const struct cas_node *node) {
  struct list *list = arg;
  size_t size = strlen(node->path);
  list->text = realloc(list->text, list->size + size + 2);
  assert_non_null(list->text);
  memcpy(list->text + list->size, node->path, size);
  memcpy(list->text + list->size + size, "\n", 2);
  list->size += size + 1;
  return CAS_OK;
}

/* The search again, without entries. */
static cas_status walk(void *arg, const struct cas_node *node) {
  struct list *list = arg;
  for (size_t i = 0; i < list->query->condition_count; i++)
    if (!meets(list->store, &list->query->conditions[i], node)) return CAS_OK;
  if (node->level == list->query->level) return add(list, node);
  return cas_node_list(list->store, node->path, NULL, walk, list, NULL);
}

static void entries_find_what_a_walk_finds(void **state) {
  (void)state;
  struct temporary_store t = {0};
  struct test_random seeded = {test_random_seed("test_find")}, *random = &seeded;
  unsigned found = 0;
  temporary_create(&t);
  for (unsigned i = 0; i < OBJECTS; i++) import_some(t.store, random, i);
  for (unsigned i = 0; i < 400; i++) {
    char texts[3][64];
    struct cas_condition conditions[3];
    struct cas_query query = {.level = (enum cas_level)(2 + below(random, 3)), .conditions = conditions};
    query.condition_count = 1 + below(random, 3);
    for (size_t c = 0; c < query.condition_count; c++) conditions[c] = condition_of(random, texts[c]);
    struct list got = {.store = t.store, .query = &query}, wanted = got;
    assert_int_equal(cas_find(t.store, &query, add, &got, NULL), CAS_OK);
    assert_int_equal(cas_node_list(t.store, "", NULL, walk, &wanted, NULL), CAS_OK);
    if (got.size != wanted.size || (got.size > 0 && memcmp(got.text, wanted.text, got.size) != 0))
      fail_msg("%08x '%s' and %zu more: got\n%s\ninstead of\n%s", conditions[0].tag, conditions[0].pattern,
               query.condition_count - 1, got.text, wanted.text);
    found += got.size > 0;
    free(got.text);
    free(wanted.text);
  }
  assert_in_range(found, 50, 390);
  temporary_destroy(&t);
}

static void a_slash_sorts_first(void **state) {
  (void)state;
  assert_true(plan_compare_paths("a/z", "a b/a") < 0);
  assert_true(plan_compare_paths("a", "a/z") < 0);
  assert_true(plan_compare_paths("a b", "a!b") < 0);
  assert_int_equal(plan_compare_paths("a/b", "a/b"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(entries_find_what_a_walk_finds),
      cmocka_unit_test(a_slash_sorts_first),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
