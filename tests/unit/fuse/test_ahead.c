/* Reading ahead: are the next files handed over with their own bytes, the mark not, and does everything end? */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "fake_store.h"
#include "fuse/ahead.h"

#define FILES 300u
#define SERIES "Patients/Ann/Head/T1"
#define WAIT_MS 2000

struct cas_reader {
  unsigned number;
};

cas_status cas_reader_open(struct cas_store *store, const char *path, struct cas_reader **reader,
                           struct cas_error *error) {
  (void)store, (void)error;
  *reader = malloc(sizeof **reader);
  if (*reader == NULL) return CAS_NO_MEMORY;
  (*reader)->number = (unsigned)strtoul(strrchr(path, '/') + 1, NULL, 10);
  return CAS_OK;
}

void cas_reader_close(struct cas_reader *reader) { free(reader); }

uint64_t cas_reader_size(const struct cas_reader *reader) { return reader->number; }

cas_status cas_reader_read(struct cas_reader *reader, uint64_t offset, uint8_t *bytes, size_t size, size_t *got,
                           struct cas_error *error) {
  (void)offset, (void)error;
  *got = size < reader->number ? size : reader->number;
  memset(bytes, (int)(reader->number % 251), *got);
  return CAS_OK;
}

static atomic_uint prefetched;

void cas_reader_prefetch(struct cas_reader *reader, uint64_t offset, uint64_t size) {
  (void)reader, (void)offset, (void)size;
  prefetched++;
}

struct fixture {
  struct tree tree;
  struct inode_table *inodes;
  struct readers *readers;
  struct read_buffers buffers;
  struct ahead *ahead;
  uint64_t numbers[FILES];
  pthread_mutex_t lock;
  pthread_cond_t changed;
  unsigned stored[FILES]; /* how often */
  unsigned wrong, count;
};

static void path_of(unsigned number, char path[TREE_PATH_MAX]) {
  snprintf(path, TREE_PATH_MAX, "%s/%07u.dcm", SERIES, number);
}

static void keep_stored(void *arg, uint64_t inode, uint8_t *bytes, size_t size) {
  struct fixture *fixture = arg;
  unsigned number = 0;
  while (number < FILES && fixture->numbers[number] != inode) number++;
  bool right = number < FILES && size == number;
  for (size_t i = 0; right && i < size; i++) right = bytes[i] == number % 251;
  pthread_mutex_lock(&fixture->lock);
  fixture->count++;
  if (right)
    fixture->stored[number]++;
  else
    fixture->wrong++;
  pthread_cond_broadcast(&fixture->changed);
  pthread_mutex_unlock(&fixture->lock);
}

static uint64_t ref(struct inode_table *table, const char *path) {
  uint64_t inode = INODE_TABLE_ROOT;
  char part[TREE_PATH_MAX], whole[TREE_PATH_MAX] = "";
  for (const char *at = path; at != NULL; at = strchr(at, '/') != NULL ? strchr(at, '/') + 1 : NULL) {
    snprintf(part, sizeof part, "%.*s", (int)strcspn(at, "/"), at);
    assert_int_equal(tree_join(whole, part, whole), CAS_OK);
    assert_int_equal(inode_table_ref(table, inode, part, false, tree_inode(whole), &inode), CAS_OK);
  }
  return inode;
}

static int setup(void **state) {
  static struct fixture fixture;
  memset(&fixture, 0, sizeof fixture);
  fake_clear();
  prefetched = 0;
  fake_add("Ann", "A", NULL, 1, 0, 0);
  fake_add("Ann/Head", "1.1", "20260101", 1, 0, 0);
  fake_add("Ann/Head/T1", "1.1.1", NULL, 1, 0, 0);
  fake.big_folder = "Ann/Head/T1";
  fake.big_count = FILES;
  for (unsigned i = 0; i < FILES; i++) {
    char path[TREE_PATH_MAX];
    path_of(i, path);
    fake_add(path + strlen("Patients/"), "1", NULL, 1, i, 1);
  }
  fixture.tree = (struct tree){.views = TREE_PATIENTS};
  pthread_mutex_init(&fixture.lock, NULL);
  pthread_cond_init(&fixture.changed, NULL);
  assert_int_equal(inode_table_create(&fixture.inodes), CAS_OK);
  assert_int_equal(readers_create(&fixture.readers), CAS_OK);
  read_buffers_init(&fixture.buffers);
  struct ahead_options options = {.tree = &fixture.tree,
                                  .inodes = fixture.inodes,
                                  .readers = fixture.readers,
                                  .buffers = &fixture.buffers,
                                  .store = keep_stored,
                                  .arg = &fixture};
  assert_int_equal(ahead_start(&options, &fixture.ahead), CAS_OK);
  *state = &fixture;
  return 0;
}

static int teardown(void **state) {
  struct fixture *fixture = *state;
  ahead_destroy(fixture->ahead);
  readers_destroy(fixture->readers);
  read_buffers_fini(&fixture->buffers);
  inode_table_destroy(fixture->inodes);
  pthread_cond_destroy(&fixture->changed);
  pthread_mutex_destroy(&fixture->lock);
  fake_clear();
  return 0;
}

static void know_all(struct fixture *fixture) {
  char path[TREE_PATH_MAX];
  for (unsigned i = 0; i < FILES; i++) {
    path_of(i, path);
    fixture->numbers[i] = ref(fixture->inodes, path);
  }
}

static void note(struct fixture *fixture, unsigned number) {
  char path[TREE_PATH_MAX];
  path_of(number, path);
  ahead_note(fixture->ahead, fixture->numbers[number], path);
}

/* Waits until something is stored that was not before, or a little. */
static void wait_for_more(struct fixture *fixture, unsigned before, long ms) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += ms % 1000 * 1000000;
  until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_mutex_lock(&fixture->lock);
  while (fixture->count == before && pthread_cond_timedwait(&fixture->changed, &fixture->lock, &until) == 0) {
  }
  pthread_mutex_unlock(&fixture->lock);
}

/* Reads on from the first file until something is stored; the number of the file that was read last. */
static unsigned read_until_stored(struct fixture *fixture) {
  unsigned number = 0;
  for (; number < FILES / 2 && fixture->count == 0; number++) {
    note(fixture, number);
    wait_for_more(fixture, 0, 100);
  }
  return number - 1;
}

static void test_the_next_files_are_handed_over(void **state) {
  struct fixture *fixture = *state;
  know_all(fixture);
  unsigned last = read_until_stored(fixture);
  wait_for_more(fixture, 1, WAIT_MS);
  wait_for_more(fixture, 2, WAIT_MS);
  ahead_stop(fixture->ahead);
  assert_int_equal(fixture->wrong, 0);
  assert_int_equal(fixture->count, 3);
  assert_int_equal(prefetched, 1);
  assert_int_equal(fixture->stored[last + 1], 0); /* the mark */
  for (unsigned i = 2; i < 5; i++) assert_int_equal(fixture->stored[last + i], 1);
}

static void test_what_the_kernel_does_not_know_is_only_decoded(void **state) {
  struct fixture *fixture = *state;
  char path[TREE_PATH_MAX];
  for (unsigned i = 0; i < FILES && prefetched == 0; i++) {
    path_of(i, path);
    fixture->numbers[i] = ref(fixture->inodes, path);
    note(fixture, i);
    wait_for_more(fixture, 0, 20);
  }
  ahead_stop(fixture->ahead);
  assert_true(prefetched > 0);
  assert_int_equal(fixture->count, 0);
}

static void test_jumping_orders_nothing(void **state) {
  struct fixture *fixture = *state;
  know_all(fixture);
  for (unsigned i = 0; i < 40; i++) note(fixture, FILES - 1 - 7 * i);
  wait_for_more(fixture, 0, 100);
  ahead_stop(fixture->ahead);
  assert_int_equal(fixture->count, 0);
  assert_int_equal(prefetched, 0);
}

static void test_the_end_in_the_middle(void **state) {
  struct fixture *fixture = *state;
  know_all(fixture);
  for (unsigned i = 0; i < FILES; i++) note(fixture, i);
  ahead_stop(fixture->ahead);
  unsigned count = fixture->count;
  note(fixture, 5);
  wait_for_more(fixture, count, 50);
  assert_int_equal(fixture->count, count);
  assert_int_equal(fixture->wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_the_next_files_are_handed_over, setup, teardown),
      cmocka_unit_test_setup_teardown(test_what_the_kernel_does_not_know_is_only_decoded, setup, teardown),
      cmocka_unit_test_setup_teardown(test_jumping_orders_nothing, setup, teardown),
      cmocka_unit_test_setup_teardown(test_the_end_in_the_middle, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
