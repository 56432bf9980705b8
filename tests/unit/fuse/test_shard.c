/*
 * Large levels in folders: is each name found in its shard and nowhere else, is all of a view in its shards, and does a
 * list go on at every name, also where a month has more patients than are held at a time?
 */
#include "fake_store.h"
#include "fuse/shard.h"

#define MANY 1100u

/* XXH3-128 of the names, as xxhsum -H2 prints it: A 9b0498cb, A B 0a4dbc1c, 1.1 a26a9369 */
#define SHARD_A "9b"
#define SHARD_AB "0a"
#define SHARD_11 "a2"

static struct tree tree = {.views = TREE_PATIENTS | TREE_UIDS, .created_ns = 7};

static void setup_shards(enum tree_shard patients, enum tree_shard uids) {
  fake_clear();
  fake_add("A", "A", NULL, 50, 0, 0);
  fake_add("A/s1", "1.1", "20260102", 40, 0, 0);
  fake_add("A/s1/r1", "1.1.1", NULL, 30, 0, 0);
  fake_add("A/s1/r1/1.dcm", "1.1.1.1", NULL, 10, 1000, 1);
  fake_add("A/s2", "1.2", "2026.01.02", 41, 0, 0);
  fake_add("A B", "A B", NULL, 51, 0, 0);
  fake_add("A B/s1", "1.1", "20260120", 42, 0, 0);
  fake_add("A B/s3", "1.3", "20260203", 43, 0, 0);
  fake_add("A B/s4", "", NULL, 44, 0, 0);
  tree.patient_shards = patients;
  tree.uid_shards = uids;
}

static cas_status keep_names(void *arg, const char *name, const struct tree_entry *entry) {
  char *text = arg;
  strcat(strcat(text, name), entry->kind == TREE_FILE ? "|" : "/|");
  return CAS_OK;
}

static void lists(const char *path, const char *after, const char *expected) {
  char names[4096] = "";
  struct cas_error error = {0};
  assert_int_equal(tree_list(&tree, path, after, keep_names, names, &error), CAS_OK);
  if (strcmp(names, expected) != 0) fail_msg("\"%s\" lists \"%s\", not \"%s\"", path, names, expected);
}

static void is_there(const char *path, const char *node_path) {
  struct tree_entry entry;
  struct cas_error error = {0};
  char found[TREE_PATH_MAX];
  if (tree_get(&tree, path, &entry, found, &error) != CAS_OK) fail_msg("\"%s\" is not found", path);
  assert_string_equal(found, node_path);
}

static void is_not_there(const char *path) {
  struct tree_entry entry;
  struct cas_error error = {0};
  if (tree_get(&tree, path, &entry, NULL, &error) != CAS_NOT_FOUND) fail_msg("\"%s\" is there", path);
}

static void by_hash(void **state) {
  (void)state;
  setup_shards(TREE_SHARD_HASH2, TREE_SHARD_HASH2);
  lists("Patients/" SHARD_A, NULL, "A/|");
  lists("Patients/" SHARD_AB, NULL, "A B/|");
  lists("Patients/" SHARD_AB, "A B", "");
  lists("Patients/" SHARD_A "/A", NULL, "s1/|s2/|");
  lists("Patients/" SHARD_A "/A", "s1", "s2/|");
  is_there("Patients/" SHARD_A, "");
  is_there("Patients/00", "");
  is_there("Patients/" SHARD_A "/A/s1/r1/1.dcm", "A/s1/r1/1.dcm");
  is_not_there("Patients/" SHARD_AB "/A");
  is_not_there("Patients/A");
  is_not_there("Patients/" SHARD_A "/A B");
  is_not_there("Patients/g0");
  is_not_there("Patients/0");
  is_not_there("Patients/000");
  lists("Patients/" SHARD_AB "/A", NULL, "");
  lists("UIDs/" SHARD_11, NULL, "1.1/|");
  lists("UIDs/" SHARD_11 "/1.1/1.1.1", NULL, "1.1.1.1.dcm|");
  is_there("UIDs/" SHARD_11 "/1.1/1.1.1/1.1.1.1.dcm", "A/s1/r1/1.dcm");
  is_not_there("UIDs/1.1");
  is_not_there("UIDs/" SHARD_A "/1.1");
  setup_shards(TREE_SHARD_HASH1, TREE_SHARD_NONE);
  lists("Patients", NULL, "0/|1/|2/|3/|4/|5/|6/|7/|8/|9/|a/|b/|c/|d/|e/|f/|");
  lists("Patients", "d", "e/|f/|");
  lists("UIDs", NULL, "1.1/|1.2/|1.3/|");
}

static void by_month(void **state) {
  (void)state;
  setup_shards(TREE_SHARD_MONTH, TREE_SHARD_NONE);
  lists("Patients", NULL, "2026/|undated/|");
  lists("Patients", "2026", "undated/|");
  lists("Patients", "undated", "");
  lists("Patients/2026", NULL, "01/|02/|");
  lists("Patients/2026", "01", "02/|");
  lists("Patients/2026/01", NULL, "A/|A B/|");
  lists("Patients/2026/01", "A", "A B/|");
  lists("Patients/2026/01/A B", NULL, "s1/|");
  lists("Patients/2026/02/A B", NULL, "s3/|");
  lists("Patients/undated", NULL, "A/|A B/|");
  lists("Patients/undated", "A", "A B/|");
  lists("Patients/undated/A", NULL, "s2/|");
  lists("Patients/undated/A B", NULL, "s4/|");
  lists("Patients/2026/01/A/s1/r1", NULL, "1.dcm|");
  is_there("Patients/2026/01/A/s1/r1/1.dcm", "A/s1/r1/1.dcm");
  is_there("Patients/undated/A/s2", "A/s2");
  is_there("Patients/undated", "");
  is_there("Patients/2026/01", "");
  is_not_there("Patients/2026/03");
  is_not_there("Patients/2027");
  is_not_there("Patients/2026/02/A");
  is_not_there("Patients/undated/A/s1");
  is_not_there("Patients/2026/01/A/s2");
  is_not_there("Patients/A");
  is_not_there("Patients/2026/01/A/s1/r1/1.dcm/x");
}

struct count {
  unsigned count;
  char last[NAME_MAX + 1];
};

static cas_status count_ascending(void *arg, const char *name, const struct tree_entry *entry) {
  struct count *count = arg;
  (void)entry;
  assert_true(strcmp(name, count->last) > 0);
  snprintf(count->last, sizeof count->last, "%s", name);
  count->count++;
  return CAS_OK;
}

static void many_patients_of_a_month(void **state) {
  (void)state;
  struct cas_error error = {0};
  char path[64], date[16];
  fake_clear();
  tree.patient_shards = TREE_SHARD_MONTH;
  for (unsigned i = 0; i < MANY; i++) { /* by date they come in another order than by name */
    snprintf(path, sizeof path, "P%05u", i);
    fake_add(path, path, NULL, 1, 0, 0);
    snprintf(path, sizeof path, "P%05u/s", i);
    snprintf(date, sizeof date, "202601%02u", 28 - i % 28);
    fake_add(path, path, date, 1, 0, 0);
  }
  struct count all = {.last = ""};
  assert_int_equal(tree_list(&tree, "Patients/2026/01", NULL, count_ascending, &all, &error), CAS_OK);
  assert_int_equal(all.count, MANY);
  struct count rest = {.last = "P00010"};
  assert_int_equal(tree_list(&tree, "Patients/2026/01", "P00010", count_ascending, &rest, &error), CAS_OK);
  assert_int_equal(rest.count, MANY - 11);
  fake_clear();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_hash),
      cmocka_unit_test(by_month),
      cmocka_unit_test(many_patients_of_a_month),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
