/*
 * P1: of a last group that was torn by a power cut an instance is there as a whole or not at all. Each sector of the
 * group is lost in turn, also where its COMMIT is good and the index has nothing of it: the next start and a rebuild
 * leave out what lacks bytes, find no damage, and take the object again.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "compacting.h"

#define SECTOR_BYTES 512u

struct scene {
  struct temporary_store t;
  struct cas_buffer first, last; /* the objects of the durable and of the torn group */
  uint64_t begin, end;           /* of the torn group, in the only segment */
};

static void run(const struct scene *scene, const char *text) {
  char command[512];
  snprintf(command, sizeof command, "cd '%s'; %s", scene->t.folder, text);
  assert_int_equal(system(command), 0);
}

static uint64_t segment_end(const struct scene *scene) {
  char path[128];
  struct stat segment;
  snprintf(path, sizeof path, "%s/segments/00/00000001.seg", scene->t.path);
  assert_int_equal(stat(path, &segment), 0);
  return (uint64_t)segment.st_size;
}

/* The store as a power cut may leave it: all was written, the sync was not done, and the index is as before the group.
 */
static struct scene *open_scene(void) {
  struct scene *scene = calloc(1, sizeof *scene);
  struct synthetic what = {.sop_uid = "1.2.3.5", .pixel_seed = 7, .frames = 3};
  assert_non_null(scene);
  synthetic_file(&(struct synthetic){0}, "A", &scene->first);
  synthetic_file(&what, "A", &scene->last);
  temporary_create(&scene->t);
  synthetic_import(scene->t.store, &scene->first);
  cas_store_close(scene->t.store);
  scene->begin = segment_end(scene);
  run(scene, "cp -r store/index index.before");
  temporary_open(&scene->t);
  synthetic_import(scene->t.store, &scene->last);
  cas_store_close(scene->t.store);
  scene->end = segment_end(scene);
  scene->t.store = NULL;
  run(scene, "rm -r store/index; mv store kept");
  return scene;
}

static void close_scene(struct scene *scene) {
  cas_buffer_fini(&scene->first);
  cas_buffer_fini(&scene->last);
  temporary_destroy(&scene->t);
  free(scene);
}

static void lose_sector(const struct scene *scene, uint64_t offset) {
  char path[128];
  uint8_t zeros[SECTOR_BYTES] = {0};
  snprintf(path, sizeof path, "%s/segments/00/00000001.seg", scene->t.path);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  assert_int_equal(pwrite(fd, zeros, sizeof zeros, (off_t)offset), (ssize_t)sizeof zeros);
  close(fd);
}

static bool is_listed(struct cas_store *store, const char *uid) {
  struct synthetic_read read = {.store = store, .version = 1};
  assert_int_equal(cas_node_by_uid(store, CAS_LEVEL_INSTANCE, uid, synthetic_read_node, &read, NULL), CAS_OK);
  cas_buffer_fini(&read.bytes);
  return read.found;
}

/* Returns whether the torn group's instance is there; then it is whole. */
static bool check_store(struct scene *scene) {
  struct cas_store *store = scene->t.store;
  bool listed = is_listed(store, "1.2.3.5");
  assert_int_equal(synthetic_read_back(store, "1.2.3.4", 1, &scene->first), CAS_OK);
  assert_int_equal(synthetic_read_back(store, "1.2.3.5", 1, &scene->last), listed ? CAS_OK : CAS_NOT_FOUND);
  check_clean(store);
  return listed;
}

/* Loses the first sectors of the group in turn, puts an index there with the command, and opens. */
static void tear_sectors(uint64_t count, const char *index, bool rebuild) {
  struct scene *scene = open_scene();
  uint64_t listed = 0, sectors = 0;
  for (uint64_t at = scene->begin; at < scene->end && sectors < count; at += SECTOR_BYTES, sectors++) {
    struct cas_error error = {0};
    run(scene, "rm -rf store; cp -r kept store");
    run(scene, index);
    lose_sector(scene, at);
    if (rebuild && cas_store_rebuild(scene->t.path, NULL, NULL, NULL, &error) != CAS_OK) fail_msg("%s", error.message);
    temporary_open(&scene->t);
    listed += check_store(scene);
    synthetic_import(scene->t.store, &scene->last);
    assert_true(check_store(scene));
    cas_store_close(scene->t.store);
    scene->t.store = NULL;
  }
  assert_true(sectors >= 4 && listed < sectors / 2);
  close_scene(scene);
}

static void p1_nothing_is_half_there_without_an_index(void **state) {
  (void)state;
  tear_sectors(UINT64_MAX, "true", false);
}

static void p1_nothing_is_half_there_with_the_index_of_before(void **state) {
  (void)state;
  tear_sectors(4, "cp -r index.before store/index", false);
}

static void p1_nothing_is_half_there_after_a_rebuild(void **state) {
  (void)state;
  tear_sectors(4, "true", true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p1_nothing_is_half_there_without_an_index),
      cmocka_unit_test(p1_nothing_is_half_there_with_the_index_of_before),
      cmocka_unit_test(p1_nothing_is_half_there_after_a_rebuild),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
