/* The changes of a batch: the last one of each key, found by key and by UID. */
#include "index_fixture.h"

#include "index/index_changes.h"

#define CLEANUP_CHANGES __attribute__((cleanup(index_changes_fini)))

static struct index_key key_of(const char *text) {
  struct index_key key;
  assert_true(index_key_fact(&key, text));
  return key;
}

static void put(struct index_changes *changes, const char *key, const char *value) {
  struct index_key made = key_of(key);
  assert_int_equal(index_changes_put(changes, &made, slice_of(value, strlen(value))), CAS_OK);
}

static void assert_value(const struct index_changes *changes, const char *key, const char *value) {
  struct index_key made = key_of(key);
  const struct index_change *change = index_changes_find(changes, index_key_slice(&made));
  assert_non_null(change);
  assert_false(change->deletes);
  assert_true(slice_equal(index_change_value(changes, change), slice_of(value, strlen(value))));
}

static void the_last_change_counts(void **state) {
  (void)state;
  CLEANUP_CHANGES struct index_changes changes = {0};
  struct index_key key = key_of("a");
  assert_null(index_changes_find(&changes, index_key_slice(&key)));
  static const char *const values[] = {"", "one", "two", "a longer one", "short", ""};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    put(&changes, "a", values[i]);
    put(&changes, "b", "beside");
    assert_value(&changes, "a", values[i]);
    assert_value(&changes, "b", "beside");
  }
  assert_int_equal(index_changes_delete(&changes, &key), CAS_OK);
  assert_true(index_changes_find(&changes, index_key_slice(&key))->deletes);
  put(&changes, "a", "again");
  assert_value(&changes, "a", "again");
  assert_int_equal(changes.count, 2);
}

static void many_keys_are_found(void **state) {
  (void)state;
  enum { KEYS = 20000 };
  CLEANUP_CHANGES struct index_changes changes = {0};
  char key[32], value[32];
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < KEYS; i++) {
      snprintf(key, sizeof key, "%d", i);
      snprintf(value, sizeof value, "%d of %d", i, round);
      put(&changes, key, value);
    }
    for (int i = 0; i < KEYS; i++) {
      snprintf(key, sizeof key, "%d", i);
      snprintf(value, sizeof value, "%d of %d", i, round);
      assert_value(&changes, key, value);
    }
    assert_int_equal(changes.count, KEYS);
    struct index_key missing = key_of("20000");
    assert_null(index_changes_find(&changes, index_key_slice(&missing)));
  }
}

static cas_status count_one(void *arg, const struct index_change *change) {
  (void)change;
  ++*(int *)arg;
  return CAS_OK;
}

static int count_uid(const struct index_changes *changes, unsigned level, const char *uid) {
  struct index_key prefix;
  int count = 0;
  assert_true(index_key_uid_prefix(&prefix, level, uid));
  assert_int_equal(index_changes_find_uid(changes, &prefix, count_one, &count), CAS_OK);
  return count;
}

static void all_entries_of_a_uid_are_found(void **state) {
  (void)state;
  CLEANUP_CHANGES struct index_changes changes = {0};
  struct index_key key;
  assert_int_equal(count_uid(&changes, 4, "1.2.840.0"), 0);
  for (uint32_t uid = 0; uid < 500; uid++) {
    for (uint32_t version = 0; version <= uid % 13; version++) {
      char text[32];
      snprintf(text, sizeof text, "1.2.840.%u", uid);
      assert_true(index_key_uid(&key, 4, slice_of(text, strlen(text)), version * 1000, "p/s/r/i"));
      assert_int_equal(index_changes_put(&changes, &key, slice_of("", 0)), CAS_OK);
      if (version % 2) assert_int_equal(index_changes_delete(&changes, &key), CAS_OK);
    }
  }
  for (uint32_t uid = 0; uid < 500; uid++) {
    char text[32];
    snprintf(text, sizeof text, "1.2.840.%u", uid);
    assert_int_equal(count_uid(&changes, 4, text), uid % 13 + 1);
    assert_int_equal(count_uid(&changes, 3, text), 0);
  }
  assert_int_equal(count_uid(&changes, 4, "1.2.840"), 0);
}

static void what_the_database_has_not_need_not_be_deleted(void **state) {
  (void)state;
  CLEANUP_CHANGES struct index_changes changes = {0};
  struct index_key absent = key_of("absent"), present = key_of("present");
  index_changes_note_absent(&changes, &absent);
  const struct index_change *change = index_changes_find(&changes, index_key_slice(&absent));
  assert_true(change->deletes && change->absent);
  put(&changes, "absent", "no more");
  assert_value(&changes, "absent", "no more");
  assert_int_equal(index_changes_delete(&changes, &absent), CAS_OK);
  change = index_changes_find(&changes, index_key_slice(&absent));
  assert_true(change->deletes && change->absent);
  put(&changes, "present", "changed");
  index_changes_note_absent(&changes, &present); /* too late: what is changed stays */
  assert_value(&changes, "present", "changed");
  assert_int_equal(index_changes_delete(&changes, &present), CAS_OK);
  change = index_changes_find(&changes, index_key_slice(&present));
  assert_true(change->deletes && !change->absent);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_last_change_counts),
      cmocka_unit_test(many_keys_are_found),
      cmocka_unit_test(all_entries_of_a_uid_are_found),
      cmocka_unit_test(what_the_database_has_not_need_not_be_deleted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
