/*
 * Following another process's index: the writer is a child, so that each side has a RocksDB of its own. Children are
 * forked before this process opens anything, because RocksDB's threads do not survive a fork.
 */
#include "index_fixture.h"

#include <pthread.h>
#include <sys/resource.h>

enum { BULK_BATCHES = 10000 };

enum command { OPEN = 'o', CLOSE = 'c', BATCHES = 'b', BULK = 'B', FLUSH = 'f' };

struct writing {
  struct index *index;
  uint32_t next;
};

/* Batch n puts patient n, replaces the patient "always", and sets the fact "n". */
static bool write_batch(struct writing *w) {
  struct index_batch *batch;
  char path[32], text[2000];
  uint8_t value[4];
  snprintf(path, sizeof path, "%08u", w->next);
  memset(text, (int)('a' + w->next % 26), sizeof text);
  struct index_node node = node_of(path, path, w->next), always = node_of("always", "always", w->next);
  node.attributes = (struct cas_buffer){.data = (uint8_t *)text, .size = sizeof text};
  store_u32(value, w->next++);
  return index_batch_begin(w->index, &batch, NULL) == CAS_OK &&
         index_batch_put_node(batch, &node, path, NULL, NULL) == CAS_OK &&
         index_batch_put_node(batch, &always, "always", NULL, NULL) == CAS_OK &&
         index_batch_put_fact(batch, "n", slice_of(value, 4), NULL) == CAS_OK &&
         index_batch_apply(batch, NULL) == CAS_OK;
}

static bool write_batches(struct writing *w, unsigned batches) {
  for (unsigned i = 0; i < batches; i++)
    if (!write_batch(w)) return false;
  return true;
}

static bool obey(struct writing *w, const char *folder, char command) {
  switch (command) {
  case OPEN: {
    CLEANUP_BUFFER struct cas_buffer value = {0};
    if (index_open(folder, &w->index, NULL) != CAS_OK) return false;
    w->next = index_get_fact(w->index, "n", &value, NULL) == CAS_OK ? load_u32(value.data) + 1 : 0;
    return true;
  }
  case CLOSE: index_close(w->index); return true;
  case BATCHES: return write_batches(w, 10);
  case BULK: return write_batches(w, BULK_BATCHES); /* more than a write buffer */
  case FLUSH: return index_flush(w->index, NULL) == CAS_OK;
  default: return false;
  }
}

static int write_as_told(const char *folder) {
  struct writing w = {0};
  char byte;
  while (read(0, &byte, 1) == 1) {
    byte = obey(&w, folder, byte) ? 'y' : 'n';
    if (write(1, &byte, 1) != 1) return 1;
  }
  return 0;
}

static void tell(struct process *writer, char command) { assert_int_equal(write(writer->tell, &command, 1), 1); }

static void hear(struct process *writer) {
  char byte = 0;
  assert_int_equal(read(writer->hear, &byte, 1), 1);
  assert_int_equal(byte, 'y');
}

static void order(struct process *writer, char command) {
  tell(writer, command);
  hear(writer);
}

static void kill_writer(struct process *writer) {
  kill_process(writer);
  close_process(writer);
}

static void follow(struct fixture *f) {
  assert_ok(index_open_follower(f->index_folder, f->scratch, &f->index, &f->error), &f->error);
}

static void refresh(struct fixture *f) {
  cas_status status = CAS_BUSY;
  for (int i = 0; i < 100 && status == CAS_BUSY; i++) status = index_refresh(f->index, &f->error);
  assert_ok(status, &f->error);
}

static uint32_t fact(struct fixture *f) {
  CLEANUP_BUFFER struct cas_buffer value = {0};
  assert_ok(index_get_fact(f->index, "n", &value, &f->error), &f->error);
  return load_u32(value.data);
}

struct sequence {
  uint32_t next;
};

static cas_status check_patient(void *arg, const struct index_node *node) {
  struct sequence *sequence = arg;
  char path[32];
  if (strcmp(node->path, "always") == 0) return CAS_OK;
  snprintf(path, sizeof path, "%08u", sequence->next++);
  assert_string_equal(node->path, path);
  return CAS_OK;
}

/* All batches up to one, whole, and none after it. */
static void assert_shows(struct fixture *f, uint32_t batches) {
  struct sequence sequence = {0};
  struct index_totals totals;
  struct index_node node;
  assert_int_equal(fact(f), batches - 1);
  assert_ok(index_list(f->index, "", NULL, check_patient, &sequence, &f->error), &f->error);
  assert_int_equal(sequence.next, batches);
  assert_ok(index_get_totals(f->index, &totals, &f->error), &f->error);
  assert_int_equal(totals.patients, batches + 1);
  assert_ok(index_get_node(f->index, "always", &node, &f->error), &f->error);
  assert_int_equal(node.instances, batches);
  index_node_fini(&node);
}

static void sees_batches_after_a_refresh(void **state) {
  struct fixture *f = *state;
  struct process writer = start_process(f->index_folder);
  assert_int_equal(index_open_follower(f->index_folder, f->scratch, &f->index, &f->error), CAS_NOT_FOUND);
  order(&writer, OPEN);
  order(&writer, BATCHES);
  follow(f);
  assert_shows(f, 10);
  order(&writer, BATCHES);
  assert_shows(f, 10);
  refresh(f);
  assert_shows(f, 20);
  order(&writer, FLUSH);
  order(&writer, BATCHES);
  refresh(f);
  assert_shows(f, 30);
  kill_writer(&writer);
}

/* What was written and flushed between two refreshes is in no log any more, and nothing is written after it. */
static void sees_what_was_flushed_unseen(void **state) {
  struct fixture *f = *state;
  struct process writer = start_process(f->index_folder);
  order(&writer, OPEN);
  order(&writer, BATCHES);
  follow(f);
  order(&writer, BATCHES);
  order(&writer, FLUSH);
  refresh(f);
  assert_shows(f, 20);
  order(&writer, BATCHES);
  order(&writer, FLUSH);
  order(&writer, CLOSE);
  refresh(f);
  assert_shows(f, 30);
  kill_writer(&writer);
}

static void outlives_a_killed_writer(void **state) {
  struct fixture *f = *state;
  struct process first = start_process(f->index_folder), second = start_process(f->index_folder);
  order(&first, OPEN);
  order(&first, BATCHES);
  follow(f);
  order(&first, BATCHES);
  kill_writer(&first);
  refresh(f);
  assert_shows(f, 20);
  order(&second, OPEN); /* replays, writes a new list of tables, deletes the log */
  refresh(f);
  assert_shows(f, 20);
  order(&second, BATCHES);
  refresh(f);
  assert_shows(f, 30);
  kill_writer(&second);
}

/* Says what is wrong, and not that the writer is too fast; and goes on where there is room again. */
static void says_that_files_are_few(void **state) {
  struct fixture *f = *state;
  struct process writer = start_process(f->index_folder);
  struct rlimit limit, tight;
  order(&writer, OPEN);
  order(&writer, BATCHES);
  follow(f);
  order(&writer, BATCHES);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  int lowest = dup(0);
  assert_true(lowest > 0);
  close(lowest);
  /* From no descriptor on to as many as opening takes. */
  cas_status status = CAS_IO;
  for (int free_ones = 0; status != CAS_OK && free_ones < 64; free_ones++) {
    tight = limit;
    tight.rlim_cur = (rlim_t)(lowest + free_ones);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    status = index_refresh(f->index, &f->error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (status != CAS_OK && strstr(f->error.message, "Too many open files") == NULL)
      fail_msg("%d free: %s: %s", free_ones, cas_status_text(status), f->error.message);
    if (free_ones == 0) assert_int_equal(status, CAS_NO_DESCRIPTORS);
  }
  assert_ok(status, &f->error);
  refresh(f);
  assert_shows(f, 20);
  kill_writer(&writer);
}

static void opens_after_the_writer_is_killed(void **state) {
  struct fixture *f = *state;
  struct process writer = start_process(f->index_folder);
  order(&writer, OPEN);
  order(&writer, BATCHES);
  kill_writer(&writer);
  follow(f);
  assert_shows(f, 10);
}

static void follows_over_closes_and_opens(void **state) {
  struct fixture *f = *state;
  struct process writer = start_process(f->index_folder);
  order(&writer, OPEN);
  order(&writer, BATCHES);
  follow(f);
  for (uint32_t i = 2; i < 8; i++) {
    order(&writer, CLOSE);
    order(&writer, OPEN);
    order(&writer, BATCHES);
    if (i % 2) refresh(f);
  }
  refresh(f);
  assert_shows(f, 70);
  kill_writer(&writer);
}

/* The new index is as long as the old one was: nothing but its birth tells them apart. */
static void follows_a_rebuilt_index(void **state) {
  struct fixture *f = *state;
  struct process first = start_process(f->index_folder), second = start_process(f->index_folder);
  order(&first, OPEN);
  order(&first, BATCHES);
  order(&first, BATCHES);
  follow(f);
  assert_shows(f, 20);
  kill_writer(&first);
  remove_tree(f->index_folder);
  assert_int_equal(index_refresh(f->index, &f->error), CAS_NOT_FOUND);
  order(&second, OPEN);
  order(&second, BATCHES);
  refresh(f);
  assert_shows(f, 10);
  kill_writer(&second);
}

struct slow {
  struct fixture *f;
  struct process *writer;
  struct sequence sequence;
};

/* The writer replaces tables and deletes the old ones while a list stands in them. */
static cas_status write_much_once(void *arg, const struct index_node *node) {
  struct slow *slow = arg;
  if (slow->sequence.next == 5) {
    order(slow->writer, BULK);
    order(slow->writer, FLUSH);
    order(slow->writer, CLOSE);
    order(slow->writer, OPEN);
    refresh(slow->f);
  }
  return check_patient(&slow->sequence, node);
}

static void a_list_does_not_move_while_tables_are_replaced(void **state) {
  struct fixture *f = *state;
  struct process writer = start_process(f->index_folder);
  order(&writer, OPEN);
  order(&writer, BULK);
  follow(f);
  assert_shows(f, BULK_BATCHES);
  struct slow slow = {.f = f, .writer = &writer};
  assert_ok(index_list(f->index, "", NULL, write_much_once, &slow, &f->error), &f->error);
  assert_int_equal(slow.sequence.next, BULK_BATCHES);
  assert_shows(f, 2 * BULK_BATCHES);
  kill_writer(&writer);
}

struct reading {
  struct fixture *f;
  bool stop; /* atomic */
  uint64_t reads;
  const char *failure;
};

static void *read_always(void *arg) {
  struct reading *reading = arg;
  uint64_t before = 0;
  while (!__atomic_load_n(&reading->stop, __ATOMIC_ACQUIRE) && reading->failure == NULL) {
    struct index_node node;
    cas_status status = index_get_node(reading->f->index, "always", &node, NULL);
    if (status != CAS_OK) {
      reading->failure = cas_status_text(status);
      break;
    }
    if (node.instances < before) reading->failure = "went back";
    before = node.instances;
    index_node_fini(&node);
    reading->reads++;
  }
  return NULL;
}

/* A key that is replaced in every batch is never missing and never goes back, however often tables are replaced. */
static void reads_beside_refreshes(void **state) {
  struct fixture *f = *state;
  struct process writer = start_process(f->index_folder);
  order(&writer, OPEN);
  order(&writer, BATCHES);
  follow(f);
  struct reading reading = {.f = f};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, read_always, &reading), 0);
  for (int i = 0; i < 2; i++) {
    uint32_t before = fact(f);
    tell(&writer, BULK);
    while (fact(f) < before + BULK_BATCHES) refresh(f);
    hear(&writer);
    struct sequence sequence = {0};
    assert_ok(index_list(f->index, "", NULL, check_patient, &sequence, &f->error), &f->error);
  }
  __atomic_store_n(&reading.stop, true, __ATOMIC_RELEASE);
  pthread_join(thread, NULL);
  if (reading.failure != NULL) fail_msg("after %lu reads: %s", (unsigned long)reading.reads, reading.failure);
  assert_shows(f, 2 * BULK_BATCHES + 10);
  kill_writer(&writer);
}

/* What a refresh shows is a moment of the writer's: no batch without those before it. */
static void every_refresh_is_whole(void **state) {
  struct fixture *f = *state;
  struct process writer = start_process(f->index_folder);
  order(&writer, OPEN);
  order(&writer, BATCHES);
  follow(f);
  tell(&writer, BULK);
  for (uint32_t checked = 0; checked < BULK_BATCHES + 9;) {
    refresh(f);
    if (fact(f) < checked + 1000 && fact(f) < BULK_BATCHES + 9) continue;
    checked = fact(f);
    assert_shows(f, checked + 1);
  }
  hear(&writer);
  kill_writer(&writer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_folder, teardown)

int main(int argc, char **argv) {
  if (argc > 1) return write_as_told(argv[1]);
  const struct CMUnitTest tests[] = {
      TEST(sees_batches_after_a_refresh),     TEST(sees_what_was_flushed_unseen),
      TEST(outlives_a_killed_writer),         TEST(says_that_files_are_few),
      TEST(opens_after_the_writer_is_killed), TEST(follows_over_closes_and_opens),
      TEST(follows_a_rebuilt_index),          TEST(a_list_does_not_move_while_tables_are_replaced),
      TEST(reads_beside_refreshes),           TEST(every_refresh_is_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
