/*
 * Compacting: superseded and unused records go, what was stored raw is encoded, and everything else stays: bytes,
 * names, versions, snapshots, for who reads meanwhile, and for a rebuild from the segments that are left.
 */
#include "cassette/compact.h"
#include "cassette/snapshot.h"
#include "support/test_random.h"
#include "synthetic.h"
#include "unit/index/index_dump.h"

#define UIDS 60u
#define VERSIONS_MAX 8u

/* Blobs with their places and users, the tree, names, UIDs, dates and snapshots: all that a rebuild must give again. */
static bool is_rebuilt(const char *key, size_t size) {
  return strchr("bdinu", key[0]) != NULL || (size > 9 && memcmp(key, "fsnapshot/", 10) == 0);
}

/* The index as it is, and as the segments alone give it. */
static void check_rebuild(struct temporary_store *t) {
  cas_store_close(t->store);
  CLEANUP_BUFFER struct cas_buffer before = dump_index(t->path, "index", is_rebuilt);
  struct cas_error error = {0};
  if (cas_store_rebuild(t->path, NULL, NULL, NULL, &error) != CAS_OK) fail_msg("%s", error.message);
  CLEANUP_BUFFER struct cas_buffer after = dump_index(t->path, "index", is_rebuilt);
  assert_int_equal(after.size, before.size);
  assert_memory_equal(after.data, before.data, before.size);
  temporary_open(t);
}

static void print_finding(void *arg, const struct cas_finding *finding) {
  (void)arg;
  fprintf(stderr, "%s at %llu: %s\n", finding->path, (unsigned long long)finding->offset, finding->message);
}

static void check_clean(struct cas_store *store) {
  struct cas_verify_options options = {.finding = print_finding};
  struct cas_verify_result result;
  struct cas_error error = {0};
  if (cas_store_verify(store, &options, &result, &error) != CAS_OK) fail_msg("%s", error.message);
  assert_int_equal(result.damaged_records + result.damaged_instances + result.index_findings, 0);
}

static struct cas_compact_result compact(struct cas_store *store) {
  struct cas_compact_options options = {.seal_bytes = 1, .min_percent = 1};
  struct cas_compact_result result;
  struct cas_error error = {0};
  if (cas_store_compact(store, &options, &result, &error) != CAS_OK) fail_msg("%s", error.message);
  return result;
}

static uint64_t segment_bytes(struct cas_store *store) {
  struct cas_stats stats;
  assert_int_equal(cas_store_stats(store, &stats, NULL), CAS_OK);
  return stats.segment_bytes;
}

/* --- what was put off --- */

static void what_was_stored_raw_is_encoded_and_comes_back(void **state) {
  (void)state;
  struct temporary_store t = {.options = {.encode = CAS_ENCODE_LATER}};
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct synthetic what = {.rows = 256, .columns = 256, .frames = 8};
  struct synthetic_read follower = {.version = 1};
  synthetic_file(&what, "A", &file);
  temporary_create(&t);
  synthetic_import(t.store, &file);
  struct cas_store_options following = {.mode = CAS_OPEN_FOLLOW};
  assert_int_equal(cas_store_open(t.path, &following, &follower.store, NULL), CAS_OK);
  uint64_t before = segment_bytes(t.store);
  struct cas_compact_result result = compact(t.store);
  assert_int_equal(result.segments, 1);
  assert_int_equal(result.packed_blobs, 8);
  assert_true(segment_bytes(t.store) < before * 2 / 3);
  assert_int_equal(compact(t.store).segments, 0);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4", 1, &file), CAS_OK);
  /* The follower's index is that of before, and the file that it names is gone. */
  assert_int_equal(synthetic_read_back(follower.store, "1.2.3.4", 1, &file), CAS_OK);
  cas_store_close(follower.store);
  check_clean(t.store);
  check_rebuild(&t);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4", 1, &file), CAS_OK);
  temporary_destroy(&t);
}

/* A mark of before lies in a segment that is not what it was: what follows counts by its groups, not by its place. */
static void an_index_of_before_is_not_followed(void **state) {
  (void)state;
  struct temporary_store t = {.options = {.encode = CAS_ENCODE_LATER}};
  struct cas_store_options following = {.mode = CAS_OPEN_FOLLOW};
  struct cas_store *follower;
  char command[512];
  temporary_create(&t);
  for (unsigned i = 0; i < 3; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    struct synthetic what = {.pixel_seed = i, .rows = 256, .columns = 256};
    synthetic_file(&what, "A", &file);
    synthetic_import(t.store, &file);
    if (i > 0) continue;
    cas_store_close(t.store);
    snprintf(command, sizeof command, "cp -a '%s/index' '%s/kept'", t.path, t.folder);
    assert_int_equal(system(command), 0);
    temporary_open(&t);
  }
  assert_int_equal(compact(t.store).segments, 1);
  assert_int_equal(cas_store_open(t.path, &following, &follower, NULL), CAS_OK);
  cas_store_close(follower);
  cas_store_close(t.store);
  snprintf(command, sizeof command, "rm -r '%s/index' && mv '%s/kept' '%s/index'", t.path, t.folder, t.path);
  assert_int_equal(system(command), 0);
  assert_int_equal(cas_store_open(t.path, &following, &follower, NULL), CAS_CORRUPT);
  assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_OK);
  assert_int_equal(cas_store_open(t.path, &following, &follower, NULL), CAS_OK);
  cas_store_close(follower);
  temporary_open(&t);
  temporary_destroy(&t);
}

/* --- what nobody uses, and then somebody does --- */

struct awakening {
  struct cas_store *store;
  uint32_t from, to; /* numbers of users */
  unsigned changed;
};

static cas_status change_users(void *arg, const struct blob_id *id, const struct index_blob *blob) {
  struct awakening *awakening = arg;
  struct index_blob changed = *blob;
  struct index_batch *batch;
  if (blob->users != awakening->from || awakening->changed > 0) return CAS_OK;
  changed.users = awakening->to;
  assert_int_equal(index_batch_begin(awakening->store->index, &batch, NULL), CAS_OK);
  assert_int_equal(index_batch_put_blob(batch, id, &changed, NULL), CAS_OK);
  assert_int_equal(index_batch_apply(batch, NULL), CAS_OK);
  awakening->changed++;
  return CAS_OK;
}

/* When all but the segment's header was read, and what is dead was left out. */
static cas_status wake_at_the_end(void *arg, const struct cas_compact_progress *progress) {
  struct awakening *awakening = arg;
  if (progress->bytes_done + 4096 < progress->bytes) return CAS_OK;
  return index_list_blobs(awakening->store->index, change_users, awakening, NULL);
}

static bool is_there(const struct temporary_store *t, const char *segment) {
  char path[160];
  snprintf(path, sizeof path, "%s/segments/00/%s.seg", t->path, segment);
  return access(path, F_OK) == 0;
}

/* Nothing lets that happen; if it does, the segment stays. */
static void a_segment_whose_dead_blob_comes_into_use_stays(void **state) {
  (void)state;
  struct temporary_store t = {.options = {.workers = 1}}; /* so blobs are durable in the order of their arrival */
  CLEANUP_BUFFER struct cas_buffer file = {0}, dead = {0};
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT};
  struct cas_ingest *ingest;
  struct synthetic what = {.rows = 256, .columns = 256}, left = {.sop_uid = "1.2.3.5", .pixel_seed = 7, .frames = 8};
  synthetic_file(&what, "A", &file);
  synthetic_file(&left, "A", &dead);
  temporary_create(&t);
  assert_int_equal(cas_ingest_begin(t.store, &source, &ingest, NULL), CAS_OK);
  assert_int_equal(cas_ingest_write(ingest, slice_of_buffer(&dead), NULL), CAS_OK);
  synthetic_import(t.store, &file);
  cas_ingest_abort(ingest);
  temporary_reopen(&t); /* nothing is pinned any more */
  struct awakening awakening = {.store = t.store, .to = 77};
  struct cas_compact_options options = {
      .seal_bytes = 1, .min_percent = 1, .progress = wake_at_the_end, .arg = &awakening};
  struct cas_compact_result result;
  assert_int_equal(cas_store_compact(t.store, &options, &result, NULL), CAS_BUSY);
  assert_int_equal(awakening.changed, 1);
  assert_int_equal(result.segments, 0);
  assert_true(is_there(&t, "00000001") && !is_there(&t, "00000001-1"));
  awakening = (struct awakening){.store = t.store, .from = 77};
  assert_int_equal(index_list_blobs(t.store->index, change_users, &awakening, NULL), CAS_OK);
  assert_int_equal(awakening.changed, 1);
  assert_int_equal(compact(t.store).segments, 1);
  assert_true(!is_there(&t, "00000001") && is_there(&t, "00000001-1"));
  check_clean(t.store);
  check_rebuild(&t);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4", 1, &file), CAS_OK);
  temporary_destroy(&t);
}

/* --- a model: objects, versions, what is cut off, snapshots, damage and healing, at random --- */

struct model {
  struct temporary_store t;
  struct test_random random;
  unsigned seeds[UIDS][VERSIONS_MAX]; /* by version; 0: none */
  unsigned snapshots;
  uint64_t compacted;
};

static void make_object(unsigned uid, unsigned seed, struct cas_buffer *file) {
  char text[32], series[32], study[32], patient[32];
  snprintf(text, sizeof text, "1.2.3.4.%u", uid);
  snprintf(series, sizeof series, "1.2.3.%u", uid % 7);
  snprintf(study, sizeof study, "1.2.%u", uid % 4);
  snprintf(patient, sizeof patient, uid % 3 == 0 ? "P/%u" : "P_%u", uid % 2); /* names that collide */
  struct synthetic what = {.sop_uid = text,
                           .series_uid = series,
                           .study_uid = study,
                           .patient_id = patient,
                           .pixel_seed = seed,
                           .frames = (uint16_t)(1 + seed % 3)};
  synthetic_file(&what, "A", file);
}

static void store_object(struct model *m) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  unsigned uid = (unsigned)test_random_below(&m->random, UIDS);
  unsigned seed = 1 + (unsigned)test_random_below(&m->random, 5);
  make_object(uid, seed, &file);
  struct cas_ingest_result result = synthetic_import(m->t.store, &file);
  assert_in_range(result.version, 1, VERSIONS_MAX);
  if (m->seeds[uid][result.version - 1] != 0) assert_int_equal(m->seeds[uid][result.version - 1], seed);
  m->seeds[uid][result.version - 1] = seed;
}

/* Its blobs become durable with the next group, and nobody uses them. */
static void begin_and_abort(struct model *m) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT};
  struct cas_ingest *ingest;
  make_object(UIDS, 100 + (unsigned)test_random_below(&m->random, 1000), &file);
  assert_int_equal(cas_ingest_begin(m->t.store, &source, &ingest, NULL), CAS_OK);
  assert_int_equal(cas_ingest_write(ingest, slice_of_buffer(&file), NULL), CAS_OK);
  cas_ingest_abort(ingest);
}

/* Stays open over whatever comes until its end: its blobs are durable before its manifest. */
static void hold_open(struct model *m, struct cas_ingest **held, unsigned *seed) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT};
  struct cas_ingest_result result;
  if (*held == NULL) {
    *seed = 2000 + (unsigned)test_random_below(&m->random, 1000);
    make_object(UIDS + 1, *seed, &file);
    assert_int_equal(cas_ingest_begin(m->t.store, &source, held, NULL), CAS_OK);
    assert_int_equal(cas_ingest_write(*held, slice_of_buffer(&file), NULL), CAS_OK);
    return;
  }
  assert_int_equal(cas_ingest_commit(*held, &result, NULL), CAS_OK);
  *held = NULL;
  make_object(UIDS + 1, *seed, &file);
  assert_int_equal(synthetic_read_back(m->t.store, "1.2.3.4.61", result.version, &file), CAS_OK);
}

static void make_or_remove_snapshot(struct model *m) {
  char name[32];
  snprintf(name, sizeof name, "s%u", m->snapshots / 2);
  cas_status status = m->snapshots % 2 == 0 || m->snapshots % 6 == 1 ? cas_snapshot_create(m->t.store, name, NULL)
                                                                     : cas_snapshot_remove(m->t.store, name, NULL);
  assert_true(status == CAS_OK || status == CAS_EXISTS);
  m->snapshots++;
}

static void check_objects(struct model *m) {
  for (unsigned uid = 0; uid < UIDS; uid++) {
    for (unsigned version = 0; version < VERSIONS_MAX && m->seeds[uid][version] != 0; version++) {
      CLEANUP_BUFFER struct cas_buffer file = {0};
      char text[32];
      snprintf(text, sizeof text, "1.2.3.4.%u", uid);
      make_object(uid, m->seeds[uid][version], &file);
      assert_int_equal(synthetic_read_back(m->t.store, text, version + 1, &file), CAS_OK);
    }
  }
}

static void act(struct model *m, struct cas_ingest **held, unsigned *held_seed) {
  switch (test_random_below(&m->random, 16)) {
  case 0: begin_and_abort(m); break;
  case 1: make_or_remove_snapshot(m); break;
  case 2: m->compacted += compact(m->t.store).segments; break;
  case 3:
    if (*held != NULL) break;
    m->t.options.encode = (enum cas_encode)test_random_below(&m->random, 2);
    temporary_reopen(&m->t);
    break;
  case 4:
  case 5: hold_open(m, held, held_seed); break;
  default: store_object(m);
  }
}

static void nothing_is_lost_at_random(void **state) {
  (void)state;
  struct model *m = calloc(1, sizeof *m);
  struct cas_ingest *held = NULL;
  unsigned held_seed = 0;
  m->random.state = test_random_seed("test_compact");
  m->t.options.segment_bytes = 64 << 10;
  temporary_create(&m->t);
  for (uint64_t round = test_random_rounds(3); round > 0; round--) {
    for (int i = 0; i < 150; i++) act(m, &held, &held_seed);
    if (held != NULL) hold_open(m, &held, &held_seed);
    m->compacted += compact(m->t.store).segments;
    check_objects(m);
    check_clean(m->t.store);
    check_rebuild(&m->t);
    check_objects(m);
    check_clean(m->t.store);
  }
  assert_true(m->compacted > 3);
  temporary_destroy(&m->t);
  free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_stored_raw_is_encoded_and_comes_back),
      cmocka_unit_test(an_index_of_before_is_not_followed),
      cmocka_unit_test(a_segment_whose_dead_blob_comes_into_use_stays),
      cmocka_unit_test(nothing_is_lost_at_random),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
