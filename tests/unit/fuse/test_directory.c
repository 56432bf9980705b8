/* Lists of any length come whole, in bounded memory, from every place one may seek to. */
#include <malloc.h>

#include "fake_store.h"

#include "fuse/directory.h"

#define BIG "big/study/series"

static const struct tree tree = {.views = TREE_PATIENTS};

static int setup(void **state) {
  (void)state;
  fake_clear();
  fake.big_folder = BIG;
  fake.big_count = 5000;
  fake_add("p", "p", NULL, 1, 0, 0);
  fake_add("q", "q", NULL, 1, 0, 0);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  fake_clear();
  return 0;
}

static struct directory *open_folder(const char *path) {
  struct directory *directory;
  assert_int_equal(directory_open(&tree, path, &directory), CAS_OK);
  return directory;
}

static cas_status next(struct directory *directory, uint64_t cookie, struct directory_item *item) {
  struct cas_error error = {0};
  return directory_next(directory, cookie, true, item, &error);
}

static void test_small(void **state) {
  (void)state;
  struct directory *directory = open_folder("Patients");
  struct directory_item item;
  static const char *const names[] = {".", "..", "p", "q"};
  const uint64_t inodes[] = {tree_inode("Patients"), 1, tree_inode("Patients/p"), tree_inode("Patients/q")};
  uint64_t cookie = 0;
  for (int i = 0; i < 4; i++) {
    assert_int_equal(next(directory, cookie, &item), CAS_OK);
    assert_string_equal(item.name, names[i]);
    assert_int_equal(item.inode, inodes[i]);
    assert_int_equal(item.dots, i < 2);
    assert_int_not_equal(item.cookie, cookie);
    cookie = item.cookie;
  }
  assert_int_equal(next(directory, cookie, &item), CAS_END);
  assert_int_equal(next(directory, cookie, &item), CAS_END);
  assert_int_equal(fake.lists, 1);
  directory_close(directory);
}

static void test_empty(void **state) {
  (void)state;
  struct directory *directory = open_folder("Patients/none");
  struct directory_item item;
  assert_int_equal(next(directory, 2, &item), CAS_END);
  directory_close(directory);
}

/* Checks that the list from `cookie` on is that of the numbers from `first` on. */
static void reads_from(struct directory *directory, uint64_t cookie, unsigned first, unsigned end) {
  struct directory_item item;
  for (unsigned i = first; i < end; i++) {
    char name[16];
    snprintf(name, sizeof name, "%07u.dcm", i);
    assert_int_equal(next(directory, cookie, &item), CAS_OK);
    assert_string_equal(item.name, name);
    assert_int_equal(item.entry.bytes, i);
    cookie = item.cookie;
  }
}

static uint64_t cookie_of(unsigned number) {
  char path[TREE_PATH_MAX];
  snprintf(path, sizeof path, "Patients/" BIG "/%07u.dcm", number);
  return tree_inode(path);
}

static void test_seek(void **state) {
  (void)state;
  struct directory *directory = open_folder("Patients/" BIG);
  reads_from(directory, 2, 0, 5000);
  static const unsigned places[] = {4999, 0, 1, 1022, 1023, 1024, 1025, 2047, 2048, 3000, 17, 4998};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
    reads_from(directory, cookie_of(places[i]), places[i] + 1, places[i] + 50 < 5000 ? places[i] + 50 : 5000);
  reads_from(directory, 2, 0, 10);
  directory_close(directory);
  /* A cookie of another open folder, or of before a restart. */
  directory = open_folder("Patients/" BIG);
  reads_from(directory, cookie_of(3333), 3334, 5000);
  struct directory_item item;
  assert_int_equal(next(directory, cookie_of(77777), &item), CAS_END);
  directory_close(directory);
}

static void test_window_end(void **state) {
  (void)state;
  struct directory *directory = open_folder("Patients/" BIG);
  struct directory_item item;
  struct cas_error error = {0};
  uint64_t cookie = 2;
  assert_int_equal(directory_next(directory, cookie, false, &item, &error), CAS_BUSY);
  unsigned items = 0;
  assert_int_equal(next(directory, cookie, &item), CAS_OK);
  for (cas_status status = CAS_OK; status == CAS_OK; items++) {
    cookie = item.cookie;
    status = directory_next(directory, cookie, false, &item, &error);
    assert_true(status == CAS_OK || status == CAS_BUSY);
  }
  assert_int_equal(items, 1024);
  /* What an answer gave away is still held after it. */
  unsigned lists = fake.lists;
  reads_from(directory, cookie_of(10), 11, 1024);
  assert_int_equal(fake.lists, lists);
  directory_close(directory);
}

static void test_arrival(void **state) {
  (void)state;
  struct directory *directory = open_folder("Patients/" BIG);
  reads_from(directory, 2, 0, 5000);
  fake.big_count = 5001;
  struct directory_item item;
  assert_int_equal(next(directory, 0, &item), CAS_OK); /* rewinddir */
  reads_from(directory, 2, 0, 5001);
  directory_close(directory);
}

static void test_million(void **state) {
  (void)state;
  fake.big_count = 1000000;
  struct directory *directory = open_folder("Patients/" BIG);
  struct directory_item item;
  reads_from(directory, 2, 0, 2048);
  size_t before = mallinfo2().uordblks;
  uint64_t cookie = 2;
  unsigned count = 0;
  while (next(directory, cookie, &item) == CAS_OK) {
    cookie = item.cookie;
    count++;
  }
  assert_int_equal(count, 1000000);
  assert_true(fake.lists < 1000); /* linear: a window for each thousand */
  assert_true(mallinfo2().uordblks < before + 65536);
  directory_close(directory);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_small, setup, teardown),
      cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
      cmocka_unit_test_setup_teardown(test_seek, setup, teardown),
      cmocka_unit_test_setup_teardown(test_window_end, setup, teardown),
      cmocka_unit_test_setup_teardown(test_arrival, setup, teardown),
      cmocka_unit_test_setup_teardown(test_million, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
