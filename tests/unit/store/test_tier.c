/*
 * Segments move to a cold place and come back, and nothing else changes. The cold place is away: nothing in it is
 * called lost or damaged, and all else goes on.
 */
#include "base/status.h"
#include "cassette/state.h"
#include "tiering.h"

static struct tiered *open_scene(void) {
  struct tiered *scene = calloc(1, sizeof *scene);
  scene->t.options.segment_bytes = 24 << 10;
  temporary_create(&scene->t);
  tiered_bring(scene, 32);
  tier_beside(&scene->t, scene->shelf);
  snprintf(scene->elsewhere, sizeof scene->elsewhere, "%s.away", scene->shelf);
  return scene;
}

static void close_scene(struct tiered *scene) {
  temporary_destroy(&scene->t);
  free(scene);
}

struct asked {
  struct cas_store *store;
  struct cas_storage storage;
};

static cas_status keep_storage(void *arg, const struct cas_node *node) {
  struct cas_reader *reader;
  struct asked *asked = arg;
  STATUS_TRY(cas_reader_open(asked->store, node->path, &reader, NULL));
  cas_status status = cas_reader_storage(reader, &asked->storage, NULL);
  cas_reader_close(reader);
  return status;
}

static void check_tier(struct cas_store *store, const char *uid, const char *tier) {
  struct asked asked = {.store = store};
  assert_int_equal(cas_node_by_uid(store, CAS_LEVEL_INSTANCE, uid, keep_storage, &asked, NULL), CAS_OK);
  assert_string_equal(asked.storage.tier, tier);
}

static void segments_move_and_come_back(void **state) {
  (void)state;
  struct tiered *scene = open_scene();
  struct cas_store *follower;
  assert_int_equal(cas_store_open(scene->t.path, NULL, &follower, NULL), CAS_OK);
  struct cas_tier_status before = tier_status(scene->t.store);
  assert_true(before.state == CAS_TIER_HERE && before.hot_segments > 3 && before.cold_segments == 0);
  tiered_check(follower, 4);
  struct cas_tier_result moved = tier_move(scene->t.store);
  struct cas_tier_status after = tier_status(scene->t.store);
  assert_int_equal(moved.segments, before.hot_segments - 1); /* the last one stays */
  assert_int_equal(after.hot_segments, 1);
  assert_int_equal(after.cold_segments, moved.segments);
  assert_int_equal(after.cold_bytes, moved.bytes);
  assert_int_equal(after.hot_bytes + after.cold_bytes, before.hot_bytes);
  assert_string_equal(after.folder, scene->shelf);
  check_tier(scene->t.store, "1.2.3.4.0", "cold");
  tiered_check_all(scene);
  tiered_check(follower, scene->count);
  tiered_bring(scene, 2);
  assert_int_equal(tiered_bring_again(scene, 0).outcome, CAS_DUPLICATE);
  temporary_reopen(&scene->t);
  assert_int_equal(tier_status(scene->t.store).cold_segments, moved.segments);
  tiered_check_all(scene);
  check_rebuild(&scene->t);
  tiered_check_all(scene);
  assert_int_equal(tier_recall(scene->t.store).segments, moved.segments);
  assert_int_equal(tier_status(scene->t.store).cold_segments, 0);
  check_tier(scene->t.store, "1.2.3.4.0", "hot");
  tiered_check_all(scene);
  assert_int_equal(cas_store_refresh(follower, NULL), CAS_OK);
  tiered_check(follower, scene->count);
  cas_store_close(follower);
  close_scene(scene);
}

static cas_status stop(void *arg, const struct cas_compact_progress *progress) {
  (void)arg;
  return progress->segments_done == 2 ? CAS_END : CAS_OK;
}

static void only_what_is_asked_for_moves(void **state) {
  (void)state;
  struct tiered *scene = open_scene();
  struct cas_tier_result result;
  struct cas_error error = {0};
  struct cas_store *store = scene->t.store;
  const uint64_t all = tier_status(store).hot_segments - 1;
  struct cas_tier_options options = {.dry_run = true};
  assert_int_equal(cas_store_tier_move(store, &options, &result, NULL), CAS_OK);
  assert_true(result.segments == 0 && result.segments_left == all && result.bytes_left > 0);
  options = (struct cas_tier_options){.sealed_before_ns = 1};
  assert_int_equal(cas_store_tier_move(store, &options, &result, NULL), CAS_OK);
  assert_int_equal(result.segments + result.segments_left, 0);
  options = (struct cas_tier_options){.keep_free_bytes = 1};
  assert_int_equal(cas_store_tier_move(store, &options, &result, NULL), CAS_OK);
  assert_int_equal(result.segments + result.segments_left, 0);
  options = (struct cas_tier_options){.segments_max = 1, .sealed_before_ns = INT64_MAX};
  assert_int_equal(cas_store_tier_move(store, &options, &result, NULL), CAS_OK);
  assert_true(result.segments == 1 && result.segments_left == all - 1);
  options =
      (struct cas_tier_options){.keep_free_bytes = tier_status(store).hot_free_bytes + (1u << 30), .progress = stop};
  assert_int_equal(cas_store_tier_move(store, &options, &result, NULL), CAS_END);
  assert_int_equal(result.segments, 2);
  const uint32_t numbers[] = {2}, missing[] = {2, 4711};
  options = (struct cas_tier_options){.segments = missing, .segment_count = 2};
  assert_int_equal(cas_store_tier_recall(store, &options, &result, &error), CAS_NOT_FOUND);
  options = (struct cas_tier_options){.segments = numbers, .segment_count = 1};
  assert_int_equal(cas_store_tier_recall(store, &options, &result, NULL), CAS_OK);
  assert_int_equal(result.segments, 1);
  assert_int_equal(tier_status(store).cold_segments, 2);
  tiered_check_all(scene);
  close_scene(scene);
}

/* --- away --- */

static void take_away(struct tiered *scene) {
  assert_int_equal(rename(scene->shelf, scene->elsewhere), 0);
  volume_close_unused(scene->t.store->volume);
}

static void bring_back(struct tiered *scene) {
  (void)rmdir(scene->shelf);
  assert_int_equal(rename(scene->elsewhere, scene->shelf), 0);
}

static void check_away(struct tiered *scene, unsigned cold_objects) {
  struct cas_verify_result verified;
  struct cas_tier_result result;
  struct cas_error error = {0};
  struct cas_store *store = scene->t.store;
  struct cas_tier_status status = tier_status(store);
  assert_true(status.state == CAS_TIER_AWAY && status.away_segments > 0 && status.reason[0] != '\0');
  for (unsigned i = 0; i < cold_objects; i++) assert_int_equal(tiered_read(store, i, 1), CAS_AWAY);
  assert_int_equal(cas_store_verify(store, NULL, &verified, NULL), CAS_OK);
  assert_int_equal(verified.damaged_records + verified.damaged_instances + verified.index_findings, 0);
  assert_true(verified.away_segments >= status.away_segments && verified.away_instances >= cold_objects);
  assert_int_equal(cas_store_tier_move(store, NULL, &result, &error), CAS_AWAY);
  assert_non_null(strstr(error.message, scene->shelf));
  uint8_t byte;
  size_t got;
  assert_int_equal(volume_read(store->volume, 1, 0, &byte, 1, &got, &error), CAS_AWAY);
  assert_non_null(strstr(error.message, "segment 1"));
  assert_non_null(strstr(error.message, scene->shelf));
}

static void all_goes_on_while_it_is_away(void **state) {
  (void)state;
  struct tiered *scene = open_scene();
  struct cas_error error = {0};
  tier_move(scene->t.store);
  const unsigned cold_objects = 8;
  take_away(scene);
  check_away(scene, cold_objects);
  tiered_bring(scene, 10);
  temporary_reopen(&scene->t);
  check_away(scene, cold_objects);
  cas_store_close(scene->t.store);
  assert_int_equal(cas_store_rebuild(scene->t.path, NULL, NULL, NULL, &error), CAS_AWAY);
  assert_non_null(strstr(error.message, scene->shelf));
  temporary_open(&scene->t);
  /* An empty folder where it is mounted, and another store's place. */
  assert_int_equal(mkdir(scene->shelf, 0700), 0);
  check_away(scene, cold_objects);
  char command[256];
  snprintf(command, sizeof command, "echo other >%s/CASSETTE-COLD", scene->shelf);
  assert_int_equal(system(command), 0);
  check_away(scene, cold_objects);
  /* What cannot be compared is kept beside. */
  assert_int_equal(tiered_bring_again(scene, 0).outcome, CAS_NEW_VERSION);
  assert_int_equal(tiered_bring_again(scene, 0).outcome, CAS_DUPLICATE);
  assert_int_equal(tiered_read(scene->t.store, 0, 2), CAS_OK);
  snprintf(command, sizeof command, "rm %s/CASSETTE-COLD", scene->shelf);
  assert_int_equal(system(command), 0);
  bring_back(scene);
  tiered_check_all(scene);
  assert_int_equal(tiered_read(scene->t.store, 0, 2), CAS_OK);
  check_rebuild(&scene->t);
  tiered_check_all(scene);
  assert_int_equal(tiered_read(scene->t.store, 0, 2), CAS_OK);
  close_scene(scene);
}

static void a_place_is_not_taken_for_another(void **state) {
  (void)state;
  struct tiered *scene = open_scene();
  struct cas_error error = {0};
  char other[128], command[512];
  snprintf(other, sizeof other, "%s/store/inside", scene->t.folder);
  assert_int_equal(mkdir(other, 0700), 0);
  cas_store_close(scene->t.store);
  scene->t.store = NULL;
  assert_int_equal(cas_tier_set(scene->t.path, other, NULL), CAS_REFUSED);
  assert_int_equal(rmdir(other), 0);
  assert_int_equal(cas_tier_set(scene->t.path, scene->t.folder, NULL), CAS_REFUSED);
  snprintf(other, sizeof other, "%s/other", scene->t.folder);
  assert_int_not_equal(cas_tier_set(scene->t.path, other, NULL), CAS_OK);
  assert_int_equal(mkdir(other, 0700), 0);
  snprintf(command, sizeof command, "touch %s/a", other);
  assert_int_equal(system(command), 0);
  assert_int_equal(cas_tier_set(scene->t.path, other, NULL), CAS_REFUSED);
  snprintf(command, sizeof command, "rm %s/a; sed s/uuid:./uuid:x/ %s/CASSETTE-COLD >%s/CASSETTE-COLD", other,
           scene->shelf, other);
  assert_int_equal(system(command), 0);
  assert_int_equal(cas_tier_set(scene->t.path, other, NULL), CAS_REFUSED);
  snprintf(command, sizeof command, "rm %s/CASSETTE-COLD", other);
  assert_int_equal(system(command), 0);
  temporary_open(&scene->t);
  tier_move(scene->t.store);
  assert_int_equal(cas_tier_set(scene->t.path, other, NULL), CAS_BUSY);
  cas_store_close(scene->t.store);
  assert_int_equal(cas_tier_set(scene->t.path, other, &error), CAS_REFUSED); /* it lacks what was moved */
  assert_non_null(strstr(error.message, "segment 1 "));
  snprintf(command, sizeof command, "cp -a %s/. %s && mv %s %s", scene->shelf, other, scene->shelf, scene->elsewhere);
  assert_int_equal(system(command), 0);
  assert_int_equal(cas_tier_set(scene->t.path, other, NULL), CAS_OK);
  temporary_open(&scene->t);
  assert_string_equal(tier_status(scene->t.store).folder, other);
  tiered_check_all(scene);
  close_scene(scene);
}

/* --- damage, and segments written anew --- */

static void what_is_damaged_stays(void **state) {
  (void)state;
  struct tiered *scene = open_scene();
  const uint64_t all = tier_status(scene->t.store).hot_segments - 1;
  char command[256];
  snprintf(command, sizeof command,
           "printf x | dd of=%s/segments/00/00000002.seg bs=1 seek=4200 conv=notrunc status=none", scene->t.path);
  assert_int_equal(system(command), 0);
  struct cas_tier_result result = tier_move(scene->t.store);
  assert_int_equal(result.segments, all - 1);
  assert_int_equal(result.damaged_segments, 1);
  snprintf(command, sizeof command, "test -e %s/segments/00/00000002.seg && ! test -e %s/00/00000002.seg*",
           scene->t.path, scene->shelf);
  assert_int_equal(system(command), 0);
  close_scene(scene);
}

static void a_cold_segment_is_written_anew_where_it_lies(void **state) {
  (void)state;
  struct tiered *scene = open_scene();
  tier_move(scene->t.store);
  const struct cas_tier_status before = tier_status(scene->t.store);
  struct cas_target target = {.uid = "1.2.3.4.0"};
  struct cas_change change = {.action = CAS_ACTION_DELETE, .targets = &target, .target_count = 1};
  uint64_t changed;
  assert_int_equal(cas_store_change(scene->t.store, &change, &changed, NULL), CAS_OK);
  target.uid = "1.2.3.4.1";
  assert_int_equal(cas_store_change(scene->t.store, &change, &changed, NULL), CAS_OK);
  take_away(scene);
  struct cas_compact_result result = compact(scene->t.store); /* leaves what is away, and all else goes on */
  assert_int_equal(result.damaged_segments, 0);
  bring_back(scene);
  result = compact(scene->t.store);
  assert_true(result.segments > 0);
  const struct cas_tier_status after = tier_status(scene->t.store);
  assert_int_equal(after.cold_segments, before.cold_segments);
  assert_true(after.cold_bytes < before.cold_bytes);
  for (unsigned i = 2; i < scene->count; i++) assert_int_equal(tiered_read(scene->t.store, i, 1), CAS_OK);
  check_clean(scene->t.store);
  check_rebuild(&scene->t);
  tier_recall(scene->t.store);
  assert_int_equal(tier_status(scene->t.store).cold_segments, 0);
  check_clean(scene->t.store);
  check_rebuild(&scene->t);
  close_scene(scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(segments_move_and_come_back),  cmocka_unit_test(only_what_is_asked_for_moves),
      cmocka_unit_test(all_goes_on_while_it_is_away), cmocka_unit_test(a_place_is_not_taken_for_another),
      cmocka_unit_test(what_is_damaged_stays),        cmocka_unit_test(a_cold_segment_is_written_anew_where_it_lies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
