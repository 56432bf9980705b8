/* P1 and P6 on a disk with faults: a full disk, errors of writing, syncing and making names, at every single operation
 * of a run. What was acknowledged stays there bit-exact, nothing is half there, the archive says that it is read-only,
 * refuses at once, is read all the same, and goes on by itself when the fault is over. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "cassette/snapshot.h"
#include "support/faulty_disk.h"
#include "synthetic.h"

#define OBJECTS_MAX 4096u
#define OBJECTS_A_RUN 3u

struct scene {
  struct temporary_store t;
  struct io_disk *disk;
  unsigned count;
  bool acknowledged[OBJECTS_MAX];
  atomic_uint logged_read_only, logged_writable;
};

static void take_log(void *arg, enum cas_log_level level, const char *line) {
  struct scene *scene = arg;
  (void)level;
  if (strstr(line, "the archive is read-only") != NULL) atomic_fetch_add(&scene->logged_read_only, 1);
  if (strstr(line, "takes objects again") != NULL) atomic_fetch_add(&scene->logged_writable, 1);
}

static void make_object(unsigned number, struct cas_buffer *file) {
  char uid[32];
  snprintf(uid, sizeof uid, "1.2.3.4.%u", number);
  struct synthetic what = {.sop_uid = uid, .pixel_seed = number, .frames = 2, .columns = 64, .rows = 64};
  synthetic_file(&what, "A", file);
}

/* Brings a new object, and remembers whether it was acknowledged. */
static cas_status bring(struct scene *scene) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT};
  struct cas_ingest_result result;
  struct cas_ingest *ingest;
  assert_true(scene->count < OBJECTS_MAX);
  unsigned number = scene->count++;
  make_object(number, &file);
  STATUS_TRY(cas_ingest_begin(scene->t.store, &source, &ingest, NULL));
  assert_int_equal(cas_ingest_write(ingest, slice_of_buffer(&file), NULL), CAS_OK);
  cas_status status = cas_ingest_commit(ingest, &result, NULL);
  scene->acknowledged[number] = status == CAS_OK;
  return status;
}

static void check_from(struct scene *scene, unsigned first) {
  for (unsigned i = first; i < scene->count; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    char uid[32];
    snprintf(uid, sizeof uid, "1.2.3.4.%u", i);
    make_object(i, &file);
    synthetic_check_whole(scene->t.store, uid, &file, scene->acknowledged[i]);
  }
}

static void check_clean(struct scene *scene) {
  struct cas_verify_result result;
  assert_int_equal(cas_store_verify(scene->t.store, NULL, &result, NULL), CAS_OK);
  assert_int_equal(result.damaged_records + result.damaged_instances + result.index_findings, 0);
}

static bool is_read_only(struct scene *scene) {
  struct cas_store_condition condition;
  cas_store_condition(scene->t.store, &condition);
  if (condition.read_only) assert_true(condition.since_ns > 0 && condition.reason[0] != '\0');
  return condition.read_only;
}

static bool is_writable_and_logged(struct scene *scene) {
  return !is_read_only(scene) && atomic_load(&scene->logged_writable) == atomic_load(&scene->logged_read_only);
}

/* By itself: nobody brings anything meanwhile. The log says so a moment after the state does. */
static void wait_until_writable(struct scene *scene) {
  const struct timespec pause = {.tv_nsec = 2000000};
  for (unsigned i = 0; i < 30000 && !is_writable_and_logged(scene); i++) nanosleep(&pause, NULL);
  assert_true(is_writable_and_logged(scene));
}

static struct scene *open_scene(bool late_errors) {
  struct scene *scene = calloc(1, sizeof *scene);
  struct faulty_disk_options options = {.seed = 7, .block_bytes = 8192, .late_errors = late_errors};
  scene->disk = scene->t.seams.disk = faulty_disk_create(&options);
  assert_non_null(scene->disk);
  assert_int_equal(scene->disk->ops->make_folder(scene->disk, "segments", NULL), CAS_OK);
  scene->t.options.segment_bytes = 100 << 10;
  scene->t.options.log = take_log;
  scene->t.options.log_arg = scene;
  temporary_create(&scene->t);
  return scene;
}

static void close_scene(struct scene *scene) {
  temporary_destroy(&scene->t);
  faulty_disk_destroy(scene->disk);
  free(scene);
}

/* One run with the fault at its nth operation. False: the run has fewer operations. */
static bool run_with_fault(struct scene *scene, unsigned kind, uint64_t nth, uint64_t times, int system_errno) {
  unsigned first = scene->count;
  uint64_t before = faulty_disk_count(scene->disk, kind);
  faulty_disk_fail(scene->disk, kind, nth, times, system_errno);
  for (unsigned i = 0; i < OBJECTS_A_RUN; i++) {
    cas_status status = bring(scene);
    if (status != CAS_OK) assert_int_equal(status, system_errno == ENOSPC ? CAS_NO_SPACE : CAS_IO);
  }
  bool reached = faulty_disk_count(scene->disk, kind) - before >= nth;
  faulty_disk_fail(scene->disk, kind, 1, 0, 0);
  wait_until_writable(scene);
  check_from(scene, first);
  assert_int_equal(bring(scene), CAS_OK);
  return reached;
}

static void at_every_operation(bool late_errors) {
  static const enum faulty_kind kinds[] = {FAULTY_WRITE, FAULTY_SYNC, FAULTY_NAME};
  struct scene *scene = open_scene(late_errors);
  unsigned faults = 0;
  for (unsigned kind = 0; kind < 3; kind++)
    for (unsigned variant = 0; variant < 4; variant++) {
      uint64_t nth = 1;
      while (run_with_fault(scene, kinds[kind], nth, (variant & 2) != 0 ? 4 : 1, (variant & 1) != 0 ? EIO : ENOSPC)) {
        nth++;
        faults++;
      }
      /* A run makes a file only now and then. */
      assert_true(nth > 3 || kinds[kind] == FAULTY_NAME);
    }
  fprintf(stderr, "%u faults, %u objects, read-only %u times\n", faults, scene->count, scene->logged_read_only);
  assert_true(scene->logged_read_only > 0);
  assert_int_equal(scene->logged_read_only, scene->logged_writable);
  check_clean(scene);
  temporary_reopen(&scene->t);
  check_from(scene, 0);
  check_clean(scene);
  close_scene(scene);
}

static void p1_a_fault_at_every_operation_of_a_plain_disk_loses_nothing(void **state) {
  (void)state;
  at_every_operation(false);
}

static void p1_a_fault_at_every_operation_of_a_ring_loses_nothing(void **state) {
  (void)state;
  at_every_operation(true);
}

static void a_full_disk_refuses_at_once_and_is_read(void **state) {
  (void)state;
  struct scene *scene = open_scene(true);
  struct cas_error error = {0};
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT};
  struct cas_ingest *ingest;
  assert_int_equal(bring(scene), CAS_OK);
  faulty_disk_fail(scene->disk, FAULTY_WRITE, 1, UINT64_MAX, ENOSPC);
  assert_int_equal(bring(scene), CAS_NO_SPACE);
  assert_true(is_read_only(scene));
  assert_int_equal(cas_ingest_begin(scene->t.store, &source, &ingest, &error), CAS_NO_SPACE);
  assert_non_null(strstr(error.message, "read-only"));
  assert_int_equal(cas_snapshot_create(scene->t.store, "x", &error), CAS_NO_SPACE);
  check_from(scene, 0);
  assert_int_equal(scene->logged_read_only, 1);
  faulty_disk_fail(scene->disk, FAULTY_WRITE, 1, 0, 0);
  wait_until_writable(scene);
  assert_int_equal(scene->logged_writable, 1);
  assert_int_equal(bring(scene), CAS_OK);
  close_scene(scene);
}

/* The index cannot be written while the log can: nothing may pass over the group that it lacks. */
static void a_group_that_the_index_refused_is_made_up_for(void **state) {
  (void)state;
  struct scene *scene = open_scene(true);
  struct rlimit usual, none;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
  none = usual;
  none.rlim_cur = 1;
  for (unsigned round = 0; round < 3; round++) {
    assert_int_equal(bring(scene), CAS_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_not_equal(bring(scene), CAS_OK);
    assert_true(is_read_only(scene));
    assert_int_not_equal(bring(scene), CAS_OK);
    check_from(scene, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
    wait_until_writable(scene);
    assert_int_equal(bring(scene), CAS_OK);
    check_clean(scene);
    check_from(scene, 0);
  }
  temporary_reopen(&scene->t);
  check_from(scene, 0);
  check_clean(scene);
  close_scene(scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p1_a_fault_at_every_operation_of_a_plain_disk_loses_nothing),
      cmocka_unit_test(p1_a_fault_at_every_operation_of_a_ring_loses_nothing),
      cmocka_unit_test(a_full_disk_refuses_at_once_and_is_read),
      cmocka_unit_test(a_group_that_the_index_refused_is_made_up_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
