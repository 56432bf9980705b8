/* Sequences: who reads on is ordered windows that grow, who jumps is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fuse/sequence.h"

#define FOLDER 77u
#define FILES 1000u

static struct sequences sequences;

static int setup(void **state) {
  (void)state;
  sequences = (struct sequences){.calls = 0};
  return 0;
}

/* Reads the file with this number, which is also its name; carries an order out. */
static struct sequence_order read_in(uint64_t folder, unsigned number) {
  struct sequence_order order;
  char name[NAME_MAX + 1];
  uint64_t files[SEQUENCE_WINDOW_MAX];
  unsigned count = 0;
  snprintf(name, sizeof name, "%u", number);
  sequences_note(&sequences, folder, number, name, &order);
  if (order.count == 0) return order;
  assert_true(order.count <= SEQUENCE_WINDOW_MAX);
  for (unsigned i = (unsigned)atoi(order.after) + 1; count < order.count && i < FILES; i++) files[count++] = i;
  snprintf(name, sizeof name, "%u", count > 0 ? (unsigned)files[count - 1] : 0);
  sequences_found(&sequences, folder, &order, files, count, name);
  return order;
}

static void test_reading_on(void **state) {
  (void)state;
  unsigned decoded_to = 0, orders = 0, largest = 0;
  struct sequence_order order = read_in(FOLDER, 1);
  assert_int_equal(order.count, SEQUENCE_CANDIDATES);
  assert_false(order.decode);
  for (unsigned i = 2; i < FILES; i++) {
    order = read_in(FOLDER, i);
    if (order.count == 0) continue;
    assert_true(order.decode);
    assert_int_equal(atoi(order.after), decoded_to == 0 ? 2 : decoded_to); /* none twice, none left out */
    decoded_to = (unsigned)atoi(order.after) + order.count;
    if (decoded_to > FILES - 1) decoded_to = FILES - 1;
    orders++;
    if (order.count > largest) largest = order.count;
    assert_true(decoded_to > i);
  }
  assert_true(decoded_to >= FILES - 1);
  assert_int_equal(largest, SEQUENCE_WINDOW_MAX);
  assert_true(orders < 25);
}

static void test_reading_only_the_marks(void **state) {
  (void)state;
  /* The files between come from the kernel's cache: nobody hears of them. */
  read_in(FOLDER, 1);
  unsigned mark = (unsigned)atoi(read_in(FOLDER, 2).after) + 1;
  for (int i = 0; i < 8; i++) {
    struct sequence_order order = read_in(FOLDER, mark);
    assert_true(order.decode && order.count > 0);
    mark = (unsigned)atoi(order.after) + 1;
  }
}

static void test_jumping(void **state) {
  (void)state;
  for (unsigned i = 0; i < 50; i++) {
    struct sequence_order order = read_in(FOLDER, 900 - i * 7);
    assert_int_equal(order.count, SEQUENCE_CANDIDATES);
    assert_false(order.decode);
  }
}

static void test_one_read_twice_does_not_order_twice(void **state) {
  (void)state;
  read_in(FOLDER, 1);
  assert_true(read_in(FOLDER, 2).decode);
  assert_true(read_in(FOLDER, 3).decode); /* the mark */
  assert_int_equal(read_in(FOLDER, 3).count, 0);
  assert_int_equal(read_in(FOLDER, 4).count, 0);
}

static void test_many_folders(void **state) {
  (void)state;
  for (unsigned round = 1; round < 40; round++)
    for (unsigned folder = 1; folder <= SEQUENCES_MAX; folder++)
      if (round == 2)
        assert_true(read_in(folder, round).decode);
      else
        read_in(folder, round);
  /* One more drives out the first. */
  read_in(SEQUENCES_MAX + 1, 1);
  assert_false(read_in(1, 40).decode);
}

static void test_the_end(void **state) {
  (void)state;
  read_in(FOLDER, FILES - 3);
  assert_true(read_in(FOLDER, FILES - 2).decode);
  read_in(FOLDER, FILES - 1);
  assert_false(read_in(FOLDER, 1).decode);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_reading_on, setup),
      cmocka_unit_test_setup(test_reading_only_the_marks, setup),
      cmocka_unit_test_setup(test_jumping, setup),
      cmocka_unit_test_setup(test_one_read_twice_does_not_order_twice, setup),
      cmocka_unit_test_setup(test_many_folders, setup),
      cmocka_unit_test_setup(test_the_end, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
