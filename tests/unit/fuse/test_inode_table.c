/* Inodes live as long as the kernel knows them or something below them, and two never share a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuse/inode_table.h"

static int setup(void **state) { return inode_table_create((struct inode_table **)state) == CAS_OK ? 0 : -1; }

static int teardown(void **state) {
  inode_table_destroy(*state);
  return 0;
}

static uint64_t ref(struct inode_table *table, uint64_t parent, const char *name, uint64_t wanted) {
  uint64_t inode = 0;
  assert_int_equal(inode_table_ref(table, parent, name, false, wanted, &inode), CAS_OK);
  return inode;
}

static void has_path(struct inode_table *table, uint64_t inode, const char *expected) {
  char path[TREE_PATH_MAX];
  assert_int_equal(inode_table_path(table, inode, path), CAS_OK);
  assert_string_equal(path, expected);
}

static void is_gone(struct inode_table *table, uint64_t inode) {
  char path[TREE_PATH_MAX];
  assert_int_equal(inode_table_path(table, inode, path), CAS_NOT_FOUND);
}

static void test_paths(void **state) {
  struct inode_table *table = *state;
  has_path(table, INODE_TABLE_ROOT, "");
  assert_int_equal(ref(table, INODE_TABLE_ROOT, "Patients", 100), 100);
  assert_int_equal(ref(table, 100, "a", 101), 101);
  assert_int_equal(ref(table, 101, "\xc3\xa4 b", 102), 102);
  has_path(table, 102, "Patients/a/\xc3\xa4 b");
  has_path(table, 100, "Patients");
  is_gone(table, 99);
  uint64_t inode;
  assert_int_equal(inode_table_ref(table, 99, "x", false, 5, &inode), CAS_NOT_FOUND);
}

static void test_counts(void **state) {
  struct inode_table *table = *state;
  ref(table, INODE_TABLE_ROOT, "a", 100);
  ref(table, INODE_TABLE_ROOT, "a", 100);
  ref(table, 100, "b", 101);
  assert_int_equal(inode_table_count(table), 2);
  inode_table_unref(table, 100, 1);
  has_path(table, 100, "a");
  inode_table_unref(table, 100, 1);
  has_path(table, 101, "a/b"); /* kept by its child */
  assert_int_equal(inode_table_count(table), 2);
  inode_table_unref(table, 101, 1);
  is_gone(table, 101);
  is_gone(table, 100);
  assert_int_equal(inode_table_count(table), 0);
  ref(table, INODE_TABLE_ROOT, "a", 100);
  inode_table_unref(table, 100, UINT64_MAX);
  is_gone(table, 100);
  inode_table_unref(table, INODE_TABLE_ROOT, UINT64_MAX);
  has_path(table, INODE_TABLE_ROOT, "");
  inode_table_unref(table, 12345, 1);
}

static void test_collisions(void **state) {
  struct inode_table *table = *state;
  uint64_t a = ref(table, INODE_TABLE_ROOT, "a", 100), b = ref(table, INODE_TABLE_ROOT, "b", 100);
  uint64_t c = ref(table, a, "a", 100);
  assert_int_equal(a, 100);
  assert_true(b != a && c != a && c != b && b >= 16 && b <= INT64_MAX);
  has_path(table, b, "b");
  has_path(table, c, "a/a");
  assert_int_equal(ref(table, INODE_TABLE_ROOT, "b", 100), b);
  inode_table_unref(table, c, 1);
  inode_table_unref(table, a, 1);
  is_gone(table, a);
  /* The first number is free, yet a living inode keeps its own. */
  assert_int_equal(ref(table, INODE_TABLE_ROOT, "b", 100), b);
  assert_int_equal(ref(table, INODE_TABLE_ROOT, "a", 100), 100);
  inode_table_unref(table, b, 3);
  is_gone(table, b);
  assert_int_equal(inode_table_count(table), 1);
}

static void test_too_many_collisions(void **state) {
  struct inode_table *table = *state;
  char name[12];
  uint64_t inode;
  for (int i = 0; i < 5; i++) {
    snprintf(name, sizeof name, "%d", i);
    ref(table, INODE_TABLE_ROOT, name, 100);
  }
  assert_int_equal(inode_table_ref(table, INODE_TABLE_ROOT, "5", false, 100, &inode), CAS_NO_MEMORY);
  assert_int_equal(inode_table_count(table), 5);
}

/* Against a plain map: 20,000 random operations on 300 names, with many collisions. */
static void test_model(void **state) {
  struct inode_table *table = *state;
  enum { NAMES = 300 };
  static struct { uint64_t inode, lookups; } model[NAMES];
  memset(model, 0, sizeof model);
  unsigned seed = 20261123;
  print_message("seed %u\n", seed);
  srand(seed);
  for (int step = 0; step < 20000; step++) {
    int i = rand() % NAMES;
    char name[12];
    snprintf(name, sizeof name, "%d", i);
    if (rand() % 2 == 0) {
      uint64_t inode = ref(table, INODE_TABLE_ROOT, name, (uint64_t)(1000 + i / 3 * 7));
      if (model[i].lookups > 0) assert_int_equal(inode, model[i].inode);
      model[i].inode = inode;
      model[i].lookups++;
    } else if (model[i].lookups > 0) {
      uint64_t back = 1 + (uint64_t)rand() % model[i].lookups;
      inode_table_unref(table, model[i].inode, back);
      model[i].lookups -= back;
    }
  }
  size_t living = 0;
  for (int i = 0; i < NAMES; i++) {
    char name[12];
    snprintf(name, sizeof name, "%d", i);
    if (model[i].lookups == 0) continue;
    living++;
    has_path(table, model[i].inode, name);
    for (int j = 0; j < i; j++) assert_false(model[j].lookups > 0 && model[j].inode == model[i].inode);
  }
  assert_int_equal(inode_table_count(table), living);
}

static void test_many(void **state) {
  struct inode_table *table = *state;
  char name[16];
  for (unsigned i = 0; i < 200000; i++) {
    snprintf(name, sizeof name, "%u", i);
    ref(table, INODE_TABLE_ROOT, name, tree_inode(name));
  }
  assert_int_equal(inode_table_count(table), 200000);
  has_path(table, tree_inode("123456"), "123456");
  for (unsigned i = 0; i < 200000; i++) {
    snprintf(name, sizeof name, "%u", i);
    inode_table_unref(table, tree_inode(name), 1);
  }
  assert_int_equal(inode_table_count(table), 0);
}

static void test_deepest_path(void **state) {
  struct inode_table *table = *state;
  char name[NAME_MAX + 1], path[TREE_PATH_MAX];
  memset(name, 'x', NAME_MAX);
  name[NAME_MAX] = '\0';
  char snapshot[CAS_SNAPSHOT_NAME_MAX + 1] = "";
  memset(snapshot, 's', CAS_SNAPSHOT_NAME_MAX);
  uint64_t inode = ref(table, INODE_TABLE_ROOT, "Snapshots", 98);
  inode = ref(table, inode, snapshot, 99);
  inode = ref(table, inode, "Dates", 100);
  inode = ref(table, inode, "2026", 101);
  inode = ref(table, inode, "11", 102);
  inode = ref(table, inode, "23", 103);
  for (unsigned i = 0; i < 4; i++) inode = ref(table, inode, name, 104 + i);
  assert_int_equal(inode_table_path(table, inode, path), CAS_OK);
  assert_int_equal(strlen(path), TREE_PATH_MAX - 1);
  inode = ref(table, inode, "y", 200);
  assert_int_equal(inode_table_path(table, inode, path), CAS_NOT_FOUND);
}

static void test_holding_and_stamps(void **state) {
  struct inode_table *table = *state;
  uint64_t inode = 0, parent = 0;
  assert_int_equal(inode_table_hold(table, INODE_TABLE_ROOT, "a", 100, &inode), CAS_NOT_FOUND);
  ref(table, INODE_TABLE_ROOT, "a", 100);
  assert_int_equal(inode_table_hold(table, INODE_TABLE_ROOT, "a", 100, &inode), CAS_OK);
  assert_int_equal(inode, 100);
  assert_int_equal(inode_table_hold(table, INODE_TABLE_ROOT, "b", 100, &inode), CAS_NOT_FOUND);
  assert_int_equal(inode_table_hold(table, 999, "a", 100, &inode), CAS_NOT_FOUND);
  assert_int_equal(inode_table_parent(table, 100, &parent), CAS_OK);
  assert_int_equal(parent, INODE_TABLE_ROOT);
  assert_int_equal(inode_table_parent(table, INODE_TABLE_ROOT, &parent), CAS_NOT_FOUND);
  assert_int_equal(inode_table_stamp(table, 100, 7), 0);
  assert_int_equal(inode_table_stamp(table, 100, 8), 7);
  assert_int_equal(inode_table_stamp(table, 555, 8), 0);
  inode_table_unref(table, 100, 1);
  assert_int_equal(inode_table_count(table), 1);
  inode_table_unref(table, 100, 1);
  assert_int_equal(inode_table_count(table), 0);
  ref(table, INODE_TABLE_ROOT, "a", 100);
  assert_int_equal(inode_table_stamp(table, 100, 7), 0);
}

static uint64_t ref_file(struct inode_table *table, uint64_t parent, const char *name, uint64_t wanted) {
  uint64_t inode = 0;
  assert_int_equal(inode_table_ref(table, parent, name, true, wanted, &inode), CAS_OK);
  return inode;
}

/* Takes the whole line but `keep`, and says the numbers in their order. */
static void line_is(struct inode_table *table, size_t keep, const char *expected) {
  struct inode_taken taken[16];
  char numbers[256] = "";
  size_t count = inode_table_take(table, keep, taken, 16);
  for (size_t i = 0; i < count; i++)
    snprintf(numbers + strlen(numbers), sizeof numbers - strlen(numbers), "%s%u", i > 0 ? " " : "",
             (unsigned)taken[i].inode);
  assert_string_equal(numbers, expected);
}

static void test_line(void **state) {
  struct inode_table *table = *state;
  struct inode_taken taken;
  ref(table, INODE_TABLE_ROOT, "a", 100);
  for (char name[2] = "b"; name[0] < 'f'; name[0]++) ref_file(table, 100, name, (uint64_t)(name[0] - 'b' + 101));
  assert_int_equal(inode_table_waiting(table), 5);
  assert_int_equal(inode_table_take(table, 5, &taken, 1), 0);
  assert_int_equal(inode_table_take(table, 4, &taken, 1), 1);
  assert_true(taken.inode == 100 && taken.parent == INODE_TABLE_ROOT && !taken.file);
  assert_string_equal(taken.name, "a");
  ref_file(table, 100, "b", 101); /* looked up again: goes to the back */
  assert_int_equal(inode_table_take(table, 0, &taken, 1), 1);
  assert_true(taken.inode == 102 && taken.parent == 100 && taken.file);
  assert_string_equal(taken.name, "c");
  line_is(table, 1, "103 104");
  inode_table_unref(table, 104, 1);
  assert_int_equal(inode_table_stamp(table, 100, 7), 0);
  inode_table_unref(table, 103, 1);
  assert_int_equal(inode_table_stamp(table, 100, 8), 0); /* forgotten with a child */
  assert_int_equal(inode_table_waiting(table), 1);
  line_is(table, 0, "101");
  ref_file(table, 100, "c", 102); /* in use, and looked up again */
  line_is(table, 0, "102");
  inode_table_return_told(table);
  assert_int_equal(inode_table_waiting(table), 3);
  line_is(table, 0, "100 101 102");
  /* A folder comes back when it can be forgotten. */
  inode_table_unref(table, 101, 2);
  line_is(table, 0, "");
  inode_table_unref(table, 102, 2);
  line_is(table, 0, "100");
  inode_table_unref(table, 100, 1);
  assert_int_equal(inode_table_count(table), 0);
  line_is(table, 0, "");
  inode_table_return_told(table);
  assert_int_equal(inode_table_waiting(table), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_paths, setup, teardown),
      cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
      cmocka_unit_test_setup_teardown(test_holding_and_stamps, setup, teardown),
      cmocka_unit_test_setup_teardown(test_line, setup, teardown),
      cmocka_unit_test_setup_teardown(test_collisions, setup, teardown),
      cmocka_unit_test_setup_teardown(test_too_many_collisions, setup, teardown),
      cmocka_unit_test_setup_teardown(test_model, setup, teardown),
      cmocka_unit_test_setup_teardown(test_many, setup, teardown),
      cmocka_unit_test_setup_teardown(test_deepest_path, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
