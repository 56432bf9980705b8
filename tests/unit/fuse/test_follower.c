/* A follower is refreshed when somebody looks and what is held is old, by one thread at a time; failures are said once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "fuse/follower.h"

static atomic_int refreshes, running, most_running;
static atomic_bool failing, slow;

/* In place of the engine's. */
cas_status cas_store_refresh(struct cas_store *store, struct cas_error *error) {
  (void)store, (void)error;
  int now = atomic_fetch_add(&running, 1) + 1;
  if (now > atomic_load(&most_running)) atomic_store(&most_running, now);
  if (atomic_load(&slow)) usleep(20000);
  atomic_fetch_sub(&running, 1);
  atomic_fetch_add(&refreshes, 1);
  return atomic_load(&failing) ? CAS_IO : CAS_OK;
}

static enum follower_news look(struct follower *follower) {
  struct cas_error error = {0};
  return follower_refresh(follower, &error);
}

/* Makes what is held as old as this. */
static void age(struct follower *follower, int64_t intervals) {
  atomic_fetch_sub(&follower->refreshed_ns, intervals * follower->interval_ns);
}

static int setup(void **state) {
  (void)state;
  atomic_store(&refreshes, 0);
  atomic_store(&most_running, 0);
  atomic_store(&failing, false);
  atomic_store(&slow, false);
  return 0;
}

static void test_interval(void **state) {
  (void)state;
  struct follower follower;
  follower_init(&follower, NULL, 10000);
  look(&follower);
  assert_int_equal(refreshes, 1);
  for (int i = 0; i < 1000; i++) look(&follower);
  assert_int_equal(refreshes, 1);
  age(&follower, 1);
  look(&follower);
  look(&follower);
  assert_int_equal(refreshes, 2);
  follower_fini(&follower);
}

static void test_news(void **state) {
  (void)state;
  struct follower follower;
  follower_init(&follower, NULL, 10000);
  assert_int_equal(look(&follower), FOLLOWER_NOTHING);
  const enum follower_news expected[] = {FOLLOWER_FAILED, FOLLOWER_NOTHING, FOLLOWER_WORKS_AGAIN, FOLLOWER_NOTHING};
  for (int i = 0; i < 4; i++) {
    atomic_store(&failing, i < 2);
    age(&follower, 3);
    assert_int_equal(look(&follower), expected[i]);
  }
  follower_fini(&follower);
}

static void *look_once(void *follower) {
  look(follower);
  return NULL;
}

/* Where what is held is very old, all wait for one refresh; where it is not, the others go on with it. */
static void test_threads(void **state) {
  (void)state;
  struct follower follower;
  pthread_t threads[8];
  follower_init(&follower, NULL, 60000);
  for (int round = 0; round < 3; round++) {
    atomic_store(&slow, true);
    if (round > 0) age(&follower, round);
    for (int i = 0; i < 8; i++) assert_int_equal(pthread_create(&threads[i], NULL, look_once, &follower), 0);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    assert_int_equal(refreshes, round + 1);
  }
  assert_int_equal(most_running, 1);
  follower_fini(&follower);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_interval, setup),
                                     cmocka_unit_test_setup(test_news, setup),
                                     cmocka_unit_test_setup(test_threads, setup)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
