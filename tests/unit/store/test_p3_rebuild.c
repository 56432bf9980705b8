/* P3: the segments are the archive. The index can be lost, and comes back from them alone with the same tree and bytes.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "synthetic.h"

#define OBJECTS 30

static void fill(struct cas_store *store) {
  for (int i = 0; i < OBJECTS; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    char uid[32], series[32], patient[32], number[16];
    snprintf(uid, sizeof uid, "1.2.3.4.%d", i % 25); /* the last five are second versions */
    snprintf(series, sizeof series, "1.2.3.%d", i % 4);
    snprintf(patient, sizeof patient, "P%d", i % 3);
    snprintf(number, sizeof number, "%d", i);
    struct synthetic what = {
        .sop_uid = uid, .series_uid = series, .patient_id = patient, .number = number, .pixel_seed = (unsigned)i};
    synthetic_file(&what, "A", &file);
    synthetic_import(store, &file);
  }
}

struct listing {
  struct cas_store *store;
  struct cas_buffer text;
};

static cas_status list_instance(void *arg, const struct cas_node *node) {
  struct listing *listing = arg;
  char line[1200], hash[33];
  cas_hash_format(&node->content_hash, hash);
  int size = snprintf(line, sizeof line, "%s %s %u %llu %lld\n", node->path, hash, node->version,
                      (unsigned long long)node->bytes, (long long)node->last_arrival_ns);
  return cas_buffer_append(&listing->text, slice_of(line, (size_t)size));
}

static struct cas_buffer list_all(struct cas_store *store) {
  struct listing listing = {.store = store};
  assert_int_equal(cas_instances_below(store, "", list_instance, &listing, NULL), CAS_OK);
  return listing.text;
}

static void compare_after(struct temporary_store *t, const struct cas_buffer *before,
                          const struct cas_stats *stats_before) {
  struct cas_verify_result result;
  struct cas_stats stats;
  CLEANUP_BUFFER struct cas_buffer after = list_all(t->store);
  assert_true(slice_equal(slice_of_buffer(before), slice_of_buffer(&after)));
  assert_int_equal(cas_store_verify(t->store, NULL, &result, NULL), CAS_OK);
  assert_int_equal(result.instances, OBJECTS);
  assert_int_equal(result.damaged_records + result.damaged_instances + result.index_findings, 0);
  assert_int_equal(cas_store_stats(t->store, &stats, NULL), CAS_OK);
  assert_int_equal(stats.series, stats_before->series);
  assert_int_equal(stats.instance_bytes, stats_before->instance_bytes);
  assert_int_equal(stats.blob_stored_bytes, stats_before->blob_stored_bytes);
  assert_int_equal(stats.manifest_bytes, stats_before->manifest_bytes);
}

static void p3_the_index_is_rebuilt_from_the_segments_alone(void **state) {
  (void)state;
  struct temporary_store t = {.options = {.segment_bytes = 64 << 10}}; /* many segments */
  struct cas_stats stats;
  char command[160];
  temporary_create(&t);
  fill(t.store);
  CLEANUP_BUFFER struct cas_buffer before = list_all(t.store);
  assert_int_equal(cas_store_stats(t.store, &stats, NULL), CAS_OK);
  assert_true(stats.segments > 1);
  cas_store_close(t.store);
  assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_OK);
  temporary_open(&t);
  compare_after(&t, &before, &stats);
  cas_store_close(t.store);
  snprintf(command, sizeof command, "rm -rf '%s/index'", t.path);
  assert_int_equal(system(command), 0);
  assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_OK);
  temporary_open(&t);
  compare_after(&t, &before, &stats);
  temporary_destroy(&t);
}

static void p3_a_store_without_index_opens_by_replaying(void **state) {
  (void)state;
  struct temporary_store t = {0};
  struct cas_stats stats;
  char command[160];
  temporary_create(&t);
  fill(t.store);
  CLEANUP_BUFFER struct cas_buffer before = list_all(t.store);
  assert_int_equal(cas_store_stats(t.store, &stats, NULL), CAS_OK);
  cas_store_close(t.store);
  snprintf(command, sizeof command, "rm -rf '%s/index'", t.path);
  assert_int_equal(system(command), 0);
  temporary_open(&t);
  compare_after(&t, &before, &stats);
  temporary_destroy(&t);
}

static void a_missing_segment_is_found_also_after_a_rebuild(void **state) {
  (void)state;
  struct temporary_store t = {.options = {.segment_bytes = 64 << 10}};
  struct cas_verify_result result;
  char path[160];
  temporary_create(&t);
  fill(t.store);
  cas_store_close(t.store);
  snprintf(path, sizeof path, "%s/segments/00/00000001.seg", t.path);
  assert_int_equal(unlink(path), 0);
  for (int rebuilt = 0; rebuilt < 2; rebuilt++) {
    temporary_open(&t);
    assert_int_equal(cas_store_verify(t.store, NULL, &result, NULL), CAS_OK);
    assert_true(result.damaged_records >= 1);
    cas_store_close(t.store);
    assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_OK);
  }
  temporary_open(&t);
  temporary_destroy(&t);
}

/* The last group was torn by a power cut, the next start began a segment that says so, and the power took that start's
 * index: the one after it finds no damage either. */
static void a_torn_group_is_no_damage_after_two_starts(void **state) {
  (void)state;
  struct temporary_store t = {0};
  char path[128], command[128];
  uint8_t zeros[512] = {0};
  struct stat segment;
  struct cas_verify_result result;
  CLEANUP_BUFFER struct cas_buffer first = {0}, last = {0};
  struct synthetic what = {.sop_uid = "1.2.3.5", .pixel_seed = 7, .rows = 64, .columns = 64};
  synthetic_file(&(struct synthetic){0}, "A", &first);
  synthetic_file(&what, "A", &last);
  temporary_create(&t);
  synthetic_import(t.store, &first);
  snprintf(path, sizeof path, "%s/segments/00/00000001.seg", t.path);
  assert_int_equal(stat(path, &segment), 0);
  synthetic_import(t.store, &last);
  cas_store_close(t.store);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  assert_int_equal(pwrite(fd, zeros, sizeof zeros, segment.st_size), (ssize_t)sizeof zeros);
  close(fd);
  snprintf(command, sizeof command, "rm -r '%s/index'", t.path);
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(system(command), 0);
    temporary_open(&t);
    assert_int_equal(cas_store_verify(t.store, NULL, &result, NULL), CAS_OK);
    assert_int_equal(result.damaged_records + result.damaged_instances + result.index_findings, 0);
    assert_int_equal(synthetic_read_back(t.store, "1.2.3.5", 1, &last), CAS_NOT_FOUND);
    assert_int_equal(synthetic_read_back(t.store, "1.2.3.4", 1, &first), CAS_OK);
    if (i == 0) cas_store_close(t.store);
  }
  temporary_destroy(&t);
}

static void a_store_in_use_is_not_rebuilt(void **state) {
  (void)state;
  struct temporary_store t = {0};
  temporary_create(&t);
  assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_BUSY);
  temporary_destroy(&t);
}

/* As a mount does, or what a kill would leave: nothing is read from the log. */
static void check_follower(const char *path, const struct cas_buffer *before) {
  struct cas_store_options following = {.mode = CAS_OPEN_FOLLOW};
  struct cas_error error = {0};
  struct cas_store *follower;
  if (cas_store_open(path, &following, &follower, &error) != CAS_OK) fail_msg("%s", error.message);
  CLEANUP_BUFFER struct cas_buffer now = list_all(follower);
  assert_true(slice_equal(slice_of_buffer(before), slice_of_buffer(&now)));
  cas_store_close(follower);
}

struct interruption {
  const char *path;
  const struct cas_buffer *before;
  uint64_t instances;
};

static cas_status stop_in_the_middle(void *arg, const struct cas_progress *now) {
  struct interruption *interruption = arg;
  interruption->instances = now->instances;
  if (now->instances < OBJECTS / 2) return CAS_OK;
  check_follower(interruption->path, interruption->before);
  return CAS_END;
}

static void a_rebuild_that_is_stopped_leaves_all_as_it_was(void **state) {
  (void)state;
  struct temporary_store t = {0};
  struct cas_stats stats;
  char path[160];
  temporary_create(&t);
  fill(t.store);
  CLEANUP_BUFFER struct cas_buffer before = list_all(t.store);
  struct interruption interruption = {.path = t.path, .before = &before};
  assert_int_equal(cas_store_stats(t.store, &stats, NULL), CAS_OK);
  cas_store_close(t.store);
  assert_int_equal(cas_store_rebuild(t.path, NULL, stop_in_the_middle, &interruption, NULL), CAS_END);
  assert_true(interruption.instances >= OBJECTS / 2);
  snprintf(path, sizeof path, "%s/index.new", t.path);
  assert_int_equal(access(path, F_OK), -1);
  check_follower(t.path, &before);
  temporary_open(&t);
  compare_after(&t, &before, &stats);
  temporary_destroy(&t);
}

/* Something is in the way of putting the old index aside. */
static void a_rebuild_that_cannot_replace_the_index_leaves_it(void **state) {
  (void)state;
  struct temporary_store t = {0};
  char path[160];
  temporary_create(&t);
  fill(t.store);
  CLEANUP_BUFFER struct cas_buffer before = list_all(t.store);
  cas_store_close(t.store);
  snprintf(path, sizeof path, "%s/index.old", t.path);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  close(fd);
  assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_IO);
  check_follower(t.path, &before);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_OK);
  check_follower(t.path, &before);
  temporary_open(&t);
  temporary_destroy(&t);
}

static unsigned long long bytes_read(void) {
  unsigned long long bytes = 0;
  FILE *file = fopen("/proc/self/io", "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "rchar: %llu", &bytes), 1);
  fclose(file);
  return bytes;
}

static void long_payloads_are_not_read(void **state) {
  (void)state;
  struct temporary_store t = {.options = {.no_io_uring = true}};
  struct cas_stats stats;
  temporary_create(&t);
  for (unsigned i = 0; i < 8; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    char uid[32];
    snprintf(uid, sizeof uid, "1.2.3.4.%u", i);
    struct synthetic what = {.sop_uid = uid, .rows = 1024, .columns = 2048, .pixel_seed = i};
    synthetic_file(&what, "A", &file);
    synthetic_import(t.store, &file);
  }
  assert_int_equal(cas_store_stats(t.store, &stats, NULL), CAS_OK);
  assert_true(stats.blob_stored_bytes > 6u << 20);
  cas_store_close(t.store);
  unsigned long long before = bytes_read();
  assert_int_equal(cas_store_rebuild(t.path, &t.options, NULL, NULL, NULL), CAS_OK);
  assert_true(bytes_read() - before < stats.blob_stored_bytes / 2);
  temporary_open(&t);
  temporary_destroy(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p3_the_index_is_rebuilt_from_the_segments_alone),
      cmocka_unit_test(p3_a_store_without_index_opens_by_replaying),
      cmocka_unit_test(a_missing_segment_is_found_also_after_a_rebuild),
      cmocka_unit_test(a_torn_group_is_no_damage_after_two_starts),
      cmocka_unit_test(a_store_in_use_is_not_rebuilt),
      cmocka_unit_test(a_rebuild_that_is_stopped_leaves_all_as_it_was),
      cmocka_unit_test(a_rebuild_that_cannot_replace_the_index_leaves_it),
      cmocka_unit_test(long_payloads_are_not_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
