/* Power loss may tear RocksDB's log of writes. Once the index is open for writing again it must be possible to follow
 * it, whatever is left of that log: found by tests/integration/p1_power_cut.test. */
#include <dirent.h>

#include "index_fixture.h"

/* Changes a byte of the first record of every log that has one; returns how many. */
static unsigned tear_logs(const struct fixture *f) {
  DIR *folder = opendir(f->index_folder);
  unsigned torn = 0;
  assert_non_null(folder);
  for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    char path[512];
    uint8_t byte;
    const char *dot = strrchr(entry->d_name, '.');
    if (dot == NULL || strcmp(dot, ".log") != 0) continue;
    snprintf(path, sizeof path, "%s/%s", f->index_folder, entry->d_name);
    int fd = open(path, O_RDWR);
    if (pread(fd, &byte, 1, 12) == 1) {
      byte ^= 0x40;
      assert_int_equal(pwrite(fd, &byte, 1, 12), 1);
      torn++;
    }
    close(fd);
  }
  closedir(folder);
  return torn;
}

static void a_torn_log_of_writes_hinders_no_follower(void **state) {
  struct fixture *f = *state;
  struct index_batch *batch;
  struct index *follower;
  CLEANUP_BUFFER struct cas_buffer value = {0};
  assert_ok(index_batch_begin(f->index, &batch, &f->error), &f->error);
  assert_ok(index_batch_put_fact(batch, "a", slice_of("b", 1), &f->error), &f->error);
  assert_ok(index_batch_apply(batch, &f->error), &f->error);
  index_close(f->index);
  f->index = NULL;
  assert_true(tear_logs(f) > 0);
  reopen(f);
  assert_int_equal(index_get_fact(f->index, "a", &value, NULL), CAS_NOT_FOUND);
  assert_ok(index_open_follower(f->index_folder, f->scratch, &follower, &f->error), &f->error);
  index_close(follower);
}

/* CURRENT is durable and the name of the list in it is not. */
static void a_lost_list_of_tables_gives_way_to_the_one_before(void **state) {
  struct fixture *f = *state;
  struct index_batch *batch;
  CLEANUP_BUFFER struct cas_buffer value = {0};
  char path[512];
  assert_ok(index_batch_begin(f->index, &batch, &f->error), &f->error);
  assert_ok(index_batch_put_fact(batch, "a", slice_of("b", 1), &f->error), &f->error);
  assert_ok(index_batch_apply(batch, &f->error), &f->error);
  assert_ok(index_flush(f->index, &f->error), &f->error);
  index_close(f->index);
  f->index = NULL;
  snprintf(path, sizeof path, "%s/CURRENT", f->index_folder);
  FILE *current = fopen(path, "w");
  assert_non_null(current);
  assert_true(fputs("MANIFEST-999999\n", current) >= 0);
  assert_int_equal(fclose(current), 0);
  reopen(f);
  assert_ok(index_get_fact(f->index, "a", &value, &f->error), &f->error);
  assert_true(slice_equal(slice_of_buffer(&value), slice_of("b", 1)));
}

/* Of a new index CURRENT alone is durable: there is no list, and nothing that a list could name. */
static void an_index_whose_only_list_is_lost_begins_anew(void **state) {
  struct fixture *f = *state;
  CLEANUP_BUFFER struct cas_buffer value = {0};
  struct index_batch *batch;
  char command[512];
  assert_ok(index_batch_begin(f->index, &batch, &f->error), &f->error);
  assert_ok(index_batch_put_fact(batch, "a", slice_of("b", 1), &f->error), &f->error);
  assert_ok(index_batch_apply(batch, &f->error), &f->error);
  index_close(f->index);
  f->index = NULL;
  snprintf(command, sizeof command,
           "rm '%s'/MANIFEST-* && rm -f '%s'/*.sst && printf 'MANIFEST-000001\\n' >'%s/CURRENT'", f->index_folder,
           f->index_folder, f->index_folder);
  assert_int_equal(system(command), 0);
  reopen(f);
  assert_int_equal(index_get_fact(f->index, "a", &value, NULL), CAS_NOT_FOUND);
}

/* With a table there was more: that is damage, which a rebuild mends. */
static void an_index_with_tables_and_no_list_is_damaged(void **state) {
  struct fixture *f = *state;
  char command[256];
  assert_ok(index_flush(f->index, &f->error), &f->error);
  index_close(f->index);
  f->index = NULL;
  snprintf(command, sizeof command, "rm '%s'/MANIFEST-* && ls '%s'/*.sst >/dev/null", f->index_folder, f->index_folder);
  assert_int_equal(system(command), 0);
  assert_int_not_equal(index_open(f->index_folder, &f->index, &f->error), CAS_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_torn_log_of_writes_hinders_no_follower, setup, teardown),
      cmocka_unit_test_setup_teardown(a_lost_list_of_tables_gives_way_to_the_one_before, setup, teardown),
      cmocka_unit_test_setup_teardown(an_index_whose_only_list_is_lost_begins_anew, setup, teardown),
      cmocka_unit_test_setup_teardown(an_index_with_tables_and_no_list_is_damaged, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
