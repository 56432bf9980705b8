/* Does a probe write what it was asked for, say so group by group, and leave nothing behind? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cassette/disk_probe.h"
#include "support/test_folder.h"

struct seen {
  uint64_t groups, bytes, end_after;
  cas_status end_with;
};

static cas_status count(void *arg, const struct cas_disk_probe_group *group) {
  struct seen *seen = arg;
  seen->groups++;
  seen->bytes += group->bytes;
  assert_true(group->sync_ns > 0);
  return seen->groups == seen->end_after ? seen->end_with : CAS_OK;
}

static void probe(bool no_io_uring) {
  char disk[CAS_DISK_TEXT_MAX];
  struct test_folder folder;
  struct cas_error error = {0};
  struct seen seen = {0};
  assert_true(test_folder_make(&folder, NULL));
  struct cas_disk_probe_options options = {
      .folder = folder.path, .group_bytes = 3u << 20, .bytes = 10u << 20, .no_io_uring = no_io_uring};
  assert_int_equal(cas_disk_probe(&options, count, &seen, disk, &error), CAS_OK);
  assert_int_equal(seen.groups, 4);
  assert_int_equal(seen.bytes, 12u << 20);
  assert_true(disk[0] != '\0');
  options.group_bytes = 1; /* a block */
  options.bytes = 4097;
  seen = (struct seen){0};
  assert_int_equal(cas_disk_probe(&options, count, &seen, disk, &error), CAS_OK);
  assert_int_equal(seen.bytes, 8192);
  seen = (struct seen){.end_after = 1, .end_with = CAS_END};
  assert_int_equal(cas_disk_probe(&options, count, &seen, disk, &error), CAS_OK);
  assert_int_equal(seen.groups, 1);
  seen = (struct seen){.end_after = 1, .end_with = CAS_BUSY};
  assert_int_equal(cas_disk_probe(&options, count, &seen, disk, &error), CAS_BUSY);
  assert_int_equal(rmdir(folder.path), 0); /* empty */
}

static void test_groups_are_written_and_gone(void **state) {
  (void)state;
  probe(false);
  probe(true);
}

static void test_a_folder_that_is_not_there(void **state) {
  (void)state;
  char disk[CAS_DISK_TEXT_MAX];
  struct cas_error error = {0};
  struct seen seen = {0};
  const struct cas_disk_probe_options options = {.folder = "/nonexistent/folder", .bytes = 1};
  assert_int_not_equal(cas_disk_probe(&options, count, &seen, disk, &error), CAS_OK);
  assert_int_equal(seen.groups, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_groups_are_written_and_gone),
      cmocka_unit_test(test_a_folder_that_is_not_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
