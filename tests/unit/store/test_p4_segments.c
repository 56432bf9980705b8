/* P4: every byte of a segment that changes is found. Whole segments that are gone, or nothing but zeros, or beside
 * which a part of a generation lies: what was acknowledged is never missed without a word, and no byte of it is
 * removed. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "compacting.h"
#include "support/test_stride.h"

#define OBJECTS 12u

struct scene {
  struct temporary_store t;
  unsigned errors;
};

static void take_log(void *arg, enum cas_log_level level, const char *line) {
  (void)line;
  ((struct scene *)arg)->errors += level == CAS_LOG_ERROR;
}

/* Noise that makes a header longer than two blocks: one of them holds nothing else. */
static void make_comment(unsigned number, char comment[12001]) {
  uint32_t random = number;
  for (size_t i = 0; i < 12000; i++) {
    random = random * 1664525u + 1013904223u;
    comment[i] = (char)('0' + (random >> 26));
  }
  comment[12000] = '\0';
}

/* Several segments. */
static void open_scene(struct scene *scene) {
  *scene = (struct scene){.t.options = {.segment_bytes = 32 << 10, .log = take_log, .log_arg = scene}};
  temporary_create(&scene->t);
  for (unsigned i = 0; i < OBJECTS; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    char uid[32];
    snprintf(uid, sizeof uid, "1.2.3.4.%u", i);
    char comment[12001];
    make_comment(i, comment);
    struct synthetic what = {.sop_uid = uid, .pixel_seed = i, .columns = 128, .rows = 64, .comment = comment};
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

/* --- a disk that does not give some bytes --- */

static struct { off_t from, to; /* of segment 1; none where equal */ } unreadable;

/* In place of the C library's, for all that the process reads. */
ssize_t pread(int fd, void *bytes, size_t size, off_t offset) {
  char link[32], path[256];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = unreadable.from < unreadable.to ? readlink(link, path, sizeof path - 1) : 0;
  path[length > 0 ? length : 0] = '\0';
  if (strstr(path, "/00000001.seg") != NULL && offset < unreadable.to && unreadable.from < offset + (off_t)size) {
    errno = EIO;
    return -1;
  }
  return syscall(SYS_pread64, fd, bytes, size, offset);
}

static cas_status look_for_header(void *arg, const char *line) {
  unsigned long long offset;
  off_t *found = arg;
  if (*found == 0 && strstr(line, " blob ") != NULL && strstr(line, "codec=zstd") != NULL &&
      sscanf(line, "%*u %llu", &offset) == 1)
    *found = (off_t)offset;
  return CAS_OK;
}

static void p3_a_rebuild_goes_on_behind_a_header_that_the_disk_does_not_give(void **state) {
  (void)state;
  struct scene scene;
  off_t header = 0;
  open_scene(&scene);
  assert_int_equal(cas_segment_dump(scene.t.store, 1, look_for_header, &header, NULL), CAS_OK);
  assert_true(header > 0);
  cas_store_close(scene.t.store);
  unreadable.from = (header / 4096 + 1) * 4096;
  unreadable.to = unreadable.from + 1;
  assert_int_equal(rebuild(&scene), CAS_OK);
  assert_true(scene.errors > 0);
  unreadable.to = unreadable.from;
  temporary_open(&scene.t);
  struct cas_stats stats;
  assert_int_equal(cas_store_stats(scene.t.store, &stats, NULL), CAS_OK);
  assert_int_equal(stats.instances, OBJECTS);
  temporary_destroy(&scene.t);
}

/* --- every byte --- */

struct small_store {
  struct temporary_store t;
  int fd;
  uint8_t bytes[32768], changed[32768];
  size_t size;
};

/* Two objects, each in a group of its own. */
static void open_small(struct small_store *small) {
  char path[160];
  *small = (struct small_store){0};
  temporary_create(&small->t);
  for (unsigned i = 0; i < 2; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    struct synthetic what = {.sop_uid = i == 0 ? "1.2.3.4.1" : "1.2.3.4.2", .pixel_seed = i, .columns = 8, .rows = 8};
    synthetic_file(&what, "A", &file);
    synthetic_import(small->t.store, &file);
  }
  cas_store_close(small->t.store);
  struct cas_store_options following = {.mode = CAS_OPEN_FOLLOW};
  assert_int_equal(cas_store_open(small->t.path, &following, &small->t.store, NULL), CAS_OK);
  snprintf(path, sizeof path, "%s/segments/00/00000001.seg", small->t.path);
  small->fd = open(path, O_RDWR);
  ssize_t size = pread(small->fd, small->bytes, sizeof small->bytes, 0);
  assert_true(size > 0 && size < (ssize_t)sizeof small->bytes);
  small->size = (size_t)size;
  memcpy(small->changed, small->bytes, small->size);
}

static void close_small(struct small_store *small) {
  close(small->fd);
  temporary_destroy(&small->t);
}

/* The segment with other bytes in [from, to), or cut off there where these are none, must be called damaged. */
static void must_be_found(struct small_store *small, size_t from, size_t to) {
  struct cas_verify_result result;
  size_t size = to - from;
  if (size > 0)
    assert_int_equal(pwrite(small->fd, small->changed + from, size, (off_t)from), size);
  else
    assert_int_equal(ftruncate(small->fd, (off_t)from), 0);
  assert_int_equal(cas_store_verify(small->t.store, NULL, &result, NULL), CAS_OK);
  if (result.damaged_records == 0) fail_msg("nothing was found of a damage from %zu to %zu", from, to);
  if (size == 0) to = small->size;
  assert_int_equal(pwrite(small->fd, small->bytes + from, to - from, (off_t)from), to - from);
  memcpy(small->changed + from, small->bytes + from, to - from);
}

static void p4_every_byte_counts(void **state) {
  (void)state;
  static struct small_store small;
  open_small(&small);
  for (size_t at = 0; at < small.size; at += test_stride(1)) {
    small.changed[at] ^= (uint8_t)(1u << at % 8);
    must_be_found(&small, at, at + 1);
  }
  close_small(&small);
}

static void p4_every_sector_and_every_cut_counts(void **state) {
  (void)state;
  static struct small_store small;
  open_small(&small);
  for (size_t at = 0; at < small.size; at += 512) {
    memset(small.changed + at, 0, 512);
    if (memcmp(small.changed + at, small.bytes + at, 512) != 0) must_be_found(&small, at, at + 512);
  }
  for (size_t at = 0; at < small.size; at += 8 * test_stride(1)) must_be_found(&small, at, at);
  check_clean(small.t.store);
  close_small(&small);
}

/* --- what others remove --- */

static void p1_nothing_is_acknowledged_into_a_file_that_was_removed(void **state) {
  (void)state;
  struct temporary_store t = {0};
  CLEANUP_BUFFER struct cas_buffer first = {0}, second = {0};
  struct cas_ingest_result result;
  char path[160];
  synthetic_file(&(struct synthetic){.sop_uid = "1.2.3.4.1"}, "A", &first);
  synthetic_file(&(struct synthetic){.sop_uid = "1.2.3.4.2", .series_uid = "1.2.3.2", .pixel_seed = 2}, "A", &second);
  temporary_create(&t);
  synthetic_import(t.store, &first);
  snprintf(path, sizeof path, "%s/segments/00/00000001.seg", t.path);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(synthetic_import_bytes(t.store, slice_of_buffer(&second), &result), CAS_IO);
  /* The archive recovers by itself, with a new segment. */
  struct cas_store_condition condition = {.read_only = true};
  for (unsigned i = 0; i < 3000 && condition.read_only; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    cas_store_condition(t.store, &condition);
  }
  synthetic_import(t.store, &second);
  temporary_reopen(&t);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4.2", 1, &second), CAS_OK);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4.1", 1, &first), CAS_CORRUPT);
  temporary_destroy(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p4_a_last_segment_of_zeros_is_no_creation_that_failed),
      cmocka_unit_test(p4_a_rebuild_misses_what_the_old_index_had),
      cmocka_unit_test(p4_a_part_of_a_generation_replaces_nothing),
      cmocka_unit_test(p3_a_rebuild_goes_on_behind_a_header_that_the_disk_does_not_give),
      cmocka_unit_test(p4_every_byte_counts),
      cmocka_unit_test(p4_every_sector_and_every_cut_counts),
      cmocka_unit_test(p1_nothing_is_acknowledged_into_a_file_that_was_removed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
