/* What paths mean: the three views, and that no path leads out of them. */
#include "fake_store.h"

static const struct tree tree = {.views = TREE_PATIENTS | TREE_DATES | TREE_UIDS, .created_ns = 7};

#define DAY "20260102"
/* XXH3-64 of the paths as xxhsum -H3 computes it, without the highest bit. */
#define INODE_PATIENTS 0x6f320bdba2a11b98
#define INODE_FILE 0x1f1348c1d2316918

/* Entries in all views of the store below, counted by hand. */
#define WALKED 49

/* Two patients; study 1.1 under both (the same study sent under two names), with series 1.1.1 under both and 1.1.2
 * under one; the instance 1.1.1.1 has versions 1 and 2 in it. Study 1.2 has a date of another spelling, 1.3 is of
 * another day. */
static int setup(void **state) {
  (void)state;
  fake_clear();
  fake_add("A", "A", NULL, 50, 0, 0);
  fake_add("A/s1", "1.1", DAY, 40, 0, 0);
  fake_add("A/s1/r1", "1.1.1", NULL, 30, 0, 0);
  fake_add("A/s1/r1/1.dcm", "1.1.1.1", NULL, 10, 1000, 1);
  fake_add("A/s1/r1/1.v2.dcm", "1.1.1.1", NULL, 11, 1002, 2);
  fake_add("A/s1/r2", "1.1.2", NULL, 31, 0, 0);
  fake_add("A/s1/r2/1.dcm", "1.1.2.1", NULL, 12, 1003, 1);
  fake_add("A/s2", "1.2", "2026.01.02", 41, 0, 0);
  fake_add("A B", "A B", NULL, 51, 0, 0);
  fake_add("A B/s1", "1.1", DAY, 42, 0, 0);
  fake_add("A B/s1/r1", "1.1.1", NULL, 32, 0, 0);
  fake_add("A B/s1/r1/1.dcm", "1.1.1.9", NULL, 13, 1004, 1);
  fake_add("A B/s3", "1.3", "20260203", 43, 0, 0);
  fake_add("A B/s4", "", "20251231", 44, 0, 0); /* no UID */
  return 0;
}

static int teardown(void **state) {
  (void)state;
  fake_clear();
  return 0;
}

static cas_status keep_names(void *arg, const char *name, const struct tree_entry *entry) {
  char *text = arg;
  strcat(strcat(text, name), entry->kind == TREE_FILE ? "|" : "/|");
  return CAS_OK;
}

static void lists_behind(const char *path, const char *after, const char *expected) {
  char names[4096] = "";
  struct cas_error error = {0};
  assert_int_equal(tree_list(&tree, path, after, keep_names, names, &error), CAS_OK);
  if (strcmp(names, expected) != 0)
    fail_msg("\"%s\" behind \"%s\" lists \"%s\", not \"%s\"", path, after == NULL ? "" : after, names, expected);
}

static void lists(const char *path, const char *expected) { lists_behind(path, NULL, expected); }

static void is_folder(const char *path, int64_t time_ns, const char *node_path) {
  struct tree_entry entry;
  struct cas_error error = {0};
  char found[TREE_PATH_MAX];
  if (tree_get(&tree, path, &entry, found, &error) != CAS_OK) fail_msg("\"%s\" is not found", path);
  assert_int_equal(entry.kind, TREE_FOLDER);
  assert_int_equal(entry.bytes, 0);
  assert_int_equal(entry.time_ns, time_ns);
  assert_string_equal(found, node_path);
}

static void is_file(const char *path, uint64_t bytes, int64_t time_ns, const char *node_path) {
  struct tree_entry entry;
  struct cas_error error = {0};
  char found[TREE_PATH_MAX];
  if (tree_get(&tree, path, &entry, found, &error) != CAS_OK) fail_msg("\"%s\" is not found", path);
  assert_int_equal(entry.kind, TREE_FILE);
  assert_int_equal(entry.bytes, bytes);
  assert_int_equal(entry.time_ns, time_ns);
  assert_string_equal(found, node_path);
}

static void is_not_there(const char *path) {
  struct tree_entry entry;
  struct cas_error error = {0};
  if (tree_get(&tree, path, &entry, NULL, &error) != CAS_NOT_FOUND) fail_msg("\"%s\" is there", path);
}

static void test_root(void **state) {
  (void)state;
  lists("", "Dates/|Patients/|UIDs/|");
  lists_behind("", "Dates", "Patients/|UIDs/|");
  lists_behind("", "UIDs", "");
  is_folder("", 7, "");
  is_folder("UIDs", 7, "");
  is_not_there("Snapshots");
  is_not_there("patients");
  is_not_there("Patient");
  is_not_there("PatientsX");
}

static void test_patients(void **state) {
  (void)state;
  lists("Patients", "A/|A B/|");
  lists_behind("Patients", "A", "A B/|");
  lists("Patients/A/s1/r1", "1.dcm|1.v2.dcm|");
  lists("Patients/A/s1/r1/1.dcm", "");
  lists("Patients/none", "");
  is_folder("Patients/A B/s1", 42, "A B/s1");
  is_file("Patients/A/s1/r1/1.v2.dcm", 1002, 11, "A/s1/r1/1.v2.dcm");
  is_not_there("Patients/A/s1/r1/2.dcm");
  is_not_there("Patients/A/s1/r1/1.dcm/x");
}

static void test_dates(void **state) {
  (void)state;
  lists("Dates", "2025/|2026/|");
  lists_behind("Dates", "2025", "2026/|");
  lists("Dates/2026", "01/|02/|");
  lists_behind("Dates/2026", "01", "02/|");
  lists_behind("Dates/2026", "02", "");
  lists("Dates/2026/01", "02/|");
  lists("Dates/2026/01/02", "A/|A B/|");
  lists_behind("Dates/2026/01/02", "A", "A B/|");
  lists_behind("Dates/2026/01/02", "A B", "");
  lists("Dates/2026/01/02/A", "s1/|");
  lists("Dates/2026/01/02/A B", "s1/|");
  lists_behind("Dates/2026/01/02/A B", "s1", "");
  lists("Dates/2026/01/02/A/s1", "r1/|r2/|");
  lists("Dates/2026/02/03/A B", "s3/|");
  lists("Dates/2026/01/02/A B/s3", "");
  is_folder("Dates/2026", 7, "");
  is_folder("Dates/2026/01/02", 7, "");
  is_folder("Dates/2026/01/02/A", 50, "A");
  is_folder("Dates/2026/01/02/A/s1/r2", 31, "A/s1/r2");
  is_file("Dates/2026/01/02/A/s1/r1/1.dcm", 1000, 10, "A/s1/r1/1.dcm");
  is_not_there("Dates/2027");
  is_not_there("Dates/2026/03");
  is_not_there("Dates/2026/01/03");
  is_not_there("Dates/2026/02/03/A");
  is_not_there("Dates/2026/01/02/A B/s3");
  is_not_there("Dates/2026/01/02/A/s2");
  is_not_there("Dates/202");
  is_not_there("Dates/20260");
  is_not_there("Dates/2026/1");
  is_not_there("Dates/2026/0a");
  is_not_there("Dates/2026/01/02/A/s1/r1/1.dcm/x");
  lists("Dates/20260", "");
}

static void test_uids(void **state) {
  (void)state;
  lists("UIDs", "1.1/|1.2/|1.3/|");
  lists_behind("UIDs", "1.1", "1.2/|1.3/|");
  lists("UIDs/1.1", "1.1.1/|1.1.2/|"); /* 1.1.1 of both nodes, once */
  lists_behind("UIDs/1.1", "1.1.1", "1.1.2/|");
  lists_behind("UIDs/1.1", "1.1.2", "");
  lists_behind("UIDs/1.1", "9.9", "");
  lists("UIDs/1.1/1.1.1", "1.1.1.9.dcm|1.1.1.1.dcm|1.1.1.1.v2.dcm|");
  lists_behind("UIDs/1.1/1.1.1", "1.1.1.9.dcm", "1.1.1.1.dcm|1.1.1.1.v2.dcm|");
  lists_behind("UIDs/1.1/1.1.1", "1.1.1.1.dcm", "1.1.1.1.v2.dcm|");
  lists_behind("UIDs/1.1/1.1.1", "1.1.1.1.v2.dcm", "");
  lists("UIDs/1.2/1.1.1", "");
  is_folder("UIDs/1.1", 42, "");
  is_folder("UIDs/1.2", 41, "A/s2");
  is_folder("UIDs/1.1/1.1.1", 32, "");
  is_file("UIDs/1.1/1.1.1/1.1.1.1.dcm", 1000, 10, "A/s1/r1/1.dcm");
  is_file("UIDs/1.1/1.1.1/1.1.1.1.v2.dcm", 1002, 11, "A/s1/r1/1.v2.dcm");
  is_not_there("UIDs/1.1/1.1.1/1.1.1.1.v3.dcm");
  is_not_there("UIDs/1.1/1.1.2/1.1.1.1.dcm");
  is_not_there("UIDs/1.2/1.1.1");
  is_not_there("UIDs/1.2/1.1.1/1.1.1.1.dcm");
  is_not_there("UIDs/1.1/1.1.1/1.1.1.1");
  is_not_there("UIDs/1.1/1.1.1/1.1.1.1.dcm/x");
  is_not_there("UIDs/%31.1");
}

static void test_no_escape(void **state) {
  (void)state;
  static const char *const paths[] = {"/",
                                      "/Patients",
                                      "Patients/",
                                      "Patients//A",
                                      "Patients/.",
                                      "Patients/..",
                                      "Patients/../A",
                                      "Patients/A/../A B",
                                      "../etc/passwd",
                                      "Dates/../Patients",
                                      "UIDs/..",
                                      "UIDs/1.1/..",
                                      "Patients/A/s1/r1/1.dcm/",
                                      ".",
                                      ".."};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    is_not_there(paths[i]);
    lists(paths[i], "");
  }
  char path[TREE_PATH_MAX], deep[TREE_PATH_MAX] = "Patients", name[NAME_MAX + 2];
  static const char *const names[] = {"", ".", "..", "a/b", "/"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    assert_int_equal(tree_join("Patients", names[i], path), CAS_NOT_FOUND);
  memset(name, 'n', sizeof name);
  name[NAME_MAX + 1] = '\0';
  assert_int_equal(tree_join("Patients", name, path), CAS_NOT_FOUND);
  name[NAME_MAX] = '\0';
  assert_int_equal(tree_join("Patients", name, path), CAS_OK);
  for (int i = 1; i < TREE_DEPTH_MAX; i++) assert_int_equal(tree_join(deep, "x", deep), CAS_OK);
  assert_int_equal(tree_join(deep, "x", path), CAS_NOT_FOUND);
  assert_int_equal(tree_join("", "x", path), CAS_OK);
  assert_string_equal(path, "x");
}

static void test_views_off(void **state) {
  (void)state;
  struct tree some = {.views = TREE_UIDS, .created_ns = 7};
  struct tree_entry entry;
  struct cas_error error = {0};
  char names[256] = "";
  assert_int_equal(tree_list(&some, "", NULL, keep_names, names, &error), CAS_OK);
  assert_string_equal(names, "UIDs/|");
  assert_int_equal(tree_get(&some, "Patients", &entry, NULL, &error), CAS_NOT_FOUND);
  assert_int_equal(tree_get(&some, "Patients/A", &entry, NULL, &error), CAS_NOT_FOUND);
  assert_int_equal(tree_get(&some, "UIDs/1.1", &entry, NULL, &error), CAS_OK);
  assert_int_equal(tree_list(&some, "Dates/2026", NULL, keep_names, names, &error), CAS_OK);
  assert_string_equal(names, "UIDs/|");
}

/* Backup tools keep these numbers: they may never change, on any machine. */
static void test_inode_numbers(void **state) {
  (void)state;
  assert_int_equal(tree_inode(""), 1);
  assert_int_equal(tree_inode("Patients"), INODE_PATIENTS);
  assert_int_equal(tree_inode("Patients/A/s1/r1/1.dcm"), INODE_FILE);
}

/* Everything that a list shows is found, at each place of each view, and lists go on at every name. */
static unsigned walked;

struct walk {
  const char *path;
  char last[NAME_MAX + 1];
  char names[64][NAME_MAX + 1];
  size_t count;
};

static cas_status note_name(void *arg, const char *name, const struct tree_entry *entry) {
  struct walk *walk = arg;
  char path[TREE_PATH_MAX];
  struct tree_entry found;
  struct cas_error error = {0};
  assert_int_equal(tree_join(walk->path, name, path), CAS_OK);
  if (tree_get(&tree, path, &found, NULL, &error) != CAS_OK) fail_msg("listed but not found: %s", path);
  assert_int_equal(found.kind, entry->kind);
  assert_int_equal(found.bytes, entry->bytes);
  assert_int_equal(found.time_ns, entry->time_ns);
  assert_true(walk->count < 64);
  strcpy(walk->names[walk->count++], name);
  return CAS_OK;
}

static void walk_folder(const char *path) {
  struct cas_error error = {0};
  struct walk *all = calloc(1, sizeof *all), *rest = calloc(1, sizeof *rest);
  assert_non_null(all);
  assert_non_null(rest);
  all->path = rest->path = path;
  assert_int_equal(tree_list(&tree, path, NULL, note_name, all, &error), CAS_OK);
  for (size_t i = 0; i < all->count; i++) {
    rest->count = 0;
    assert_int_equal(tree_list(&tree, path, all->names[i], note_name, rest, &error), CAS_OK);
    assert_int_equal(rest->count, all->count - i - 1);
    for (size_t j = 0; j < rest->count; j++) assert_string_equal(rest->names[j], all->names[i + 1 + j]);
    char child[TREE_PATH_MAX];
    assert_int_equal(tree_join(path, all->names[i], child), CAS_OK);
    walked++;
    walk_folder(child);
  }
  free(all);
  free(rest);
}

static void test_walk(void **state) {
  (void)state;
  walked = 0;
  walk_folder("");
  assert_int_equal(walked, WALKED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_root, setup, teardown),
      cmocka_unit_test_setup_teardown(test_patients, setup, teardown),
      cmocka_unit_test_setup_teardown(test_dates, setup, teardown),
      cmocka_unit_test_setup_teardown(test_uids, setup, teardown),
      cmocka_unit_test_setup_teardown(test_no_escape, setup, teardown),
      cmocka_unit_test_setup_teardown(test_views_off, setup, teardown),
      cmocka_unit_test_setup_teardown(test_inode_numbers, setup, teardown),
      cmocka_unit_test_setup_teardown(test_walk, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
