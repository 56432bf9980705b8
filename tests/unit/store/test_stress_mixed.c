/*
 * Storing, finding, listing, reading, hiding, deleting, compacting, snapshots and statistics at random on eight threads
 * at once, for CASSETTE_SECONDS (default 3): whatever was acknowledged has one version for each content and reads back
 * bit-exact, at once and at the end; what was hidden or deleted is gone as soon as that is acknowledged. For the thread
 * sanitizer above all.
 */
#include <pthread.h>
#include <time.h>

#include "cassette/compact.h"
#include "cassette/snapshot.h"
#include "cassette/state.h"
#include "support/test_random.h"
#include "synthetic.h"

#define THREADS 8
#define UIDS 40
#define CONTENTS 4 /* of each UID */

struct stress {
  struct temporary_store t;
  double until;
  pthread_mutex_t lock;
  uint32_t versions[UIDS][CONTENTS]; /* lock; 0: not acknowledged */
  unsigned long long operations;     /* lock */
};

struct actor {
  struct stress *stress;
  struct test_random random;
  int number;
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void make_object(unsigned uid_number, unsigned content, struct cas_buffer *file) {
  char uid[32], series[32];
  snprintf(uid, sizeof uid, "1.2.3.%u", uid_number);
  snprintf(series, sizeof series, "1.2.3.1.%u", uid_number % 5);
  struct synthetic what = {
      .sop_uid = uid, .series_uid = series, .pixel_seed = content % 2, .comment = content < 2 ? "a" : "b"};
  synthetic_file(&what, "A", file);
}

static void store_object(struct actor *actor) {
  struct stress *stress = actor->stress;
  unsigned uid = (unsigned)test_random_below(&actor->random, UIDS);
  unsigned content = (unsigned)test_random_below(&actor->random, CONTENTS);
  CLEANUP_BUFFER struct cas_buffer file = {0};
  make_object(uid, content, &file);
  struct cas_ingest_result result = synthetic_import(stress->t.store, &file);
  assert_true(result.version >= 1 && result.version <= CONTENTS);
  pthread_mutex_lock(&stress->lock);
  for (unsigned other = 0; other < CONTENTS; other++)
    if (other != content) assert_true(stress->versions[uid][other] != result.version);
  uint32_t known = stress->versions[uid][content];
  assert_true(known == 0 || known == result.version);
  stress->versions[uid][content] = result.version;
  pthread_mutex_unlock(&stress->lock);
}

/* What another thread was told is there. */
static void read_object(struct actor *actor) {
  struct stress *stress = actor->stress;
  unsigned uid_number = (unsigned)test_random_below(&actor->random, UIDS);
  unsigned content = (unsigned)test_random_below(&actor->random, CONTENTS);
  CLEANUP_BUFFER struct cas_buffer file = {0};
  char uid[32];
  pthread_mutex_lock(&stress->lock);
  uint32_t version = stress->versions[uid_number][content];
  pthread_mutex_unlock(&stress->lock);
  if (version == 0) return;
  snprintf(uid, sizeof uid, "1.2.3.%u", uid_number);
  make_object(uid_number, content, &file);
  assert_int_equal(synthetic_read_back(stress->t.store, uid, version, &file), CAS_OK);
}

static void receive_object(struct actor *actor) {
  char uid[32];
  snprintf(uid, sizeof uid, "1.2.9.%u", (unsigned)test_random_below(&actor->random, 10));
  struct synthetic what = {.sop_uid = uid};
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_RECEIVED,
                                     .description = "SCANNER@127.0.0.1",
                                     .sop_class_uid = CT_IMAGE,
                                     .sop_instance_uid = uid,
                                     .transfer_syntax_uid = EXPLICIT_LE};
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  struct cas_ingest *ingest;
  struct cas_ingest_result result;
  synthetic_data_set(&what, &bytes);
  assert_int_equal(cas_ingest_begin(actor->stress->t.store, &source, &ingest, NULL), CAS_OK);
  assert_int_equal(cas_ingest_write(ingest, slice_of_buffer(&bytes), NULL), CAS_OK);
  if (test_random_below(&actor->random, 4) == 0) {
    cas_ingest_abort(ingest);
    return;
  }
  assert_int_equal(cas_ingest_commit(ingest, &result, NULL), CAS_OK);
  assert_int_equal(result.version, 1);
}

/* Those that never go. */
static cas_status count(void *arg, const struct cas_node *node) {
  *(size_t *)arg += strncmp(node->path, "GOES", 4) != 0;
  return CAS_OK;
}

static void change(struct actor *actor, enum cas_action action, const struct cas_target *target) {
  const struct cas_change change = {
      .action = action, .who = "test", .why = "stress", .targets = target, .target_count = 1};
  uint64_t changed;
  assert_int_equal(cas_store_change(actor->stress->t.store, &change, &changed, NULL), CAS_OK);
  assert_int_equal(changed, 1);
}

/* Of another patient than the rest, and of this actor alone: comes, is hidden, shown and deleted. */
static void come_and_go(struct actor *actor) {
  struct cas_store *store = actor->stress->t.store;
  char uid[32];
  snprintf(uid, sizeof uid, "1.2.7.%d", actor->number);
  const struct synthetic what = {.patient_id = "GOES",
                                 .patient_name = "Goes^Away",
                                 .study_uid = "1.2.7",
                                 .series_uid = "1.2.7.0",
                                 .sop_uid = uid,
                                 .pixel_seed = (unsigned)actor->number};
  CLEANUP_BUFFER struct cas_buffer file = {0};
  synthetic_file(&what, "A", &file);
  const struct cas_ingest_result result = synthetic_import(store, &file);
  const struct cas_target target = {.uid = uid, .version = result.version};
  assert_int_equal(synthetic_read_back(store, uid, result.version, &file), CAS_OK);
  change(actor, CAS_ACTION_HIDE, &target);
  assert_int_equal(synthetic_read_back(store, uid, result.version, &file), CAS_NOT_FOUND);
  change(actor, CAS_ACTION_SHOW, &target);
  assert_int_equal(synthetic_read_back(store, uid, result.version, &file), CAS_OK);
  change(actor, CAS_ACTION_DELETE, &target);
  assert_int_equal(synthetic_read_back(store, uid, result.version, &file), CAS_NOT_FOUND);
}

static void compact(struct actor *actor) {
  const struct cas_compact_options options = {.min_percent = 1, .seal_bytes = 1, .threads = 1};
  struct cas_compact_result result;
  const cas_status status = cas_store_compact(actor->stress->t.store, &options, &result, NULL);
  assert_true(status == CAS_OK || status == CAS_BUSY);
  assert_int_equal(result.damaged_segments, 0);
}

static void look_around(struct actor *actor) {
  struct cas_store *store = actor->stress->t.store;
  const struct cas_condition condition = {.tag = CAS_TAG_PATIENT_NAME, .pattern = "Doe*"};
  struct cas_query query = {.level = CAS_LEVEL_INSTANCE, .conditions = &condition, .condition_count = 1};
  struct cas_stats stats;
  size_t listed = 0, found = 0;
  assert_int_equal(cas_instances_below(store, "", count, &listed, NULL), CAS_OK);
  assert_int_equal(cas_find(store, &query, count, &found, NULL), CAS_OK);
  assert_int_equal(cas_store_stats(store, &stats, NULL), CAS_OK);
  assert_true(found >= listed && stats.instances >= found);
}

static void use_snapshot(struct actor *actor) {
  struct cas_store *store = actor->stress->t.store, *view;
  char name[32];
  size_t first = 0, again = 0;
  snprintf(name, sizeof name, "actor%d", actor->number);
  assert_int_equal(cas_snapshot_create(store, name, NULL), CAS_OK);
  assert_int_equal(cas_snapshot_open(store, name, &view, NULL), CAS_OK);
  assert_int_equal(cas_instances_below(view, "", count, &first, NULL), CAS_OK);
  store_object(actor);
  assert_int_equal(cas_instances_below(view, "", count, &again, NULL), CAS_OK);
  assert_int_equal(first, again);
  cas_snapshot_close(view);
  assert_int_equal(cas_snapshot_remove(store, name, NULL), CAS_OK);
}

static void *act(void *arg) {
  struct actor *actor = arg;
  unsigned long long operations = 0;
  for (; now() < actor->stress->until; operations++) {
    switch (test_random_below(&actor->random, 10)) {
    case 0: look_around(actor); break;
    case 1: use_snapshot(actor); break;
    case 2: receive_object(actor); break;
    case 3: come_and_go(actor); break;
    case 4: compact(actor); break;
    case 5:
    case 6: store_object(actor); break;
    default: read_object(actor); break;
    }
  }
  pthread_mutex_lock(&actor->stress->lock);
  actor->stress->operations += operations;
  pthread_mutex_unlock(&actor->stress->lock);
  return NULL;
}

static void check_all(struct stress *stress) {
  struct cas_verify_result result;
  assert_int_equal(cas_store_verify(stress->t.store, NULL, &result, NULL), CAS_OK);
  assert_int_equal(result.damaged_records + result.damaged_instances + result.index_findings, 0);
  for (unsigned uid_number = 0; uid_number < UIDS; uid_number++) {
    for (unsigned content = 0; content < CONTENTS; content++) {
      CLEANUP_BUFFER struct cas_buffer file = {0};
      char uid[32];
      if (stress->versions[uid_number][content] == 0) continue;
      snprintf(uid, sizeof uid, "1.2.3.%u", uid_number);
      make_object(uid_number, content, &file);
      assert_int_equal(synthetic_read_back(stress->t.store, uid, stress->versions[uid_number][content], &file), CAS_OK);
    }
  }
}

static void everything_at_once(void **state) {
  (void)state;
  struct stress stress = {
      .t = {.options = {
                .in_flight_bytes = 16 << 20, .workers = 3, .segment_bytes = 256 << 10, .encode = CAS_ENCODE_LATER}}};
  struct actor actors[THREADS];
  pthread_t threads[THREADS];
  const char *seconds = getenv("CASSETTE_SECONDS");
  uint64_t seed = test_random_seed("test_stress_mixed");
  temporary_create(&stress.t);
  pthread_mutex_init(&stress.lock, NULL);
  stress.until = now() + (seconds != NULL ? strtod(seconds, NULL) : 3);
  for (int i = 0; i < THREADS; i++) {
    actors[i] = (struct actor){.stress = &stress, .random = {seed + (uint64_t)i}, .number = i};
    assert_int_equal(pthread_create(&threads[i], NULL, act, &actors[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  check_all(&stress);
  fprintf(stderr, "test_stress_mixed: %llu operations\n", stress.operations);
  temporary_reopen(&stress.t);
  check_all(&stress);
  temporary_destroy(&stress.t);
  pthread_mutex_destroy(&stress.lock);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(everything_at_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
