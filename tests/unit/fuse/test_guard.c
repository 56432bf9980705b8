/* The guard ends quietly when it is told to, and does not outlive the one who started it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fuse/guard.h"

static void test_stop(void **state) {
  (void)state;
  struct guard guard;
  assert_true(guard_start(&guard, "/nonexistent folder"));
  pid_t child = guard.child;
  assert_true(child > 0 && kill(child, 0) == 0);
  guard_stop(&guard);
  assert_int_equal(kill(child, 0), -1);
  assert_int_equal(guard.child, 0);
  guard_stop(&guard);
}

static void test_killed(void **state) {
  (void)state;
  struct guard guard;
  assert_true(guard_start(&guard, "/nonexistent folder"));
  assert_int_equal(kill(guard.child, SIGKILL), 0);
  guard_stop(&guard); /* no SIGPIPE */
}

/* Closing the socket is what the end of this process does. */
static void test_alone(void **state) {
  (void)state;
  struct guard guard;
  int status;
  assert_true(guard_start(&guard, "/nonexistent folder"));
  close(guard.socket);
  assert_int_equal(waitpid(guard.child, &status, 0), guard.child);
  assert_true(WIFEXITED(status));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_stop), cmocka_unit_test(test_killed),
                                     cmocka_unit_test(test_alone)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
