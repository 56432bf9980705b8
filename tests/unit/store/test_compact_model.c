/*
 * Compacting, and moving segments to a cold place and back, at random beside all that changes an archive: objects and
 * versions come, are deleted and come again, anew or, until their bytes are let go, as they were, are cut off;
 * snapshots are made and removed. What each moment shows stays, bit for bit, also in an index made anew.
 */
#include <inttypes.h>

#include "cassette/snapshot.h"
#include "cassette/state.h"
#include "support/test_random.h"
#include "tiering.h"

#define UIDS 60u
#define VERSIONS_MAX 24u
#define SNAPSHOTS_MAX 6u

/* A deleted version: whether its bytes may have been let go. */
struct deleted {
  unsigned seed; /* 0: it is not deleted */
  bool perhaps_discarded;
};

/* What a moment shows: the seed of each version; 0: none, or deleted. */
struct shown {
  unsigned seeds[UIDS][VERSIONS_MAX];
  unsigned newest[UIDS]; /* version that ever was */
};

struct model {
  struct temporary_store t;
  struct test_random random;
  struct shown now;
  struct deleted deleted[UIDS][VERSIONS_MAX];
  struct shown *then[SNAPSHOTS_MAX]; /* by the number of the snapshot; NULL: there is none */
  unsigned snapshots;
  uint64_t compacted, discarded, undeleted, refused, moved;
};

static bool is_in_snapshot(const struct model *m, unsigned uid, unsigned version) {
  for (unsigned i = 0; i < SNAPSHOTS_MAX; i++)
    if (m->then[i] != NULL && m->then[i]->seeds[uid][version] != 0) return true;
  return false;
}

static void compact_model(struct model *m) {
  for (unsigned uid = 0; uid < UIDS; uid++)
    for (unsigned i = 0; i < VERSIONS_MAX; i++) m->deleted[uid][i].perhaps_discarded |= !is_in_snapshot(m, uid, i);
  struct cas_compact_result result = compact(m->t.store);
  m->compacted += result.segments;
  m->discarded += result.discarded_versions;
}

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
                           .pixel_seed = uid % 2 == 0 ? seed : seed + 1000 * uid, /* shared, or its own */
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
  unsigned *known = &m->now.seeds[uid][result.version - 1];
  if (*known != 0) assert_int_equal(*known, seed);
  *known = seed;
  if (result.version > m->now.newest[uid]) m->now.newest[uid] = result.version;
}

/* One version, or all of one UID. */
static void delete_object(struct model *m) {
  char text[32];
  unsigned uid = (unsigned)test_random_below(&m->random, UIDS), version = (unsigned)test_random_below(&m->random, 3);
  struct cas_target target = {.uid = text, .version = version};
  struct cas_change change = {.action = CAS_ACTION_DELETE, .targets = &target, .target_count = 1};
  uint64_t changed;
  snprintf(text, sizeof text, "1.2.3.4.%u", uid);
  cas_status status = cas_store_change(m->t.store, &change, &changed, NULL);
  assert_true(status == CAS_OK || status == CAS_NOT_FOUND);
  for (unsigned i = 0; i < VERSIONS_MAX; i++) {
    if (m->now.seeds[uid][i] == 0 || (version != 0 && i + 1 != version)) continue;
    m->deleted[uid][i] = (struct deleted){.seed = m->now.seeds[uid][i]};
    m->now.seeds[uid][i] = 0;
  }
}

/* Each version by itself: it comes back with its bytes, or it was discarded, and may have been. */
static void undelete_object(struct model *m) {
  char text[32];
  unsigned uid = (unsigned)test_random_below(&m->random, UIDS);
  snprintf(text, sizeof text, "1.2.3.4.%u", uid);
  for (unsigned i = 0; i < VERSIONS_MAX; i++) {
    struct cas_target target = {.uid = text, .version = i + 1};
    struct cas_change change = {.action = CAS_ACTION_UNDELETE, .targets = &target, .target_count = 1};
    uint64_t changed;
    if (m->deleted[uid][i].seed == 0) continue;
    cas_status status = cas_store_change(m->t.store, &change, &changed, NULL);
    assert_int_equal(status, changed == 1 ? CAS_OK : CAS_REFUSED);
    assert_true(changed == 1 || m->deleted[uid][i].perhaps_discarded);
    if (changed == 1) m->now.seeds[uid][i] = m->deleted[uid][i].seed;
    m->undeleted += changed;
    m->refused += changed == 0;
    m->deleted[uid][i].seed = 0;
  }
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
  unsigned number = (unsigned)test_random_below(&m->random, m->snapshots + 1);
  snprintf(name, sizeof name, "s%u", number);
  if (m->then[number] != NULL) {
    assert_int_equal(cas_snapshot_remove(m->t.store, name, NULL), CAS_OK);
    free(m->then[number]);
    m->then[number] = NULL;
    return;
  }
  if (number == m->snapshots && m->snapshots + 1 < SNAPSHOTS_MAX) m->snapshots++;
  assert_int_equal(cas_snapshot_create(m->t.store, name, NULL), CAS_OK);
  m->then[number] = malloc(sizeof m->now);
  assert_non_null(m->then[number]);
  *m->then[number] = m->now;
}

/* What is shown is there with its bytes, and nothing else is. */
static void check_shown(struct cas_store *store, const struct shown *shown) {
  for (unsigned uid = 0; uid < UIDS; uid++) {
    for (unsigned version = 0; version < shown->newest[uid]; version++) {
      CLEANUP_BUFFER struct cas_buffer file = {0};
      char text[32];
      unsigned seed = shown->seeds[uid][version];
      snprintf(text, sizeof text, "1.2.3.4.%u", uid);
      if (seed != 0) make_object(uid, seed, &file);
      assert_int_equal(synthetic_read_back(store, text, version + 1, &file), seed != 0 ? CAS_OK : CAS_NOT_FOUND);
    }
  }
}

static void check_objects(struct model *m) {
  check_shown(m->t.store, &m->now);
  for (unsigned i = 0; i < m->snapshots; i++) {
    struct cas_store *view;
    char name[32];
    if (m->then[i] == NULL) continue;
    snprintf(name, sizeof name, "s%u", i);
    assert_int_equal(cas_snapshot_open(m->t.store, name, &view, NULL), CAS_OK);
    check_shown(view, m->then[i]);
    cas_snapshot_close(view);
  }
}

/* Some of them. */
static void move_segments(struct model *m) {
  const struct cas_tier_options options = {.segments_max = 1 + (uint32_t)test_random_below(&m->random, 6)};
  struct cas_tier_result result;
  const bool back = test_random_below(&m->random, 3) == 0;
  cas_status status = back ? cas_store_tier_recall(m->t.store, &options, &result, NULL)
                           : cas_store_tier_move(m->t.store, &options, &result, NULL);
  assert_int_equal(status, CAS_OK);
  m->moved += result.segments;
}

static void act(struct model *m, struct cas_ingest **held, unsigned *held_seed) {
  switch (test_random_below(&m->random, 20)) {
  case 0: begin_and_abort(m); break;
  case 1: make_or_remove_snapshot(m); break;
  case 2: compact_model(m); break;
  case 3:
    if (*held != NULL) break;
    m->t.options.encode = (enum cas_encode)test_random_below(&m->random, 2);
    temporary_reopen(&m->t);
    break;
  case 4:
  case 5: hold_open(m, held, held_seed); break;
  case 6:
  case 7: delete_object(m); break;
  case 8: undelete_object(m); break;
  case 9: move_segments(m); break;
  default: store_object(m);
  }
}

static void nothing_is_lost_at_random(void **state) {
  (void)state;
  struct model *m = calloc(1, sizeof *m);
  struct cas_ingest *held = NULL;
  unsigned held_seed = 0;
  m->random.state = test_random_seed("test_compact");
  char shelf[96];
  m->t.options.segment_bytes = 64 << 10;
  temporary_create(&m->t);
  tier_beside(&m->t, shelf);
  for (uint64_t round = test_random_rounds(3); round > 0; round--) {
    for (int i = 0; i < 150; i++) act(m, &held, &held_seed);
    if (held != NULL) hold_open(m, &held, &held_seed);
    compact_model(m);
    check_objects(m);
    check_clean(m->t.store);
    check_rebuild(&m->t);
    check_objects(m);
    check_clean(m->t.store);
  }
  assert_true(m->compacted > 3 && m->discarded > 3 && m->moved > 3);
  printf("%" PRIu64 " undeleted, %" PRIu64 " refused, as they were discarded\n", m->undeleted, m->refused);
  for (unsigned i = 0; i < SNAPSHOTS_MAX; i++) free(m->then[i]);
  temporary_destroy(&m->t);
  free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost_at_random)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
