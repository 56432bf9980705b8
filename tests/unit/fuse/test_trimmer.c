/* However much is walked, little is known in the end, of which the youngest and what is in use; the thread rests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "fuse/trimmer.h"

#define KNOWN_MAX 1600
#define KEPT 1500 /* down to which the trimmer goes */
#define FOLDER 100

/* Stands for the kernel: forgets what it is told but what is in use. */
struct fixture {
  struct inode_table *table;
  struct trimmer *trimmer;
  pthread_mutex_t lock;
  pthread_cond_t told;
  size_t told_count, in_use; /* the numbers of the first are below FOLDER + 1 + `in_use` */
};

static bool tell(void *arg, const struct inode_taken *taken, size_t count) {
  struct fixture *fixture = arg;
  for (size_t i = 0; i < count; i++)
    if (taken[i].file && taken[i].inode > FOLDER + fixture->in_use)
      inode_table_unref(fixture->table, taken[i].inode, 1);
  pthread_mutex_lock(&fixture->lock);
  fixture->told_count += count;
  pthread_cond_signal(&fixture->told);
  pthread_mutex_unlock(&fixture->lock);
  return true;
}

static void wait_told(struct fixture *fixture, size_t count) {
  pthread_mutex_lock(&fixture->lock);
  while (fixture->told_count < count) pthread_cond_wait(&fixture->told, &fixture->lock);
  assert_int_equal(fixture->told_count, count);
  pthread_mutex_unlock(&fixture->lock);
}

static void wait_rest(struct fixture *fixture) {
  pthread_mutex_lock(&fixture->lock);
  while (inode_table_waiting(fixture->table) > KNOWN_MAX) pthread_cond_wait(&fixture->told, &fixture->lock);
  pthread_mutex_unlock(&fixture->lock);
}

static int setup(void **state) {
  static struct fixture fixture;
  fixture = (struct fixture){.told_count = 0};
  uint64_t inode;
  pthread_mutex_init(&fixture.lock, NULL);
  pthread_cond_init(&fixture.told, NULL);
  struct trimmer_options options = {.known_max = KNOWN_MAX, .tell = tell, .arg = &fixture};
  if (inode_table_create(&fixture.table) != CAS_OK) return -1;
  if (inode_table_ref(fixture.table, INODE_TABLE_ROOT, "folder", false, FOLDER, &inode) != CAS_OK) return -1;
  options.inodes = fixture.table;
  *state = &fixture;
  return trimmer_start(&options, &fixture.trimmer) == CAS_OK ? 0 : -1;
}

static int teardown(void **state) {
  struct fixture *fixture = *state;
  trimmer_destroy(fixture->trimmer);
  inode_table_destroy(fixture->table);
  pthread_cond_destroy(&fixture->told);
  pthread_mutex_destroy(&fixture->lock);
  return 0;
}

static void know(struct fixture *fixture, unsigned first, unsigned count) {
  char name[16];
  uint64_t inode;
  for (unsigned i = first; i < first + count; i++) {
    snprintf(name, sizeof name, "%u", i);
    assert_int_equal(inode_table_ref(fixture->table, FOLDER, name, true, FOLDER + 1 + i, &inode), CAS_OK);
  }
  trimmer_note(fixture->trimmer);
}

static bool is_known(struct fixture *fixture, unsigned number) {
  char path[TREE_PATH_MAX];
  return inode_table_path(fixture->table, FOLDER + 1 + number, path) == CAS_OK;
}

static void test_oldest_go(void **state) {
  struct fixture *fixture = *state;
  know(fixture, 0, KNOWN_MAX - 1); /* and the folder */
  assert_int_equal(fixture->told_count, 0);
  know(fixture, KNOWN_MAX - 1, 10000);
  wait_told(fixture, 10000 + KNOWN_MAX - KEPT);
  assert_int_equal(inode_table_count(fixture->table), KEPT + 1);
  assert_false(is_known(fixture, 0));
  assert_false(is_known(fixture, 9999 + KNOWN_MAX - 1 - KEPT));
  assert_true(is_known(fixture, 10000 + KNOWN_MAX - 1 - KEPT));
}

static void test_what_is_in_use_stays(void **state) {
  struct fixture *fixture = *state;
  fixture->in_use = 5000;
  assert_true(trimmer_has_room(fixture->trimmer));
  know(fixture, 0, 5000);
  wait_told(fixture, 5001 - KEPT);
  assert_false(trimmer_has_room(fixture->trimmer));
  assert_true(is_known(fixture, 0));
  /* Looked at once more: what is in use is asked for once more at most, and then left alone. */
  know(fixture, 0, 5000);
  wait_rest(fixture);
  trimmer_stop(fixture->trimmer);
  assert_in_range(fixture->told_count, 5001 - KEPT + 1, 10001);
  assert_int_equal(inode_table_count(fixture->table), 5001);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_oldest_go, setup, teardown),
      cmocka_unit_test_setup_teardown(test_what_is_in_use_stays, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
