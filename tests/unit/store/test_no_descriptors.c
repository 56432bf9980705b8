/* P1, P3 and P4 where no file can be opened: requests of the engine for a descriptor are refused, one alone or all
 * behind it; and none is free in the whole process, for RocksDB neither. It is neither damage nor a broken disk. */
#include "scarce_scenes.h"

static struct scene *scene_of(bool plain) { return open_scene(SCARCE_DESCRIPTORS, CAS_NO_DESCRIPTORS, plain); }

static void p1_without_descriptors_what_arrives_is_stored_or_refused(void **state) {
  (void)state;
  run_scene(scene_of(true), ingest, 1);
}

static void p1_without_descriptors_a_ring_stores_or_refuses(void **state) {
  (void)state;
  run_scene(scene_of(false), ingest, 1);
}

static void p4_without_descriptors_reading_finds_no_damage(void **state) {
  (void)state;
  run_scene(scene_of(true), read_all, 1);
}

static void p4_without_descriptors_verifying_finds_no_damage(void **state) {
  (void)state;
  run_scene(scene_of(true), verify, 1);
}

static void p1_without_descriptors_a_start_fails_and_the_next_one_does_not(void **state) {
  (void)state;
  run_scene(scene_of(true), start, 2);
}

static void p1_without_descriptors_a_replay_leaves_nothing_out(void **state) {
  (void)state;
  run_scene(scene_of(true), replay, 3);
}

static void p3_without_descriptors_a_rebuild_leaves_nothing_out(void **state) {
  (void)state;
  run_scene(scene_of(true), rebuild, 3);
}

static void p1_without_descriptors_compacting_drops_nothing(void **state) {
  (void)state;
  struct scene *scene = scene_of(true);
  scene->t.options.encode = CAS_ENCODE_LATER;
  temporary_reopen(&scene->t);
  run_scene(scene, compact_all, 1);
}

static void p1_without_descriptors_what_compacting_drops_may_come_again(void **state) {
  (void)state;
  struct scene *scene = scene_of(true);
  scene->t.options.encode = CAS_ENCODE_LATER;
  scene->t.options.segment_bytes = 1 << 20;
  temporary_reopen(&scene->t);
  run_scene(scene, drop_and_bring, 1);
}

static void a_store_is_followed_or_descriptors_are_wanting(void **state) {
  (void)state;
  run_scene(scene_of(true), follow, 1);
}

static void hash_of_size(struct cas_slice bytes, struct cas_hash *hash) {
  *hash = (struct cas_hash){0};
  store_u64(hash->bytes, bytes.size);
}

/* Another object whose parts have the lengths of those of the first, and so their hashes. */
static cas_status ingest_alike(struct scene *scene, uint64_t nth, uint64_t count) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  scene->count += 2; /* each third is of one kind */
  make_object(scene->count, &file);
  temporary_reopen(&scene->t); /* no segment is open for reading */
  begin(scene, nth, count);
  cas_status status = bring(scene, &file);
  end(scene);
  check_from(scene, 0);
  return status;
}

static void p5_without_descriptors_nothing_takes_the_place_of_what_was_not_compared(void **state) {
  (void)state;
  struct scene *scene = scene_of(true);
  temporary_destroy(&scene->t);
  scene->t.seams.hash = hash_of_size;
  scene->t.options.segment_bytes = 4096; /* one for each object: a start opens the last one alone */
  scene->count = 0;
  memset(scene->acknowledged, 0, sizeof scene->acknowledged);
  create_store(&scene->t);
  for (unsigned i = 0; i < 3; i++) assert_int_equal(ingest_alike(scene, UINT64_MAX, 1), CAS_OK);
  at_requests(scene, ingest_alike, 1, 1);
  assert_true(scene->refusals > 0);
  check_clean(scene->t.store);
  temporary_destroy(&scene->t);
  free(scene);
}

/* --- none in the process --- */

static struct scene *scene_in_process(enum cas_encode encode) {
  struct scene *scene = open_scene(SCARCE_IN_PROCESS, CAS_NO_DESCRIPTORS, false);
  scene->t.options.encode = encode;
  temporary_reopen(&scene->t);
  return scene;
}

static void run_in_process(struct scene *scene, operation_fn operation) {
  at_requests(scene, operation, step_of(3), 1);
  close_scene(scene);
}

static void p1_in_a_process_without_descriptors_a_start_fails_and_the_next_one_does_not(void **state) {
  (void)state;
  run_in_process(scene_in_process(CAS_ENCODE_ALWAYS), start);
}

static void p1_in_a_process_without_descriptors_a_replay_leaves_nothing_out(void **state) {
  (void)state;
  run_in_process(scene_in_process(CAS_ENCODE_ALWAYS), replay);
}

static void p3_in_a_process_without_descriptors_a_rebuild_leaves_nothing_out(void **state) {
  (void)state;
  run_in_process(scene_in_process(CAS_ENCODE_ALWAYS), rebuild);
}

static void p1_in_a_process_without_descriptors_compacting_drops_nothing(void **state) {
  (void)state;
  run_in_process(scene_in_process(CAS_ENCODE_LATER), compact_all);
}

static void in_a_process_without_descriptors_a_store_is_followed_or_not(void **state) {
  (void)state;
  run_in_process(scene_in_process(CAS_ENCODE_ALWAYS), follow);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p1_without_descriptors_what_arrives_is_stored_or_refused),
      cmocka_unit_test(p1_without_descriptors_a_ring_stores_or_refuses),
      cmocka_unit_test(p4_without_descriptors_reading_finds_no_damage),
      cmocka_unit_test(p4_without_descriptors_verifying_finds_no_damage),
      cmocka_unit_test(p1_without_descriptors_a_start_fails_and_the_next_one_does_not),
      cmocka_unit_test(p1_without_descriptors_a_replay_leaves_nothing_out),
      cmocka_unit_test(p3_without_descriptors_a_rebuild_leaves_nothing_out),
      cmocka_unit_test(p1_without_descriptors_compacting_drops_nothing),
      cmocka_unit_test(p1_without_descriptors_what_compacting_drops_may_come_again),
      cmocka_unit_test(a_store_is_followed_or_descriptors_are_wanting),
      cmocka_unit_test(p5_without_descriptors_nothing_takes_the_place_of_what_was_not_compared),
      cmocka_unit_test(p1_in_a_process_without_descriptors_a_start_fails_and_the_next_one_does_not),
      cmocka_unit_test(p1_in_a_process_without_descriptors_a_replay_leaves_nothing_out),
      cmocka_unit_test(p3_in_a_process_without_descriptors_a_rebuild_leaves_nothing_out),
      cmocka_unit_test(p1_in_a_process_without_descriptors_compacting_drops_nothing),
      cmocka_unit_test(in_a_process_without_descriptors_a_store_is_followed_or_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
