/* Ingest, versions, duplicates and reading back, through the public API over a real folder. */
#include "synthetic.h"

static int setup(void **state) {
  struct temporary_store *t = calloc(1, sizeof *t);
  temporary_create(t);
  *state = t;
  return 0;
}

static int teardown(void **state) {
  temporary_destroy(*state);
  free(*state);
  return 0;
}

static void p2_an_imported_file_comes_back_byte_for_byte(void **state) {
  struct temporary_store *t = *state;
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct synthetic what = {.frames = 3};
  synthetic_file(&what, "A", &file);
  struct cas_ingest_result result = synthetic_import(t->store, &file);
  assert_int_equal(result.outcome, CAS_STORED);
  assert_int_equal(result.version, 1);
  assert_null(result.defect);
  assert_int_equal(synthetic_read_back(t->store, "1.2.3.4", 1, &file), CAS_OK);
  temporary_reopen(t);
  assert_int_equal(synthetic_read_back(t->store, "1.2.3.4", 1, &file), CAS_OK);
}

static void the_same_bytes_again_store_nothing(void **state) {
  struct temporary_store *t = *state;
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct synthetic what = {0};
  struct cas_stats before, after;
  synthetic_file(&what, "A", &file);
  synthetic_import(t->store, &file);
  assert_int_equal(cas_store_stats(t->store, &before, NULL), CAS_OK);
  struct cas_ingest_result result = synthetic_import(t->store, &file);
  assert_int_equal(result.outcome, CAS_DUPLICATE);
  assert_int_equal(cas_store_stats(t->store, &after, NULL), CAS_OK);
  assert_int_equal(after.instances, 1);
  assert_int_equal(after.segment_bytes, before.segment_bytes);
}

static void p8_other_bytes_of_the_same_uid_are_a_new_version(void **state) {
  struct temporary_store *t = *state;
  CLEANUP_BUFFER struct cas_buffer first = {0}, second = {0}, third = {0};
  struct synthetic what = {0}, corrected = {.patient_id = "P2", .study_uid = "1.2.4"};
  synthetic_file(&what, "A", &first);
  synthetic_file(&corrected, "A", &second);
  synthetic_file(&what, "B", &third);
  synthetic_import(t->store, &first);
  struct cas_ingest_result result = synthetic_import(t->store, &second);
  assert_int_equal(result.outcome, CAS_NEW_VERSION);
  assert_int_equal(result.version, 2);
  result = synthetic_import(t->store, &third);
  assert_int_equal(result.version, 3);
  assert_int_equal(synthetic_read_back(t->store, "1.2.3.4", 1, &first), CAS_OK);
  assert_int_equal(synthetic_read_back(t->store, "1.2.3.4", 2, &second), CAS_OK);
  assert_int_equal(synthetic_read_back(t->store, "1.2.3.4", 3, &third), CAS_OK);
  struct cas_stats stats;
  assert_int_equal(cas_store_stats(t->store, &stats, NULL), CAS_OK);
  assert_int_equal(stats.patients, 2);
  assert_int_equal(stats.blobs, 4); /* three headers, one frame */
}

static struct cas_ingest_result receive(struct cas_store *store, const struct cas_buffer *data_set, size_t step) {
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_RECEIVED,
                                     .description = "CT1@127.0.0.1",
                                     .sop_class_uid = CT_IMAGE,
                                     .sop_instance_uid = "1.2.3.4",
                                     .transfer_syntax_uid = EXPLICIT_LE};
  struct cas_ingest_result result = {0};
  struct cas_ingest *ingest;
  struct cas_error error = {0};
  assert_int_equal(cas_ingest_begin(store, &source, &ingest, &error), CAS_OK);
  for (size_t at = 0; at < data_set->size; at += step)
    assert_int_equal(
        cas_ingest_write(ingest, slice_of(data_set->data + at, data_set->size - at < step ? data_set->size - at : step),
                         &error),
        CAS_OK);
  if (cas_ingest_commit(ingest, &result, &error) != CAS_OK) fail_msg("%s", error.message);
  return result;
}

static void a_received_object_is_a_duplicate_of_an_imported_one_with_the_same_data_set(void **state) {
  struct temporary_store *t = *state;
  CLEANUP_BUFFER struct cas_buffer file = {0}, data_set = {0}, other = {0};
  struct synthetic what = {0}, changed = {.comment = "changed"};
  synthetic_file(&what, "A", &file);
  synthetic_data_set(&what, &data_set);
  synthetic_data_set(&changed, &other);
  synthetic_import(t->store, &file);
  assert_int_equal(receive(t->store, &data_set, 1000).outcome, CAS_DUPLICATE);
  assert_int_equal(receive(t->store, &other, 77).outcome, CAS_NEW_VERSION);
  assert_int_equal(receive(t->store, &other, 1 << 20).outcome, CAS_DUPLICATE);
}

static void an_object_under_another_uid_than_the_request_is_refused(void **state) {
  struct temporary_store *t = *state;
  CLEANUP_BUFFER struct cas_buffer data_set = {0};
  struct synthetic what = {.sop_uid = "1.2.3.5"};
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_RECEIVED,
                                     .sop_class_uid = CT_IMAGE,
                                     .sop_instance_uid = "1.2.3.4",
                                     .transfer_syntax_uid = EXPLICIT_LE};
  struct cas_ingest_result result;
  struct cas_ingest *ingest;
  synthetic_data_set(&what, &data_set);
  assert_int_equal(cas_ingest_begin(t->store, &source, &ingest, NULL), CAS_OK);
  assert_int_equal(cas_ingest_write(ingest, slice_of_buffer(&data_set), NULL), CAS_OK);
  assert_int_equal(cas_ingest_commit(ingest, &result, NULL), CAS_REFUSED);
}

static void p7_what_is_not_dicom_is_refused_and_the_rest_goes_on(void **state) {
  struct temporary_store *t = *state;
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct synthetic what = {0}, path = {.sop_uid = "../../evil"};
  struct cas_ingest_result result;
  assert_int_equal(synthetic_import_bytes(t->store, slice_of("hello, this is text", 19), &result), CAS_REFUSED);
  assert_int_equal(synthetic_import_bytes(t->store, slice_of("", 0), &result), CAS_REFUSED);
  synthetic_file(&path, "A", &file);
  assert_int_equal(synthetic_import_bytes(t->store, slice_of_buffer(&file), &result), CAS_REFUSED);
  file.size = 0;
  synthetic_file(&what, "A", &file);
  assert_int_equal(synthetic_import(t->store, &file).outcome, CAS_STORED);
}

static void a_file_cut_short_is_kept_and_reported(void **state) {
  struct temporary_store *t = *state;
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct synthetic what = {0};
  synthetic_file(&what, "A", &file);
  file.size -= 100;
  struct cas_ingest_result result = synthetic_import(t->store, &file);
  assert_non_null(result.defect);
  assert_int_equal(synthetic_read_back(t->store, "1.2.3.4", 1, &file), CAS_OK);
}

static void frames_are_shared_between_instances(void **state) {
  struct temporary_store *t = *state;
  struct cas_stats stats;
  for (int i = 0; i < 5; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    char uid[32];
    snprintf(uid, sizeof uid, "1.2.3.4.%d", i);
    struct synthetic what = {.sop_uid = uid};
    synthetic_file(&what, "A", &file);
    assert_int_equal(synthetic_import(t->store, &file).outcome, CAS_STORED);
  }
  assert_int_equal(cas_store_stats(t->store, &stats, NULL), CAS_OK);
  assert_int_equal(stats.instances, 5);
  assert_int_equal(stats.blobs, 6);
}

static cas_status count_node(void *arg, const struct cas_node *node) {
  (void)node;
  ++*(size_t *)arg;
  return CAS_OK;
}

static void a_query_finds_by_name_without_regard_to_case(void **state) {
  struct temporary_store *t = *state;
  size_t found = 0;
  for (int i = 0; i < 4; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    char uid[32], id[16];
    snprintf(uid, sizeof uid, "1.2.3.4.%d", i);
    snprintf(id, sizeof id, "P%d", i);
    struct synthetic what = {.sop_uid = uid, .patient_id = id, .patient_name = i < 3 ? "Roe^Richard" : "Doe^John"};
    synthetic_file(&what, "A", &file);
    synthetic_import(t->store, &file);
  }
  assert_int_equal(cas_select(t->store, "PatientName=roe*,Modality=CT", count_node, &found, NULL), CAS_OK);
  assert_int_equal(found, 3);
  found = 0;
  assert_int_equal(cas_select(t->store, "P3", count_node, &found, NULL), CAS_OK);
  assert_int_equal(found, 1);
  assert_int_equal(cas_select(t->store, "StudyDate=20200201-", count_node, &found, NULL), CAS_NOT_FOUND);
  assert_int_equal(cas_select(t->store, "Nonsense=1", count_node, &found, NULL), CAS_INVALID);
}

/* Pixels whose encoding was put off are a little smaller, and come back; putting off does not change what is shared. */
static void what_is_encoded_later_comes_back_too(void **state) {
  struct temporary_store *t = *state;
  CLEANUP_BUFFER struct cas_buffer file = {0}, other = {0};
  struct synthetic what = {.frames = 3}, same_pixels = {.frames = 3, .sop_uid = "1.2.3.5"};
  struct cas_stats stats;
  synthetic_file(&what, "A", &file);
  synthetic_file(&same_pixels, "A", &other);
  t->options.encode = CAS_ENCODE_LATER;
  temporary_reopen(t);
  synthetic_import(t->store, &file);
  synthetic_import(t->store, &other);
  assert_int_equal(cas_store_stats(t->store, &stats, NULL), CAS_OK);
  size_t i = 0;
  while (stats.codecs[i].name != NULL && strcmp(stats.codecs[i].name, "quick") != 0) i++;
  assert_non_null(stats.codecs[i].name);
  assert_int_equal(stats.codecs[i].raw_bytes, 3 * 32 * 32 * 2);
  assert_in_range(stats.codecs[i].stored_bytes, 3 * 32 * 32 / 2, 3 * 32 * 32 * 2);
  t->options.encode = CAS_ENCODE_ALWAYS;
  temporary_reopen(t);
  assert_int_equal(synthetic_read_back(t->store, "1.2.3.4", 1, &file), CAS_OK);
  assert_int_equal(synthetic_read_back(t->store, "1.2.3.5", 1, &other), CAS_OK);
}

static void one_process_writes(void **state) {
  struct temporary_store *t = *state;
  struct cas_store_options options = {.mode = CAS_OPEN_WRITE};
  struct cas_store *second;
  assert_int_equal(cas_store_open(t->path, &options, &second, NULL), CAS_BUSY);
}

static void a_follower_sees_what_the_writer_commits(void **state) {
  struct temporary_store *t = *state;
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct cas_store_options options = {.mode = CAS_OPEN_FOLLOW};
  struct synthetic what = {0};
  struct cas_store *follower;
  assert_int_equal(cas_store_open(t->path, &options, &follower, NULL), CAS_OK);
  synthetic_file(&what, "A", &file);
  synthetic_import(t->store, &file);
  assert_int_equal(cas_store_refresh(follower, NULL), CAS_OK);
  assert_int_equal(synthetic_read_back(follower, "1.2.3.4", 1, &file), CAS_OK);
  cas_store_close(follower);
}

/* --- an index of earlier: so RocksDB's list of tables looks to who follows, once it is cut off behind an entry --- */

static void run(const char *format, const char *path) {
  char command[512];
  snprintf(command, sizeof command, format, path, path, path);
  assert_int_equal(system(command), 0);
}

/* Each import is a group of its own. */
static void import_three(struct temporary_store *t, unsigned from, unsigned keep_index_after) {
  for (unsigned i = from; i < from + 3; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    char uid[32];
    snprintf(uid, sizeof uid, "1.2.3.4.%u", i);
    struct synthetic what = {.sop_uid = uid, .pixel_seed = i, .rows = 128, .columns = 128};
    synthetic_file(&what, "A", &file);
    synthetic_import(t->store, &file);
    if (i != keep_index_after) continue;
    temporary_reopen(t);
    cas_store_close(t->store);
    run("cp -a '%s/index' '%s/index.kept'", t->path);
    temporary_open(t);
  }
}

static cas_status follow_with_kept_index(struct temporary_store *t, struct cas_error *error) {
  struct cas_store_options following = {.mode = CAS_OPEN_FOLLOW};
  struct cas_store *follower;
  cas_store_close(t->store);
  run("rm -r '%s/index' && mv '%s/index.kept' '%s/index'", t->path);
  cas_status status = cas_store_open(t->path, &following, &follower, error);
  if (status == CAS_OK) cas_store_close(follower);
  temporary_open(t);
  return status;
}

static void check_index_of_earlier(struct temporary_store *t) {
  struct cas_store_options following = {.mode = CAS_OPEN_FOLLOW};
  struct cas_store *follower;
  struct cas_error error = {0};
  /* The last group may have been cut short between log and index. */
  import_three(t, 0, 1);
  assert_int_equal(follow_with_kept_index(t, &error), CAS_OK);
  import_three(t, 3, 3);
  assert_int_equal(follow_with_kept_index(t, &error), CAS_CORRUPT);
  assert_non_null(strstr(error.message, "cassette rebuild"));
  /* It was opened for writing since. */
  assert_int_equal(cas_store_open(t->path, &following, &follower, &error), CAS_OK);
  cas_store_close(follower);
}

static void an_index_of_earlier_is_not_followed(void **state) { check_index_of_earlier(*state); }

/* Also where the mark is in a segment before, and the groups behind it each in one of their own. */
static void nor_one_that_lacks_segments(void **state) {
  struct temporary_store *t = *state;
  t->options.segment_bytes = 4096;
  temporary_reopen(t);
  check_index_of_earlier(t);
}

/* Groups without records, as a disk that failed leaves them, are not missed. */
static void a_group_without_records_proves_nothing(void **state) {
  struct temporary_store *t = *state;
  struct segment_writer *writer;
  struct segment_mark mark;
  import_three(t, 0, 1);
  assert_int_equal(mark_get(t->store->index, &mark, NULL), CAS_OK);
  assert_int_equal(segment_writer_open(t->store->volume, &t->store->superblock.key, NULL, mark, &writer, NULL), CAS_OK);
  for (unsigned i = 0; i < 3; i++) assert_int_equal(segment_writer_commit_empty(writer, &mark, NULL), CAS_OK);
  segment_writer_close(writer);
  assert_int_equal(follow_with_kept_index(t, NULL), CAS_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(p2_an_imported_file_comes_back_byte_for_byte, setup, teardown),
      cmocka_unit_test_setup_teardown(the_same_bytes_again_store_nothing, setup, teardown),
      cmocka_unit_test_setup_teardown(p8_other_bytes_of_the_same_uid_are_a_new_version, setup, teardown),
      cmocka_unit_test_setup_teardown(a_received_object_is_a_duplicate_of_an_imported_one_with_the_same_data_set, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(an_object_under_another_uid_than_the_request_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(p7_what_is_not_dicom_is_refused_and_the_rest_goes_on, setup, teardown),
      cmocka_unit_test_setup_teardown(a_file_cut_short_is_kept_and_reported, setup, teardown),
      cmocka_unit_test_setup_teardown(frames_are_shared_between_instances, setup, teardown),
      cmocka_unit_test_setup_teardown(a_query_finds_by_name_without_regard_to_case, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_encoded_later_comes_back_too, setup, teardown),
      cmocka_unit_test_setup_teardown(one_process_writes, setup, teardown),
      cmocka_unit_test_setup_teardown(a_follower_sees_what_the_writer_commits, setup, teardown),
      cmocka_unit_test_setup_teardown(an_index_of_earlier_is_not_followed, setup, teardown),
      cmocka_unit_test_setup_teardown(nor_one_that_lacks_segments, setup, teardown),
      cmocka_unit_test_setup_teardown(a_group_without_records_proves_nothing, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
