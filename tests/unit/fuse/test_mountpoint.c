/* What /proc/self/mountinfo says of a folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuse/mountpoint.h"

static struct mountpoint_state parse(const char *text, const char *folder) {
  struct mountpoint_state state;
  FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
  assert_non_null(file);
  mountpoint_parse(file, folder, &state);
  fclose(file);
  return state;
}

static const char mountinfo[] =
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
    "30 22 0:40 / /mnt/a rw,nosuid,nodev,relatime shared:9 - fuse.cassette cassette ro,user_id=0,group_id=0\n"
    "31 22 0:41 / /mnt/b\\040c\\134d rw shared:9 master:3 - fuse.cassette cassette ro\n"
    "32 22 0:42 / /mnt/sshfs rw - fuse.sshfs host:/ rw\n"
    "33 30 0:43 / /mnt/a rw - tmpfs tmpfs rw\n"
    "34 22 0:44 / /mnt/over rw - tmpfs tmpfs rw\n"
    "35 22 0:45 / /mnt/over rw - fuse.cassette cassette ro\n"
    "36 22 0:46 / /mnt/x rw - fuse.cassettes cassette ro\n"
    "garbage\n\n37 22 0:47\n38 22 0:48 / /mnt/cut\n";

static void test_parse(void **state) {
  (void)state;
  assert_false(parse(mountinfo, "/").cassette);
  assert_false(parse(mountinfo, "/mnt/a").cassette); /* covered by a tmpfs */
  assert_false(parse(mountinfo, "/mnt/sshfs").cassette);
  assert_false(parse(mountinfo, "/mnt/x").cassette);
  assert_false(parse(mountinfo, "/mnt/cut").cassette);
  assert_false(parse(mountinfo, "/mnt").cassette);
  struct mountpoint_state odd = parse(mountinfo, "/mnt/b c\\d"), over = parse(mountinfo, "/mnt/over");
  assert_true(odd.cassette);
  assert_int_equal(odd.major, 0);
  assert_int_equal(odd.minor, 41);
  assert_true(over.cassette);
  assert_int_equal(over.minor, 45);
}

static void test_prepare(void **state) {
  (void)state;
  char *path = NULL;
  bool detached;
  struct cas_error error = {0};
  assert_int_equal(mountpoint_prepare("/nonexistent/folder", &path, &detached, &error), CAS_NOT_FOUND);
  assert_int_equal(mountpoint_prepare("/dev/null", &path, &detached, &error), CAS_NOT_FOUND);
  assert_int_equal(mountpoint_prepare("/proc/self/../../usr/", &path, &detached, &error), CAS_OK);
  assert_string_equal(path, "/usr");
  assert_false(detached);
  free(path);
}

/* /lib/x86_64-linux-gnu and the like may be links, /usr/lib is none. */
static void test_check_store(void **state) {
  (void)state;
  struct cas_error error = {0};
  assert_int_equal(mountpoint_check_store("/usr/lib", "/usr/lib", &error), CAS_INVALID);
  assert_int_equal(mountpoint_check_store("/usr/lib/cassette", "/usr/../usr/lib", &error), CAS_INVALID);
  assert_non_null(strstr(error.message, "inside itself"));
  assert_int_equal(mountpoint_check_store("/usr", "/usr/lib", &error), CAS_INVALID);
  assert_non_null(strstr(error.message, "cover the store"));
  assert_int_equal(mountpoint_check_store("/", "/usr/lib", &error), CAS_INVALID);
  assert_int_equal(mountpoint_check_store("/usr/libexec", "/usr/lib", &error), CAS_OK);
  assert_int_equal(mountpoint_check_store("/usr/li", "/usr/lib", &error), CAS_OK);
  assert_int_equal(mountpoint_check_store("/mnt", "/nonexistent/store", &error), CAS_IO);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse), cmocka_unit_test(test_prepare),
                                     cmocka_unit_test(test_check_store)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
