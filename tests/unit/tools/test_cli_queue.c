/* Does the bounded queue hand over every item once, hold putters back when full, and end when closed? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "cassette/cli_queue.h"

#define ITEMS 20000
#define THREADS 4

struct traffic {
  struct cli_queue *queue;
  atomic_int next;

  atomic_long put_count, got_count, most_between;
};

static void *put_all(void *arg) {
  struct traffic *traffic = arg;
  static char items[ITEMS];
  int i;
  while ((i = atomic_fetch_add(&traffic->next, 1)) < ITEMS) {
    assert_true(cli_queue_put(traffic->queue, &items[i]));
    long between = atomic_fetch_add(&traffic->put_count, 1) + 1 - atomic_load(&traffic->got_count);
    if (between > atomic_load(&traffic->most_between)) atomic_store(&traffic->most_between, between);
  }
  return NULL;
}

static void *get_all(void *arg) {
  struct traffic *traffic = arg;
  long count = 0;
  while (cli_queue_get(traffic->queue)) {
    atomic_fetch_add(&traffic->got_count, 1);
    count++;
  }
  return (void *)count;
}

static void every_item_once(void **state) {
  (void)state;
  static struct traffic traffic;
  traffic.queue = cli_queue_create(8);
  pthread_t putters[THREADS], getters[THREADS];
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&putters[i], NULL, put_all, &traffic), 0);
    assert_int_equal(pthread_create(&getters[i], NULL, get_all, &traffic), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(putters[i], NULL);
  cli_queue_close(traffic.queue);
  long count = 0;
  for (int i = 0; i < THREADS; i++) {
    void *got;
    pthread_join(getters[i], &got);
    count += (long)got;
  }
  assert_int_equal(count, ITEMS);
  /* Each thread may be one item further than it has counted. */
  assert_true(atomic_load(&traffic.most_between) <= 8 + 2 * THREADS);
  cli_queue_destroy(traffic.queue);
}

static void closed_gives_the_rest_in_order(void **state) {
  (void)state;
  struct cli_queue *queue = cli_queue_create(3);
  int items[3];
  for (int i = 0; i < 3; i++) assert_true(cli_queue_put(queue, &items[i]));
  cli_queue_close(queue);
  assert_false(cli_queue_put(queue, &items[0]));
  for (int i = 0; i < 3; i++) assert_ptr_equal(cli_queue_get(queue), &items[i]);
  assert_null(cli_queue_get(queue));
  assert_null(cli_queue_get_within(queue, 10));
  cli_queue_destroy(queue);
}

static void waiting_ends(void **state) {
  (void)state;
  struct cli_queue *queue = cli_queue_create(1);
  assert_null(cli_queue_get_within(queue, 0.01));
  int item;
  assert_true(cli_queue_put(queue, &item));
  assert_ptr_equal(cli_queue_get_within(queue, 0.01), &item);
  cli_queue_destroy(queue);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_item_once),
      cmocka_unit_test(closed_gives_the_rest_in_order),
      cmocka_unit_test(waiting_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
