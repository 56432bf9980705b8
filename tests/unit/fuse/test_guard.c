/* The guard ends quietly when it is told to, and does not outlive the one who started it. */
#include <fcntl.h>
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
  assert_true(guard_start(&guard, "/nonexistent folder", -1));
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
  assert_true(guard_start(&guard, "/nonexistent folder", -1));
  assert_int_equal(kill(guard.child, SIGKILL), 0);
  guard_stop(&guard); /* no SIGPIPE */
}

/* Closing the socket is what the end of this process does. */
static void test_alone(void **state) {
  (void)state;
  struct guard guard;
  int status;
  assert_true(guard_start(&guard, "/nonexistent folder", -1));
  close(guard.socket);
  assert_int_equal(waitpid(guard.child, &status, 0), guard.child);
  assert_true(WIFEXITED(status));
}

/* What aborts the connection is written to when nobody has said that all is well, and only then. */
static void test_abort(void **state) {
  (void)state;
  for (int alone = 0; alone < 2; alone++) {
    struct guard guard;
    int ends[2], status;
    char text[4];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(guard_start(&guard, "/nonexistent folder", ends[1]));
    close(ends[1]);
    if (alone) {
      close(guard.socket);
      assert_int_equal(waitpid(guard.child, &status, 0), guard.child);
    } else {
      guard_stop(&guard);
    }
    assert_int_equal(read(ends[0], text, sizeof text), alone ? 2 : 0);
    assert_true(!alone || text[0] == '1');
    close(ends[0]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_stop), cmocka_unit_test(test_killed),
                                     cmocka_unit_test(test_alone), cmocka_unit_test(test_abort)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
