/* P1, P3 and P4 where memory runs out: requests of the engine for memory are refused, one alone or all behind it. */
#include "scarce_scenes.h"

#include <fcntl.h>

#include "cassette/correct.h"

static struct scene *scene_of(enum cas_encode encode) {
  struct scene *scene = open_scene(SCARCE_MEMORY, CAS_NO_MEMORY, true);
  if (encode != scene->t.options.encode) {
    scene->t.options.encode = encode;
    temporary_reopen(&scene->t);
  }
  return scene;
}

static void p1_without_memory_what_arrives_is_stored_or_refused(void **state) {
  (void)state;
  run_scene(scene_of(CAS_ENCODE_ALWAYS), ingest, 1);
}

static void p1_without_memory_what_arrives_in_a_burst_is_stored_or_refused(void **state) {
  (void)state;
  run_scene(scene_of(CAS_ENCODE_LATER), ingest, 1);
}

static void p4_without_memory_reading_finds_no_damage(void **state) {
  (void)state;
  run_scene(scene_of(CAS_ENCODE_ALWAYS), read_all, 1);
}

static void p4_without_memory_verifying_finds_no_damage(void **state) {
  (void)state;
  run_scene(scene_of(CAS_ENCODE_ALWAYS), verify, 1);
}

static void p1_without_memory_a_start_fails_and_the_next_one_does_not(void **state) {
  (void)state;
  run_scene(scene_of(CAS_ENCODE_ALWAYS), start, 7);
}

static void p1_without_memory_a_replay_leaves_nothing_out(void **state) {
  (void)state;
  run_scene(scene_of(CAS_ENCODE_ALWAYS), replay, 29);
}

static void p3_without_memory_a_rebuild_leaves_nothing_out(void **state) {
  (void)state;
  run_scene(scene_of(CAS_ENCODE_ALWAYS), rebuild, 29);
}

static void p1_without_memory_compacting_drops_nothing(void **state) {
  (void)state;
  run_scene(scene_of(CAS_ENCODE_LATER), compact_all, 3);
}

static void p1_without_memory_what_compacting_drops_may_come_again(void **state) {
  (void)state;
  struct scene *scene = scene_of(CAS_ENCODE_LATER);
  scene->t.options.segment_bytes = 1 << 20;
  temporary_reopen(&scene->t);
  run_scene(scene, drop_and_bring, 3);
}

static void a_store_is_followed_or_memory_is_wanting(void **state) {
  (void)state;
  run_scene(scene_of(CAS_ENCODE_ALWAYS), follow, 3);
}

/* --- a last group that a power cut tore --- */

static cas_status keep_path(void *arg, const struct cas_node *node) {
  snprintf(arg, 256, "%s", node->path);
  return CAS_OK;
}

static void expect_corrected(void *arg, cas_status status, const struct cas_ingest_result *result,
                             const struct cas_error *error) {
  (void)result;
  (void)error;
  *(unsigned *)arg += status == CAS_OK;
}

/* Two in one group. */
static void correct_two(struct cas_store *store) {
  const struct cas_assignment assignment = {.tag = 0x00104000, .value = "corrected"};
  const struct cas_correction correction = {.assignments = &assignment, .count = 1, .who = "tester", .why = "wrong"};
  char first[256], second[256];
  const char *paths[] = {first, second};
  unsigned corrected = 0;
  assert_int_equal(cas_node_by_uid(store, CAS_LEVEL_INSTANCE, "1.2.3.4.0", keep_path, first, NULL), CAS_OK);
  assert_int_equal(cas_node_by_uid(store, CAS_LEVEL_INSTANCE, "1.2.3.4.1", keep_path, second, NULL), CAS_OK);
  assert_int_equal(cas_store_correct(store, &correction, paths, 2, expect_corrected, &corrected, NULL), CAS_OK);
  assert_int_equal(corrected, 2);
}

static long segment_end(const struct scene *scene) {
  char path[128];
  snprintf(path, sizeof path, "%s/segments/00/00000001.seg", scene->t.path);
  FILE *file = fopen(path, "re");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  const long end = ftell(file);
  fclose(file);
  return end;
}

/* The group's first sector is lost, and with it what the first of the two needs; the index is as before the group. */
static struct scene *open_torn(void) {
  struct scene *scene = calloc(1, sizeof *scene);
  char tear[160];
  assert_non_null(scene);
  scene->kind = SCARCE_MEMORY;
  scene->expected = CAS_NO_MEMORY;
  scene->t.options = (struct cas_store_options){.workers = 1, .read_cache_bytes = 1, .no_io_uring = true};
  create_store(&scene->t);
  while (scene->count < 2) bring_for_certain(scene);
  cas_store_close(scene->t.store);
  const long begin_at = segment_end(scene);
  in_folder(scene, "mkdir ../torn; cp -r index ../torn");
  temporary_open(&scene->t);
  correct_two(scene->t.store);
  cas_store_close(scene->t.store);
  scene->t.store = NULL;
  snprintf(tear, sizeof tear,
           "cp -r segments ../torn; dd if=/dev/zero of=../torn/segments/00/00000001.seg bs=512 count=1 seek=%ld "
           "conv=notrunc status=none",
           begin_at / 512);
  in_folder(scene, tear);
  return scene;
}

static cas_status count_version(void *arg, const struct cas_node *node) {
  *(uint32_t *)arg = node->version;
  return CAS_OK;
}

static uint32_t shown_version(struct cas_store *store, const char *uid) {
  uint32_t version = 0;
  assert_int_equal(cas_node_by_uid(store, CAS_LEVEL_INSTANCE, uid, count_version, &version, NULL), CAS_OK);
  return version;
}

static cas_status start_torn(struct scene *scene, uint64_t nth, uint64_t count) {
  struct cas_store *store = NULL;
  in_folder(scene, "rm -rf index segments; cp -r ../torn/* .");
  begin(scene, nth, count);
  cas_status status = store_open(scene->t.path, &scene->t.options, &scene->t.seams, &store, NULL);
  end(scene);
  if (status != CAS_OK) temporary_open(&scene->t);
  if (status == CAS_OK) scene->t.store = store;
  assert_int_equal(shown_version(scene->t.store, "1.2.3.4.0"), 1);
  assert_int_equal(shown_version(scene->t.store, "1.2.3.4.1"), 2);
  cas_store_close(scene->t.store);
  scene->t.store = NULL;
  return status;
}

static void p1_without_memory_what_is_whole_in_a_torn_group_is_kept(void **state) {
  (void)state;
  struct scene *scene = open_torn();
  at_requests(scene, start_torn, step_of(11), 1);
  assert_true(scene->refusals > 0);
  temporary_destroy(&scene->t);
  free(scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p1_without_memory_what_arrives_is_stored_or_refused),
      cmocka_unit_test(p1_without_memory_what_arrives_in_a_burst_is_stored_or_refused),
      cmocka_unit_test(p4_without_memory_reading_finds_no_damage),
      cmocka_unit_test(p4_without_memory_verifying_finds_no_damage),
      cmocka_unit_test(p1_without_memory_a_start_fails_and_the_next_one_does_not),
      cmocka_unit_test(p1_without_memory_a_replay_leaves_nothing_out),
      cmocka_unit_test(p3_without_memory_a_rebuild_leaves_nothing_out),
      cmocka_unit_test(p1_without_memory_compacting_drops_nothing),
      cmocka_unit_test(p1_without_memory_what_compacting_drops_may_come_again),
      cmocka_unit_test(a_store_is_followed_or_memory_is_wanting),
      cmocka_unit_test(p1_without_memory_what_is_whole_in_a_torn_group_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
