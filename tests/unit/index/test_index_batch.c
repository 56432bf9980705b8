/* A batch sees itself, is applied whole or not at all, also when the process is killed. */
#include "index_fixture.h"

#include <time.h>

#include "support/test_random.h"

static void a_batch_sees_its_own_writes(void **state) {
  struct fixture *f = *state;
  struct blob_id id = blob_id_of(1, 0);
  struct index_blob blob = blob_of(1, 3), seen;
  struct index_node node = node_of("p/s", "1.2", 9), back;
  char name[256];
  struct texts texts = {0};
  struct index_batch *batch = begin(f);
  assert_int_equal(index_batch_get_blob(batch, &id, &seen, &f->error), CAS_NOT_FOUND);
  assert_int_equal(index_batch_get_node(batch, "p/s", &back, &f->error), CAS_NOT_FOUND);
  assert_int_equal(index_batch_get_name(batch, "p", "1.2", name, sizeof name, &f->error), CAS_NOT_FOUND);
  assert_ok(index_batch_put_blob(batch, &id, &blob, &f->error), &f->error);
  assert_ok(index_batch_put_node(batch, &node, "1.2", "20200101", &f->error), &f->error);
  assert_ok(index_batch_get_blob(batch, &id, &seen, &f->error), &f->error);
  assert_int_equal(seen.stored_size, blob.stored_size);
  assert_ok(index_batch_get_node(batch, "p/s", &back, &f->error), &f->error);
  assert_node_equal(&back, &node);
  index_node_fini(&back);
  assert_ok(index_batch_get_name(batch, "p", "1.2", name, sizeof name, &f->error), &f->error);
  assert_string_equal(name, "s");
  assert_ok(index_batch_find_uid(batch, CAS_LEVEL_STUDY, "1.2", add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "p/s");
  /* Nobody else does before it is applied. */
  assert_int_equal(index_get_blob(f->index, &id, &seen, &f->error), CAS_NOT_FOUND);
  assert_int_equal(index_get_node(f->index, "p/s", &back, &f->error), CAS_NOT_FOUND);
  apply(f, batch);
  assert_ok(index_get_blob(f->index, &id, &seen, &f->error), &f->error);
}

static void a_batch_sees_the_index_under_it(void **state) {
  struct fixture *f = *state;
  struct texts texts = {0};
  char name[256];
  struct index_batch *batch = begin(f);
  put_node(f, batch, "a/b/c/1", "9#1", "9", NULL);
  put_node(f, batch, "a/b/c/3", "9#3", "9", NULL);
  apply(f, batch);
  batch = begin(f);
  put_node(f, batch, "a/b/c/1", "8#1", "8", NULL);
  put_node(f, batch, "a/b/c/2", "9#2", "9", NULL);
  assert_ok(index_batch_find_uid(batch, CAS_LEVEL_INSTANCE, "9", add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "a/b/c/2", "a/b/c/3");
  assert_int_equal(index_batch_get_name(batch, "a/b/c", "9#1", name, sizeof name, &f->error), CAS_NOT_FOUND);
  index_batch_abort(batch);
  texts.count = 0;
  assert_ok(index_find_uid(f->index, CAS_LEVEL_INSTANCE, "9", add_text, &texts, &f->error), &f->error);
  assert_texts(&texts, "a/b/c/1", "a/b/c/3");
}

static void an_aborted_batch_leaves_nothing(void **state) {
  struct fixture *f = *state;
  struct index_totals totals;
  struct index_node back;
  struct index_batch *batch = begin(f);
  put_node(f, batch, "p", "p", NULL, NULL);
  index_batch_abort(batch);
  assert_int_equal(index_get_node(f->index, "p", &back, &f->error), CAS_NOT_FOUND);
  batch = begin(f);
  apply(f, batch);
  assert_ok(index_get_totals(f->index, &totals, &f->error), &f->error);
  assert_int_equal(totals.patients, 0);
  begin(f); /* and the close aborts this one */
}

/* --- SIGKILL --- */

/* Applies batches for ever; batch n has n % 5 + 1 blobs and instances and the mark n. Says after each that it is
 * applied. */
static int write_for_ever(const char *folder) {
  struct index *index;
  CLEANUP_BUFFER struct cas_buffer mark = {0};
  uint32_t next = 0;
  if (index_open(folder, &index, NULL) != CAS_OK) return 1;
  if (index_get_fact(index, "mark", &mark, NULL) == CAS_OK) next = load_u32(mark.data) + 1;
  for (;; next++) {
    struct index_batch *batch;
    uint8_t value[4];
    if (index_batch_begin(index, &batch, NULL) != CAS_OK) return 1;
    for (uint32_t i = 0; i < next % 5 + 1; i++) {
      char path[64], identity[64];
      struct blob_id id = blob_id_of(next * 8 + i, 0);
      struct index_blob blob = blob_of(next, 1);
      snprintf(path, sizeof path, "p/s/r/%u-%u", next, i);
      snprintf(identity, sizeof identity, "%u-%u#1", next, i);
      struct index_node node = node_of(path, identity, next);
      if (index_batch_put_blob(batch, &id, &blob, NULL) != CAS_OK ||
          index_batch_put_node(batch, &node, identity, NULL, NULL) != CAS_OK)
        return 1;
    }
    store_u32(value, next);
    if (index_batch_put_fact(batch, "mark", slice_of(value, 4), NULL) != CAS_OK ||
        index_batch_apply(batch, NULL) != CAS_OK)
      return 1;
    if (next % 499 == 498 && index_flush(index, NULL) != CAS_OK) return 1;
    if (write(1, value, 4) != 4) return 0;
  }
}

static cas_status count_node(void *arg, const struct index_node *node) {
  (void)node;
  ++*(uint64_t *)arg;
  return CAS_OK;
}

static void check_content(struct fixture *f, uint32_t applied) {
  CLEANUP_BUFFER struct cas_buffer mark = {0};
  struct index_totals totals;
  struct index_blob blob;
  uint64_t expected = 0, listed = 0;
  assert_ok(index_open(f->index_folder, &f->index, &f->error), &f->error);
  assert_ok(index_get_fact(f->index, "mark", &mark, &f->error), &f->error);
  uint32_t last = load_u32(mark.data);
  assert_true(last >= applied);
  for (uint32_t n = 0; n <= last; n++) {
    expected += n % 5 + 1;
    for (uint32_t i = 0; i < 6; i++) {
      struct blob_id id = blob_id_of(n * 8 + i, 0);
      assert_int_equal(index_get_blob(f->index, &id, &blob, &f->error), i < n % 5 + 1 ? CAS_OK : CAS_NOT_FOUND);
    }
  }
  struct blob_id beyond = blob_id_of((last + 1) * 8, 0);
  assert_int_equal(index_get_blob(f->index, &beyond, &blob, &f->error), CAS_NOT_FOUND);
  assert_ok(index_get_totals(f->index, &totals, &f->error), &f->error);
  assert_int_equal(totals.blobs, expected);
  assert_int_equal(totals.instances, expected);
  assert_ok(index_list(f->index, "p/s/r", NULL, count_node, &listed, &f->error), &f->error);
  assert_int_equal(listed, expected);
  index_close(f->index);
  f->index = NULL;
}

static void a_killed_writer_leaves_whole_batches(void **state) {
  struct fixture *f = *state;
  uint64_t rounds = test_random_rounds(8);
  for (uint64_t round = 0; round < rounds; round++) {
    struct process writer = start_process(f->index_folder);
    uint8_t value[4] = {0};
    for (unsigned batches = 0; batches < 20 + round % 5 * 100; batches++)
      assert_int_equal(read(writer.hear, value, 4), 4);
    /* Not to wait for anything: to hit the writer at any point of a batch. */
    nanosleep(&(struct timespec){.tv_nsec = (long)(round * 37 % 30) * 20000}, NULL);
    kill_process(&writer);
    while (read(writer.hear, value, 4) == 4)
      ;
    close_process(&writer);
    check_content(f, load_u32(value));
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv) {
  if (argc > 1) return write_for_ever(argv[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_killed_writer_leaves_whole_batches, setup_folder, teardown),
      TEST(a_batch_sees_its_own_writes),
      TEST(a_batch_sees_the_index_under_it),
      TEST(an_aborted_batch_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
