/* Faults and power cuts at every operation of moving segments to a cold place and back: nothing is lost. */
#include <errno.h>

#include "faulty_store.h"
#include "tiering.h"

static struct tiered *open_faulty_scene(void) {
  struct tiered *scene = calloc(1, sizeof *scene);
  faulty_store_create(&scene->t, 11, 24 << 10);
  tier_on_faulty_disk(&scene->t);
  tiered_bring(scene, 12);
  return scene;
}

static void close_faulty_scene(struct tiered *scene) {
  faulty_store_destroy(&scene->t);
  free(scene);
}

static cas_status go(struct tiered *scene, bool back) {
  struct cas_tier_result result;
  const struct cas_tier_options options = {.segments_max = 2};
  return back ? cas_store_tier_recall(scene->t.store, &options, &result, NULL)
              : cas_store_tier_move(scene->t.store, &options, &result, NULL);
}

/* There and back with a fault at the nth operation of one of both. False: it has fewer. */
static bool go_with_fault(struct tiered *scene, bool back, unsigned kind, uint64_t nth, int system_errno) {
  struct io_disk *disk = scene->t.seams.disk;
  if (back) tier_move(scene->t.store);
  const uint64_t before = faulty_disk_count(disk, kind);
  faulty_disk_fail(disk, kind, nth, 1, system_errno);
  cas_status status = go(scene, back);
  const bool reached = faulty_disk_count(disk, kind) - before >= nth;
  faulty_disk_fail(disk, kind, 1, 0, 0);
  /* A marker that cannot be read says nothing. */
  if (status != CAS_OK && (kind != FAULTY_READ || status != CAS_AWAY))
    assert_int_equal(status, system_errno == ENOSPC ? CAS_NO_SPACE : CAS_IO);
  tiered_check(scene->t.store, scene->count);
  struct cas_store_condition condition;
  cas_store_condition(scene->t.store, &condition);
  assert_false(condition.read_only);
  tier_move(scene->t.store);
  tiered_check(scene->t.store, scene->count);
  tier_recall(scene->t.store);
  assert_int_equal(tier_status(scene->t.store).cold_segments, 0);
  assert_int_equal(faulty_disk_blocks_lent(disk), 0);
  return reached;
}

static void a_fault_at_every_operation_loses_nothing(void **state) {
  (void)state;
  static const unsigned kinds[] = {FAULTY_WRITE, FAULTY_SYNC, FAULTY_NAME, FAULTY_READ};
  struct tiered *scene = open_faulty_scene();
  unsigned faults = 0;
  for (unsigned i = 0; i < 4; i++)
    for (unsigned back = 0; back < 2; back++)
      for (uint64_t nth = 1; go_with_fault(scene, back == 1, kinds[i], nth, i % 2 == 0 ? ENOSPC : EIO); nth++) faults++;
  printf("%u faults\n", faults);
  assert_true(faults > 40);
  tiered_check_all(scene);
  temporary_reopen(&scene->t);
  tiered_check_all(scene);
  close_faulty_scene(scene);
}

static bool cut_power_at(struct tiered *scene, bool back, uint64_t nth) {
  struct io_disk *disk = scene->t.seams.disk;
  if (back) tier_move(scene->t.store);
  const uint64_t before = faulty_disk_count(disk, FAULTY_CHANGE);
  faulty_disk_power_off_at(disk, nth);
  (void)!go(scene, back);
  const bool reached = faulty_disk_count(disk, FAULTY_CHANGE) - before >= nth;
  cas_store_close(scene->t.store);
  faulty_disk_restart(disk);
  temporary_open(&scene->t);
  tiered_check_all(scene);
  if (nth % 4 == 0) {
    char command[128];
    cas_store_close(scene->t.store);
    snprintf(command, sizeof command, "rm -rf %s/index", scene->t.path);
    assert_int_equal(system(command), 0);
    temporary_open(&scene->t);
    tiered_check_all(scene);
  }
  tier_recall(scene->t.store);
  return reached;
}

static void a_power_cut_at_every_operation_loses_nothing(void **state) {
  (void)state;
  struct tiered *scene = open_faulty_scene();
  unsigned cuts = 0;
  for (unsigned back = 0; back < 2; back++)
    for (uint64_t nth = 1; cut_power_at(scene, back == 1, nth); nth++) cuts++;
  printf("%u cuts\n", cuts);
  assert_true(cuts > 20);
  close_faulty_scene(scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_fault_at_every_operation_loses_nothing),
      cmocka_unit_test(a_power_cut_at_every_operation_loses_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
