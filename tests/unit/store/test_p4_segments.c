/* P4: whole segments that are gone, or nothing but zeros, or beside which a part of a generation lies: what was
 * acknowledged is never missed without a word, and no byte of it is removed. */
#include <fcntl.h>
#include <sys/stat.h>

#include "compacting.h"

#define OBJECTS 12u

struct scene {
  struct temporary_store t;
  unsigned errors;
};

static void take_log(void *arg, enum cas_log_level level, const char *line) {
  (void)line;
  ((struct scene *)arg)->errors += level == CAS_LOG_ERROR;
}

/* Several segments. */
static void open_scene(struct scene *scene) {
  *scene = (struct scene){.t.options = {.segment_bytes = 32 << 10, .log = take_log, .log_arg = scene}};
  temporary_create(&scene->t);
  for (unsigned i = 0; i < OBJECTS; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    char uid[32];
    snprintf(uid, sizeof uid, "1.2.3.4.%u", i);
    struct synthetic what = {.sop_uid = uid, .pixel_seed = i, .columns = 128, .rows = 64};
    synthetic_file(&what, "A", &file);
    synthetic_import(scene->t.store, &file);
  }
}

static void name_segment(const struct scene *scene, unsigned number, const char *generation, char path[160]) {
  snprintf(path, 160, "%s/segments/00/%08u%s.seg", scene->t.path, number, generation);
}

static off_t size_of(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 ? status.st_size : -1;
}

static unsigned last_segment(const struct scene *scene) {
  char path[160];
  unsigned number = 0;
  do name_segment(scene, ++number, "", path);
  while (size_of(path) >= 0);
  return number - 1;
}

static cas_status rebuild(struct scene *scene) {
  struct cas_store_options options = {.log = take_log, .log_arg = scene};
  scene->errors = 0;
  return cas_store_rebuild(scene->t.path, &options, NULL, NULL, NULL);
}

static uint64_t damaged_records(struct scene *scene) {
  struct cas_verify_result result;
  assert_int_equal(cas_store_verify(scene->t.store, NULL, &result, NULL), CAS_OK);
  return result.damaged_records;
}

static void p4_a_last_segment_of_zeros_is_no_creation_that_failed(void **state) {
  (void)state;
  struct scene scene;
  char path[160];
  open_scene(&scene);
  cas_store_close(scene.t.store);
  name_segment(&scene, last_segment(&scene), "", path);
  off_t size = size_of(path);
  assert_true(size > 8192);
  assert_int_equal(truncate(path, 0), 0);
  assert_int_equal(truncate(path, size), 0);
  assert_int_equal(rebuild(&scene), CAS_OK);
  assert_true(scene.errors > 0);
  temporary_open(&scene.t);
  assert_true(damaged_records(&scene) > 0);
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct synthetic what = {.sop_uid = "1.2.3.5"};
  synthetic_file(&what, "A", &file);
  synthetic_import(scene.t.store, &file);
  temporary_reopen(&scene.t);
  assert_int_equal(synthetic_read_back(scene.t.store, "1.2.3.5", 1, &file), CAS_OK);
  assert_int_equal(size_of(path), size);
  assert_true(damaged_records(&scene) > 0);
  temporary_destroy(&scene.t);
}

static void p4_a_rebuild_misses_what_the_old_index_had(void **state) {
  (void)state;
  struct scene scene;
  char path[160];
  open_scene(&scene);
  cas_store_close(scene.t.store);
  name_segment(&scene, last_segment(&scene), "", path);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rebuild(&scene), CAS_OK);
  assert_int_equal(scene.errors, 1);
  assert_int_equal(rebuild(&scene), CAS_OK);
  assert_int_equal(scene.errors, 0);
  temporary_open(&scene.t);
  temporary_destroy(&scene.t);
}

static void p4_a_part_of_a_generation_replaces_nothing(void **state) {
  (void)state;
  struct scene scene;
  char path[160], stray[160];
  struct cas_error error = {0};
  for (unsigned number = 1; number <= 2; number++) {
    open_scene(&scene);
    cas_store_close(scene.t.store);
    name_segment(&scene, number, "", path);
    name_segment(&scene, number, "-3", stray);
    off_t size = size_of(path);
    int fd = open(stray, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "torn", number == 1 ? 4 : 0), number == 1 ? 4 : 0);
    close(fd);
    assert_int_equal(store_open(scene.t.path, &scene.t.options, NULL, &scene.t.store, &error), CAS_CORRUPT);
    assert_non_null(strstr(error.message, "-3.seg is not whole"));
    assert_int_equal(rebuild(&scene), CAS_CORRUPT);
    struct cas_store_options following = {.mode = CAS_OPEN_FOLLOW};
    assert_int_equal(cas_store_open(scene.t.path, &following, &scene.t.store, NULL), CAS_OK);
    assert_true(damaged_records(&scene) > 0);
    cas_store_close(scene.t.store);
    assert_int_equal(size_of(path), size);
    assert_int_equal(unlink(stray), 0);
    temporary_open(&scene.t);
    check_clean(scene.t.store);
    temporary_destroy(&scene.t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p4_a_last_segment_of_zeros_is_no_creation_that_failed),
      cmocka_unit_test(p4_a_rebuild_misses_what_the_old_index_had),
      cmocka_unit_test(p4_a_part_of_a_generation_replaces_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
