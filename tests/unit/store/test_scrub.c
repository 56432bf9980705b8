/* P4 in the background: a scrubber reads everything in its cycle, finds what rotted, says whose it is, keeps its place
 * over restarts, and lets others work. */
#include <fcntl.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "cassette/scrub.h"
#include "store/scrub_place.h"
#include "synthetic.h"

#define OBJECTS 30u

struct scene {
  struct temporary_store t;
  struct cas_scrubber *scrubber;
  atomic_uint damages, instances, warnings;
};

static void take_log(void *arg, enum cas_log_level level, const char *line) {
  struct scene *scene = arg;
  if (strstr(line, "scrub: segments/") != NULL) atomic_fetch_add(&scene->damages, 1);
  if (strstr(line, "scrub: damaged instance: SOP Instance UID 1.2.3.4.7") != NULL)
    atomic_fetch_add(&scene->instances, 1);
  if (level == CAS_LOG_WARNING) atomic_fetch_add(&scene->warnings, 1);
}

static void bring(struct scene *scene, unsigned number) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  char uid[32];
  snprintf(uid, sizeof uid, "1.2.3.4.%u", number);
  struct synthetic what = {.sop_uid = uid, .pixel_seed = number, .columns = 128, .rows = 128};
  synthetic_file(&what, "A", &file);
  synthetic_import(scene->t.store, &file);
}

/* Some ten segments. */
static struct scene *open_scene(void) {
  struct scene *scene = calloc(1, sizeof *scene);
  scene->t.options.segment_bytes = 64 << 10;
  scene->t.options.log = take_log;
  scene->t.options.log_arg = scene;
  temporary_create(&scene->t);
  for (unsigned i = 0; i < OBJECTS; i++) bring(scene, i);
  return scene;
}

static void start(struct scene *scene) {
  struct cas_error error = {0};
  if (cas_scrub_start(scene->t.store, NULL, &scene->scrubber, &error) != CAS_OK) fail_msg("%s", error.message);
}

static void stop(struct scene *scene) {
  cas_scrub_stop(scene->scrubber);
  scene->scrubber = NULL;
}

static void close_scene(struct scene *scene) {
  stop(scene);
  temporary_destroy(&scene->t);
  free(scene);
}

static struct cas_scrub_status status_of(struct scene *scene) {
  struct cas_scrub_status status;
  cas_scrub_status(scene->scrubber, &status);
  return status;
}

static struct cas_scrub_status wait_for_cycle(struct scene *scene, uint64_t cycle) {
  const struct timespec pause = {.tv_nsec = 2000000};
  struct cas_scrub_status status = status_of(scene);
  for (unsigned i = 0; i < 30000 && !(status.cycles == cycle && status.state == CAS_SCRUB_RESTING); i++) {
    nanosleep(&pause, NULL);
    status = status_of(scene);
  }
  assert_int_equal(status.cycles, cycle);
  assert_int_equal(status.state, CAS_SCRUB_RESTING);
  return status;
}

/* Where the pixels of an object lie. */
struct place {
  const char *hash;
  unsigned segment;
  uint64_t offset;
};

static void flip(struct scene *scene, unsigned segment, uint64_t offset) {
  char path[160];
  uint8_t byte;
  snprintf(path, sizeof path, "%s/segments/00/%08u.seg", scene->t.path, segment);
  int fd = open(path, O_RDWR);
  assert_true(fd >= 0);
  assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
  byte ^= 0x10;
  assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
  close(fd);
}

/* The record before the manifest of the object is a blob of it that no other object has: all are different. */
static cas_status look_for(void *arg, const char *line) {
  struct place *place = arg;
  unsigned segment;
  unsigned long long offset;
  if (place->hash != NULL) return CAS_OK;
  if (sscanf(line, "%u %llu", &segment, &offset) != 2) return CAS_OK;
  if (strstr(line, " blob ") != NULL && strstr(line, "codec=pixel") != NULL) {
    place->segment = segment;
    place->offset = offset;
  }
  if (strstr(line, "uid=1.2.3.4.7 ") != NULL) place->hash = "found";
  return CAS_OK;
}

static void damage_seven(struct scene *scene) {
  struct place place = {0};
  assert_int_equal(cas_segment_dump(scene->t.store, 0, look_for, &place, NULL), CAS_OK);
  assert_non_null(place.hash);
  flip(scene, place.segment, place.offset + 64 + 40);
}

static void a_cycle_reads_everything(void **state) {
  (void)state;
  struct scene *scene = open_scene();
  struct cas_verify_result verified;
  assert_int_equal(cas_store_verify(scene->t.store, NULL, &verified, NULL), CAS_OK);
  assert_true(verified.segments > 5);
  start(scene); /* the first cycle is due at once */
  struct cas_scrub_status status = wait_for_cycle(scene, 1);
  assert_int_equal(status.whole.segments, verified.segments);
  assert_int_equal(status.whole.records, verified.records);
  assert_int_equal(status.whole.bytes, verified.bytes);
  assert_int_equal(status.whole.damaged_records + status.whole.damaged_instances + status.whole.index_findings, 0);
  assert_true(status.due_ns > status.now.started_ns + (int64_t)6 * 86400 * 1000000000);
  assert_string_equal(status.trouble, "");
  /* The next one is not due, but may be asked for, and sees what came since. */
  bring(scene, OBJECTS);
  cas_scrub_begin(scene->scrubber);
  status = wait_for_cycle(scene, 2);
  assert_true(status.whole.records > verified.records);
  close_scene(scene);
}

static void rot_is_found_and_named(void **state) {
  (void)state;
  struct scene *scene = open_scene();
  damage_seven(scene);
  start(scene);
  struct cas_scrub_status status = wait_for_cycle(scene, 1);
  assert_int_equal(status.whole.damaged_records, 1);
  assert_int_equal(status.whole.damaged_instances, 1);
  assert_int_equal(scene->damages, 1);
  assert_int_equal(scene->instances, 1);
  /* Healed by the same bytes. */
  bring(scene, 7);
  cas_scrub_begin(scene->scrubber);
  status = wait_for_cycle(scene, 2);
  assert_int_equal(status.whole.damaged_records + status.whole.damaged_instances, 0);
  close_scene(scene);
}

static void a_segment_that_is_gone_is_missed(void **state) {
  (void)state;
  struct scene *scene = open_scene();
  char path[160];
  temporary_reopen(&scene->t); /* no file is open */
  snprintf(path, sizeof path, "%s/segments/00/00000003.seg", scene->t.path);
  assert_int_equal(unlink(path), 0);
  start(scene);
  struct cas_scrub_status status = wait_for_cycle(scene, 1);
  assert_int_equal(status.whole.damaged_records, 1);
  assert_true(status.whole.damaged_instances > 0);
  close_scene(scene);
}

static void a_pause_outlives_a_restart(void **state) {
  (void)state;
  struct scene *scene = open_scene();
  start(scene);
  (void)wait_for_cycle(scene, 1);
  cas_scrub_pause(scene->scrubber, true);
  stop(scene);
  temporary_reopen(&scene->t);
  start(scene);
  struct cas_scrub_status status = status_of(scene);
  assert_int_equal(status.state, CAS_SCRUB_PAUSED);
  assert_int_equal(status.cycles, 1);
  assert_true(status.whole.segments > 5);
  cas_scrub_pause(scene->scrubber, false);
  assert_int_equal(status_of(scene).state, CAS_SCRUB_RESTING);
  cas_scrub_begin(scene->scrubber);
  (void)wait_for_cycle(scene, 2);
  close_scene(scene);
}

/* As a kill leaves it: in the middle of a cycle, with damage found before. */
static void a_cycle_goes_on_where_it_was(void **state) {
  (void)state;
  struct scene *scene = open_scene();
  struct scrub_place *place = calloc(1, sizeof *place), *again = calloc(1, sizeof *again);
  struct cas_stats stats;
  assert_int_equal(cas_store_stats(scene->t.store, &stats, NULL), CAS_OK);
  *place = (struct scrub_place){.reading = true, .cycles = 5, .segment = 4, .damage_count = 1};
  place->now = (struct cas_scrub_counts){.started_ns = 1700000000000000000, .segments = 3, .damaged_records = 1};
  place->damages[0] = (struct scrub_damage){1, 4096, 64};
  assert_int_equal(scrub_place_save(scene->t.store, place, NULL), CAS_OK);
  scrub_place_load(scene->t.store, again);
  assert_memory_equal(again, place, sizeof *place);
  start(scene);
  struct cas_scrub_status status = wait_for_cycle(scene, 6); /* the one after, which is due long since */
  stop(scene);
  scrub_place_load(scene->t.store, again);
  assert_int_equal(again->whole.segments, stats.segments);
  *again = (struct scrub_place){.reading = true, .cycles = 9, .segment = (uint32_t)stats.segments};
  again->now.started_ns = status.now.started_ns;
  again->now.segments = 100;
  assert_int_equal(scrub_place_save(scene->t.store, again, NULL), CAS_OK);
  start(scene);
  status = wait_for_cycle(scene, 9);
  assert_int_equal(status.whole.segments, 101);
  free(place);
  free(again);
  close_scene(scene);
}

static void a_damaged_place_begins_anew(void **state) {
  (void)state;
  static const char *const texts[] = {"version 2\n", "nonsense\n", "version 1\ncycles x\n", "version 1\ndamage 1\n",
                                      ""};
  struct scene *scene = open_scene();
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    unsigned before = scene->warnings;
    struct cas_slice text = slice_of(texts[i], strlen(texts[i]));
    assert_int_equal(scene->t.store->disk->ops->replace(scene->t.store->disk, "scrub", text, NULL), CAS_OK);
    start(scene);
    (void)wait_for_cycle(scene, 1);
    stop(scene);
    assert_int_equal(scene->warnings, before + 1);
  }
  close_scene(scene);
}

/* Everything at once, for the thread sanitizer. */
static void others_work_meanwhile(void **state) {
  (void)state;
  struct scene *scene = open_scene();
  start(scene);
  for (unsigned i = 0; i < 20; i++) {
    bring(scene, OBJECTS + i);
    cas_scrub_begin(scene->scrubber);
    cas_scrub_pause(scene->scrubber, i % 3 == 1);
    (void)status_of(scene);
  }
  cas_scrub_pause(scene->scrubber, false);
  cas_scrub_begin(scene->scrubber);
  while (status_of(scene).whole.ended_ns == 0) nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  struct cas_scrub_status status = status_of(scene);
  assert_int_equal(status.whole.damaged_records + status.whole.damaged_instances + status.whole.index_findings, 0);
  close_scene(scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_cycle_reads_everything),
      cmocka_unit_test(rot_is_found_and_named),
      cmocka_unit_test(a_segment_that_is_gone_is_missed),
      cmocka_unit_test(a_pause_outlives_a_restart),
      cmocka_unit_test(a_cycle_goes_on_where_it_was),
      cmocka_unit_test(a_damaged_place_begins_anew),
      cmocka_unit_test(others_work_meanwhile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
