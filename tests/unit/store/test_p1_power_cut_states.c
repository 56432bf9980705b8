/*
 * P1, acknowledged is durable, for what changes an archive: objects come, are deleted, hidden, shown and sent again,
 * snapshots are made and removed, while a second thread lets go of the bytes of what was deleted, writes segments anew,
 * and moves them to a cold place and back; and the power is cut in any write, sync or name change. After each cut the
 * archive, with the index as it was, older, or gone, is what a plain table says: with every acknowledged change, and
 * the one that was under way whole or not at all.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/status.h"
#include "cassette/snapshot.h"
#include "cassette/state.h"
#include "faulty_store.h"
#include "support/test_random.h"
#include "tiering.h"

#define UIDS 12u
#define VERSIONS_MAX 64u
#define SNAPSHOTS 3u
#define TARGETS_MAX 3u
#define ACTIONS_PER_ROUND 40u

enum look { ABSENT, SHOWN, HIDDEN, DELETED };

struct version {
  unsigned seed;
  enum look look;
};

struct table {
  struct version versions[UIDS][VERSIONS_MAX];
  unsigned newest[UIDS];
};

struct world {
  struct table now;
  struct table then[SNAPSHOTS];
  bool has[SNAPSHOTS];
};

struct scene {
  struct temporary_store t;
  struct test_random random;
  struct world sure, perhaps; /* without the action under way, and with it */
  bool in_doubt;
  unsigned doubts, changes;
  pthread_t thread;
  atomic_bool stopping;
  atomic_uint discarded, compacted, moved;
};

static void make_object(unsigned uid, unsigned seed, struct cas_buffer *file) {
  char text[32];
  snprintf(text, sizeof text, "1.2.3.4.%u", uid);
  struct synthetic what = {.sop_uid = text,
                           .pixel_seed = uid % 2 == 0 ? seed : seed + 1000 * uid,
                           .frames = (uint16_t)(1 + seed % 3),
                           .private_bytes = seed == 5 ? 70000 : 0};
  synthetic_file(&what, "A", file);
}

/* --- what happens: `perhaps` is made, then the store is asked --- */

/* It may be read-only by now. */
static cas_status import(struct cas_store *store, struct cas_slice bytes, struct cas_ingest_result *result) {
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT};
  struct cas_ingest *ingest;
  STATUS_TRY(cas_ingest_begin(store, &source, &ingest, NULL));
  cas_status status = cas_ingest_write(ingest, bytes, NULL);
  if (status == CAS_OK) return cas_ingest_commit(ingest, result, NULL);
  cas_ingest_abort(ingest);
  return status;
}

static cas_status store_one(struct scene *scene) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct cas_ingest_result result;
  unsigned uid = (unsigned)test_random_below(&scene->random, UIDS);
  unsigned seed = 1 + (unsigned)test_random_below(&scene->random, 5);
  struct version *versions = scene->perhaps.now.versions[uid];
  unsigned *newest = &scene->perhaps.now.newest[uid];
  bool is_known = false;
  for (unsigned i = 0; i < *newest; i++) is_known |= versions[i].look == SHOWN && versions[i].seed == seed;
  if (!is_known && *newest == VERSIONS_MAX) return CAS_OK;
  if (!is_known) versions[(*newest)++] = (struct version){.seed = seed, .look = SHOWN};
  make_object(uid, seed, &file);
  cas_status status = import(scene->t.store, slice_of_buffer(&file), &result);
  if (status != CAS_OK) return status;
  assert_in_range(result.version, is_known ? 1 : *newest, *newest);
  assert_true(versions[result.version - 1].look == SHOWN && versions[result.version - 1].seed == seed);
  return CAS_OK;
}

static bool changes(enum look look, enum cas_action action) {
  if (action == CAS_ACTION_DELETE) return look == SHOWN || look == HIDDEN;
  return look == (action == CAS_ACTION_HIDE ? SHOWN : HIDDEN);
}

/* Some UIDs in one record. */
static cas_status change_some(struct scene *scene, enum cas_action action) {
  static const enum look looks[] = {
      [CAS_ACTION_DELETE] = DELETED, [CAS_ACTION_HIDE] = HIDDEN, [CAS_ACTION_SHOW] = SHOWN};
  struct cas_target targets[TARGETS_MAX];
  char uids[TARGETS_MAX][32];
  struct cas_change change = {.action = action, .targets = targets};
  uint64_t changed;
  change.target_count = 1 + test_random_below(&scene->random, TARGETS_MAX);
  for (size_t i = 0; i < change.target_count; i++) {
    unsigned uid = (unsigned)test_random_below(&scene->random, UIDS);
    struct version *versions = scene->perhaps.now.versions[uid];
    snprintf(uids[i], sizeof uids[i], "1.2.3.4.%u", uid);
    targets[i] = (struct cas_target){.uid = uids[i]};
    for (unsigned v = 0; v < VERSIONS_MAX; v++)
      if (changes(versions[v].look, action)) versions[v].look = looks[action];
  }
  cas_status status = cas_store_change(scene->t.store, &change, &changed, NULL);
  return status == CAS_NOT_FOUND ? CAS_OK : status;
}

static cas_status make_or_remove_snapshot(struct scene *scene) {
  unsigned number = (unsigned)test_random_below(&scene->random, SNAPSHOTS);
  char name[8];
  snprintf(name, sizeof name, "s%u", number);
  bool *has = &scene->perhaps.has[number];
  *has = !*has;
  if (*has) scene->perhaps.then[number] = scene->perhaps.now;
  return *has ? cas_snapshot_create(scene->t.store, name, NULL) : cas_snapshot_remove(scene->t.store, name, NULL);
}

static cas_status act(struct scene *scene) {
  switch (test_random_below(&scene->random, 8)) {
  case 0:
  case 1: return change_some(scene, CAS_ACTION_DELETE);
  case 2: return change_some(scene, CAS_ACTION_HIDE);
  case 3: return change_some(scene, CAS_ACTION_SHOW);
  case 4: return make_or_remove_snapshot(scene);
  default: return store_one(scene);
  }
}

static void move_some(struct scene *scene, unsigned turn) {
  const struct cas_tier_options options = {.segments_max = 2};
  struct cas_tier_result result;
  struct cas_error error = {0};
  cas_status status = turn % 3 == 0 ? cas_store_tier_recall(scene->t.store, &options, &result, &error)
                                    : cas_store_tier_move(scene->t.store, &options, &result, &error);
  if (status == CAS_CORRUPT) fail_msg("%s", error.message);
  assert_int_equal(result.damaged_segments, 0);
  atomic_fetch_add(&scene->moved, (unsigned)result.segments);
}

static void *compact_always(void *arg) {
  struct scene *scene = arg;
  for (unsigned turn = 0; !atomic_load(&scene->stopping); turn++) {
    move_some(scene, turn);
    struct cas_compact_options options = {
        .seal_bytes = 1, .min_percent = 1, .threads = 1, .deleted_before_ns = INT64_MAX};
    struct cas_compact_result result;
    struct cas_error error = {0};
    if (cas_store_compact(scene->t.store, &options, &result, &error) == CAS_CORRUPT) fail_msg("%s", error.message);
    atomic_fetch_add(&scene->discarded, (unsigned)result.discarded_versions);
    atomic_fetch_add(&scene->compacted, (unsigned)result.segments);
  }
  return NULL;
}

/* --- what is there --- */

/* 0 where one of the views of a store shows a version, and its bytes, or does not: what is wanted. Else 1. */
static unsigned differs(struct cas_store *view, unsigned uid, unsigned version, unsigned seed, bool wanted) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  char text[32];
  snprintf(text, sizeof text, "1.2.3.4.%u", uid);
  make_object(uid, seed, &file);
  cas_status status = synthetic_read_back(view, text, version + 1, &file);
  return status != (wanted ? CAS_OK : CAS_NOT_FOUND);
}

static unsigned differences(struct cas_store *store, const struct table *table) {
  struct cas_store *view;
  unsigned count = 0;
  assert_int_equal(cas_view_open(store, CAS_STATES_HIDDEN | store->states, &view), CAS_OK);
  for (unsigned uid = 0; uid < UIDS; uid++) {
    for (unsigned version = 0; version < table->newest[uid]; version++) {
      const struct version *known = &table->versions[uid][version];
      count += differs(store, uid, version, known->seed, known->look == SHOWN);
      count += differs(view, uid, version, known->seed, known->look == SHOWN || known->look == HIDDEN);
    }
  }
  cas_snapshot_close(view);
  return count;
}

/* Of each table, the number of instances that are listed: none may be there that the table does not have. */
static unsigned count_shown(const struct table *table) {
  unsigned shown = 0;
  for (unsigned uid = 0; uid < UIDS; uid++)
    for (unsigned version = 0; version < table->newest[uid]; version++)
      shown += table->versions[uid][version].look == SHOWN;
  return shown;
}

static unsigned world_differences(struct scene *scene, const struct world *world) {
  struct cas_stats stats;
  unsigned count = differences(scene->t.store, &world->now);
  assert_int_equal(cas_store_stats(scene->t.store, &stats, NULL), CAS_OK);
  count += stats.instances != count_shown(&world->now);
  for (unsigned i = 0; i < SNAPSHOTS; i++) {
    struct cas_store *view;
    char name[8];
    snprintf(name, sizeof name, "s%u", i);
    cas_status status = cas_snapshot_open(scene->t.store, name, &view, NULL);
    assert_true(status == CAS_OK || status == CAS_NOT_FOUND);
    count += (status == CAS_OK) != world->has[i];
    if (status != CAS_OK) continue;
    if (world->has[i]) count += differences(view, &world->then[i]);
    cas_snapshot_close(view);
  }
  return count;
}

/* What is in doubt is there as a whole, or not at all. */
static bool settle(struct scene *scene) {
  bool agrees = world_differences(scene, &scene->sure) == 0;
  if (!agrees && scene->in_doubt && world_differences(scene, &scene->perhaps) == 0) {
    agrees = true;
    scene->sure = scene->perhaps;
  }
  scene->in_doubt = false;
  return agrees;
}

/* --- rounds --- */

static void act_until_it_fails(struct scene *scene) {
  atomic_store(&scene->stopping, false);
  assert_int_equal(pthread_create(&scene->thread, NULL, compact_always, scene), 0);
  for (unsigned i = 0; i < ACTIONS_PER_ROUND && !scene->in_doubt; i++) {
    scene->perhaps = scene->sure;
    scene->in_doubt = act(scene) != CAS_OK;
    if (scene->in_doubt) break;
    scene->sure = scene->perhaps;
    scene->changes++;
  }
  scene->doubts += scene->in_doubt;
  atomic_store(&scene->stopping, true);
  pthread_join(scene->thread, NULL);
}

static bool cut_power_once(struct scene *scene) {
  struct io_disk *disk = scene->t.seams.disk;
  cas_store_close(scene->t.store);
  faulty_store_keep_index(&scene->t);
  scene->t.options.encode = (enum cas_encode)test_random_below(&scene->random, 2);
  temporary_open(&scene->t);
  faulty_disk_power_off_at(disk, 1 + test_random_below(&scene->random, 150));
  act_until_it_fails(scene);
  cas_store_close(scene->t.store);
  faulty_disk_restart(disk);
  faulty_store_age_index(&scene->t, &scene->random);
  temporary_open(&scene->t);
  return settle(scene);
}

static struct scene *open_scene(uint64_t seed) {
  struct scene *scene = calloc(1, sizeof *scene);
  scene->random.state = seed;
  faulty_store_create(&scene->t, test_random_next(&scene->random), 64 << 10);
  tier_on_faulty_disk(&scene->t);
  return scene;
}

static void close_scene(struct scene *scene) {
  faulty_store_destroy(&scene->t);
  free(scene);
}

static void p1_acknowledged_changes_survive_power_cuts(void **state) {
  (void)state;
  struct scene *scene = open_scene(test_random_seed("p1_power_cut_states"));
  for (uint64_t round = test_random_rounds(10); round > 0; round--) {
    assert_true(cut_power_once(scene));
    check_clean(scene->t.store);
  }
  assert_true(scene->discarded > 0 && scene->compacted > 0 && scene->doubts > 0 && scene->moved > 0);
  printf("%u changes, %u cuts in the middle of one, %u versions discarded, %u segments written anew, %u moved\n",
         scene->changes, scene->doubts, scene->discarded, scene->compacted, scene->moved);
  close_scene(scene);
}

/* Would it be seen if a sync were left out? */
static void a_sync_left_out_is_seen(void **state) {
  (void)state;
  bool agrees = true;
  uint64_t seed = test_random_seed("p1_lying_disk_states");
  for (unsigned round = 0; round < 100 && agrees; round++) {
    struct scene *scene = open_scene(seed + round);
    for (unsigned i = 0; i < 10; i++) {
      scene->perhaps = scene->sure;
      assert_int_equal(act(scene), CAS_OK);
      scene->sure = scene->perhaps;
    }
    faulty_disk_lie(scene->t.seams.disk, true);
    for (unsigned i = 0; i < 10; i++) {
      scene->perhaps = scene->sure;
      assert_int_equal(act(scene), CAS_OK);
      scene->sure = scene->perhaps;
    }
    faulty_disk_power_off_at(scene->t.seams.disk, 1);
    cas_store_close(scene->t.store);
    faulty_disk_lie(scene->t.seams.disk, false);
    faulty_disk_restart(scene->t.seams.disk);
    faulty_store_run(&scene->t, "rm -rf $p/index");
    temporary_open(&scene->t);
    agrees = settle(scene);
    close_scene(scene);
  }
  assert_false(agrees);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p1_acknowledged_changes_survive_power_cuts),
      cmocka_unit_test(a_sync_left_out_is_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
