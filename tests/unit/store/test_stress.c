/* Many threads at once: the same object on sixteen streams, different objects, readers, queries and statistics beside
 * them. For the thread sanitizer above all; the assertions hold under any schedule. */
#include <pthread.h>

#include "synthetic.h"

#define STREAMS 16
#define OBJECTS 12

struct stream {
  struct temporary_store *t;
  int number;
  bool alike; /* all streams bring the same objects */
  unsigned stored, duplicates;
};

static void make_object(const struct stream *stream, int number, struct cas_buffer *file) {
  char uid[32];
  snprintf(uid, sizeof uid, "1.2.3.%d.%d", stream->alike ? 0 : stream->number, number);
  struct synthetic what = {.sop_uid = uid, .pixel_seed = (unsigned)number, .frames = 2};
  synthetic_file(&what, "A", file);
}

static void *bring_objects(void *arg) {
  struct stream *stream = arg;
  for (int i = 0; i < OBJECTS; i++) {
    struct cas_buffer file = {0};
    make_object(stream, i, &file);
    struct cas_ingest_result result = synthetic_import(stream->t->store, &file);
    stream->stored += result.outcome == CAS_STORED;
    stream->duplicates += result.outcome == CAS_DUPLICATE;
    char uid[32];
    snprintf(uid, sizeof uid, "1.2.3.%d.%d", stream->alike ? 0 : stream->number, i);
    assert_int_equal(synthetic_read_back(stream->t->store, uid, 1, &file), CAS_OK);
    cas_buffer_fini(&file);
  }
  return NULL;
}

static cas_status count(void *arg, const struct cas_node *node) {
  (void)node;
  ++*(size_t *)arg;
  return CAS_OK;
}

static void *look_around(void *arg) {
  struct temporary_store *t = arg;
  struct cas_stats stats;
  for (int i = 0; i < 20; i++) {
    size_t found = 0;
    assert_int_equal(cas_instances_below(t->store, "", count, &found, NULL), CAS_OK);
    assert_int_equal(cas_store_stats(t->store, &stats, NULL), CAS_OK);
    assert_true(stats.instances >= found);
  }
  return NULL;
}

static void run_streams(struct stream *streams, bool alike) {
  struct temporary_store t = {.options = {.in_flight_bytes = 16 << 20, .workers = 4}};
  struct cas_verify_result result;
  pthread_t threads[STREAMS], looker;
  temporary_create(&t);
  for (int i = 0; i < STREAMS; i++) {
    streams[i] = (struct stream){.t = &t, .number = i, .alike = alike};
    assert_int_equal(pthread_create(&threads[i], NULL, bring_objects, &streams[i]), 0);
  }
  assert_int_equal(pthread_create(&looker, NULL, look_around, &t), 0);
  for (int i = 0; i < STREAMS; i++) pthread_join(threads[i], NULL);
  pthread_join(looker, NULL);
  assert_int_equal(cas_store_verify(t.store, NULL, &result, NULL), CAS_OK);
  assert_int_equal(result.damaged_records + result.damaged_instances + result.index_findings, 0);
  struct cas_stats stats;
  assert_int_equal(cas_store_stats(t.store, &stats, NULL), CAS_OK);
  assert_int_equal(stats.instances, alike ? OBJECTS : OBJECTS * STREAMS);
  /* Pixels with the same seed are the same frames in whatever object, and are kept once. */
  assert_int_equal(stats.blobs, (alike ? OBJECTS : OBJECTS * STREAMS) + OBJECTS * 2);
  temporary_destroy(&t);
}

static void the_same_object_on_sixteen_streams_is_stored_once(void **state) {
  (void)state;
  struct stream streams[STREAMS];
  unsigned stored = 0, duplicates = 0;
  run_streams(streams, true);
  for (int i = 0; i < STREAMS; i++) {
    stored += streams[i].stored;
    duplicates += streams[i].duplicates;
  }
  assert_int_equal(stored, OBJECTS);
  assert_int_equal(duplicates, OBJECTS * (STREAMS - 1));
}

static void sixteen_streams_share_their_frames(void **state) {
  (void)state;
  struct stream streams[STREAMS];
  run_streams(streams, false);
  for (int i = 0; i < STREAMS; i++) assert_int_equal(streams[i].stored, OBJECTS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_object_on_sixteen_streams_is_stored_once),
      cmocka_unit_test(sixteen_streams_share_their_frames),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
