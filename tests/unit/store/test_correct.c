/* Corrections: a new header over the same pixels, the version before kept, and the tree, queries and rebuilds that
 * follow.
 */
#include "synthetic.h"

#include "cassette/correct.h"
#include "cassette/snapshot.h"
#include "cassette/state.h"
#include "dicom/data_set_walk.h"

static cas_status append_node(void *arg, const struct cas_node *node) {
  char line[700];
  snprintf(line, sizeof line, "%s v%u %s\n", node->path, node->version, cas_state_name(node->state));
  strncat(arg, line, 8192 - strlen(arg) - 1);
  return CAS_OK;
}

static void list(struct cas_store *store, uint32_t states, char text[8192]) {
  struct cas_store *view;
  text[0] = '\0';
  assert_int_equal(cas_view_open(store, states, &view), CAS_OK);
  assert_int_equal(cas_instances_below(view, "", append_node, text, NULL), CAS_OK);
  cas_snapshot_close(view);
}

static void put(struct cas_store *store, int number) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  char uid[32];
  snprintf(uid, sizeof uid, "1.2.3.4.%d", number);
  struct synthetic what = {.sop_uid = uid, .rows = 64, .columns = 64, .pixel_seed = (unsigned)number};
  synthetic_file(&what, "A", &file);
  assert_int_equal(synthetic_import(store, &file).outcome, CAS_STORED);
}

static cas_status keep_path(void *arg, const struct cas_node *node) {
  snprintf(arg, 1024, "%s", node->path);
  return CAS_END;
}

struct outcome {
  cas_status status;
  struct cas_error error;
};

static void keep_outcome(void *arg, cas_status status, const struct cas_ingest_result *result,
                         const struct cas_error *error) {
  (void)result;
  *(struct outcome *)arg = (struct outcome){.status = status, .error = *error};
}

static cas_status correct_as(struct cas_store *store, int number, uint32_t tag, const char *vr, const char *value,
                             struct cas_error *error) {
  struct cas_assignment assignment = {.tag = tag, .value = value, .vr = vr};
  struct cas_correction correction = {.assignments = &assignment, .count = 1, .who = "tester", .why = "wrong"};
  struct outcome outcome = {.status = CAS_END};
  char uid[32], path[1024] = "";
  const char *paths[] = {path};
  snprintf(uid, sizeof uid, "1.2.3.4.%d", number);
  assert_int_equal(cas_node_by_uid(store, CAS_LEVEL_INSTANCE, uid, keep_path, path, NULL), CAS_END);
  STATUS_TRY(cas_store_correct(store, &correction, paths, 1, keep_outcome, &outcome, error));
  if (error != NULL && outcome.status != CAS_OK) *error = outcome.error;
  return outcome.status;
}

static cas_status correct(struct cas_store *store, int number, uint32_t tag, const char *value,
                          struct cas_error *error) {
  return correct_as(store, number, tag, NULL, value, error);
}

static cas_status take_value(void *arg, const struct cas_node *node) {
  snprintf(arg, 64, "%s", cas_attributes_text(node->attributes, CAS_TAG_PATIENT_NAME));
  return CAS_OK;
}

static void rebuild(struct temporary_store *t) {
  cas_store_close(t->store);
  assert_int_equal(cas_store_rebuild(t->path, NULL, NULL, NULL, NULL), CAS_OK);
  temporary_open(t);
}

static void a_correction_moves_the_tree_and_shares_the_pixels(void **state) {
  (void)state;
  struct temporary_store t = {0};
  struct cas_stats before, after;
  struct cas_verify_result result;
  struct cas_store *view;
  char text[8192], again[8192], first[8192], name[64] = "";
  temporary_create(&t);
  for (int i = 0; i < 3; i++) put(t.store, i);
  list(t.store, 0, first);
  assert_int_equal(cas_snapshot_create(t.store, "before", NULL), CAS_OK);
  assert_int_equal(cas_store_stats(t.store, &before, NULL), CAS_OK);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(correct(t.store, i, CAS_TAG_PATIENT_NAME, "Roe^Mary", NULL), CAS_OK);
    assert_int_equal(correct(t.store, i, CAS_TAG_PATIENT_NAME, "Roe^Mary", NULL), CAS_EXISTS);
  }
  assert_int_equal(cas_store_stats(t.store, &after, NULL), CAS_OK);
  assert_int_equal(after.instances, 3);
  assert_int_equal(after.patients, 1);
  assert_int_equal(after.blobs, before.blobs + 3); /* headers alone */
  print_message("%llu bytes of blobs for each corrected object of %llu\n",
                (unsigned long long)(after.blob_stored_bytes - before.blob_stored_bytes) / 3,
                (unsigned long long)before.instance_bytes / 3);
  assert_true(after.blob_stored_bytes - before.blob_stored_bytes < 3 * 600);
  assert_int_equal(cas_node_by_uid(t.store, CAS_LEVEL_PATIENT, "P1", take_value, name, NULL), CAS_OK);
  assert_string_equal(name, "Roe^Mary");
  list(t.store, CAS_STATES_HIDDEN, text);
  assert_non_null(strstr(text, "v1 replaced"));
  assert_non_null(strstr(text, "P1 Roe"));
  rebuild(&t);
  list(t.store, CAS_STATES_HIDDEN, again);
  assert_string_equal(again, text);
  assert_int_equal(cas_snapshot_open(t.store, "before", &view, NULL), CAS_OK);
  again[0] = '\0';
  assert_int_equal(cas_instances_below(view, "", append_node, again, NULL), CAS_OK);
  assert_string_equal(again, first);
  cas_snapshot_close(view);
  assert_int_equal(cas_store_verify(t.store, NULL, &result, NULL), CAS_OK);
  assert_int_equal(result.damaged_records + result.damaged_instances + result.index_findings, 0);
  assert_int_equal(result.instances, 6);
  temporary_destroy(&t);
}

static void another_patient_id_joins_that_patient(void **state) {
  (void)state;
  struct temporary_store t = {0};
  struct cas_stats stats;
  char text[8192], again[8192];
  temporary_create(&t);
  put(t.store, 0);
  assert_int_equal(correct(t.store, 0, CAS_TAG_PATIENT_ID, "P2", NULL), CAS_OK);
  put(t.store, 1);
  assert_int_equal(cas_store_stats(t.store, &stats, NULL), CAS_OK);
  assert_int_equal(stats.patients, 2);
  assert_int_equal(correct(t.store, 1, CAS_TAG_PATIENT_ID, "P2", NULL), CAS_OK);
  assert_int_equal(cas_store_stats(t.store, &stats, NULL), CAS_OK);
  assert_int_equal(stats.patients, 1);
  assert_int_equal(stats.studies, 1);
  list(t.store, CAS_STATES_HIDDEN, text);
  rebuild(&t);
  list(t.store, CAS_STATES_HIDDEN, again);
  assert_string_equal(again, text);
  temporary_destroy(&t);
}

static void what_cannot_be_corrected_is_refused_with_a_reason(void **state) {
  (void)state;
  struct temporary_store t = {0};
  struct cas_error error = {0};
  char name[64] = "";
  temporary_create(&t);
  put(t.store, 0);
  assert_int_equal(correct(t.store, 0, CAS_TAG_SOP_INSTANCE_UID, "1.2", &error), CAS_INVALID);
  assert_int_equal(correct(t.store, 0, CAS_TAG_PATIENT_BIRTH_DATE, "1.1.2000", &error), CAS_INVALID);
  assert_int_equal(correct(t.store, 0, CAS_TAG_PATIENT_NAME, "two\nlines", &error), CAS_INVALID);
  assert_int_equal(correct(t.store, 0, CAS_TAG_PATIENT_NAME, "M\xC3\xBCller^Zo\xC3\xAB", &error), CAS_OK);
  assert_int_equal(cas_node_by_uid(t.store, CAS_LEVEL_PATIENT, "P1", take_value, name, NULL), CAS_OK);
  assert_string_equal(name, "M\xC3\xBCller^Zo\xC3\xAB");
  temporary_destroy(&t);
}

/* The texts of two elements, as the header of the instance has them. */
static void read_texts(struct cas_store *store, int number, uint32_t first, uint32_t second, char texts[2][64]) {
  struct cas_reader *reader;
  uint8_t bytes[4096];
  char uid[32], path[1024] = "";
  size_t got;
  snprintf(uid, sizeof uid, "1.2.3.4.%d", number);
  assert_int_equal(cas_node_by_uid(store, CAS_LEVEL_INSTANCE, uid, keep_path, path, NULL), CAS_END);
  assert_int_equal(cas_reader_open(store, path, &reader, NULL), CAS_OK);
  assert_int_equal(cas_reader_read(reader, 0, bytes, sizeof bytes, &got, NULL), CAS_OK);
  const uint64_t offset = cas_reader_data_set_offset(reader);
  const struct data_set set = {.form = {.explicit_vr = true}, .bytes = slice_of(bytes + offset, got - offset)};
  data_set_text(&set, first, texts[0], sizeof texts[0]);
  data_set_text(&set, second, texts[1], sizeof texts[1]);
  cas_reader_close(reader);
}

static void attributes_that_are_in_the_header_alone(void **state) {
  (void)state;
  enum { REQUESTING_PHYSICIAN = 0x00321032, STRUCTURE_SET_LABEL = 0x30060002 };
  struct temporary_store t = {0};
  char texts[2][64];
  temporary_create(&t);
  put(t.store, 0);
  assert_int_equal(correct_as(t.store, 0, REQUESTING_PHYSICIAN, "PN", "Roe^Mary", NULL), CAS_OK);
  assert_int_equal(correct_as(t.store, 0, STRUCTURE_SET_LABEL, "SH", "left", NULL), CAS_OK);
  read_texts(t.store, 0, REQUESTING_PHYSICIAN, STRUCTURE_SET_LABEL, texts);
  assert_string_equal(texts[0], "Roe^Mary");
  assert_string_equal(texts[1], "left");
  assert_int_equal(correct_as(t.store, 0, REQUESTING_PHYSICIAN, "PN", "Roe^Mary", NULL), CAS_EXISTS);
  assert_int_equal(correct_as(t.store, 0, STRUCTURE_SET_LABEL, "SH", "left", NULL), CAS_EXISTS);
  temporary_destroy(&t);
}

static void what_no_correction_may_touch(void **state) {
  (void)state;
  static const struct {
    uint32_t tag;
    const char *vr, *why;
  } cases[] = {
      {0x00020010, NULL, "TransferSyntaxUID cannot be corrected: it is of the file, not of the object"},
      {0x00020013, "SH", "0002,0013 cannot be corrected: it is of the file"},
      {0x00090010, "LO", "it is private"},
      {0x00100000, "UL", "it is a group length"},
      {0x00080005, NULL, "it says how to read all texts"},
      {0x00080016, NULL, "it is a UID"},
      {0x00080018, NULL, "it is a UID"},
      {0x00081195, "UI", "it is a UID"},
      {0x00081111, "SQ", "it is a sequence"},
      {0x00189074, NULL, "it is not known"},
      {0x00189073, "FD", "its values are no text"},
      {0x00280008, NULL, "it says how to read the pixels"},
      {0x04000561, "LO", "it tells of corrections"},
      {0x7FE00010, "LO", "it is none of the header"},
      {0xFFFEE000, "LO", "it is none of the header"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct cas_error error = {0};
    const struct cas_assignment assignment = {.tag = cases[i].tag, .value = "1", .vr = cases[i].vr};
    const struct cas_correction correction = {.assignments = &assignment, .count = 1};
    assert_int_equal(cas_correction_check(&correction, &error), CAS_INVALID);
    if (strstr(error.message, cases[i].why) == NULL) fail_msg("'%s' and not '%s'", error.message, cases[i].why);
  }
}

static void values_that_their_vr_cannot_have(void **state) {
  (void)state;
  static const struct {
    uint32_t tag;
    const char *value;
    cas_status status;
  } cases[] = {
      {0x00080020, "20200101", CAS_OK},        {0x00080020, "20200101\\", CAS_OK},
      {0x00080020, "2020", CAS_INVALID},       {0x00080030, "101500.5", CAS_OK},
      {0x00080030, "10:15", CAS_INVALID},      {0x00101010, "034Y", CAS_OK},
      {0x00101010, "34 years", CAS_INVALID},   {0x00101030, "71.5", CAS_OK},
      {0x00101030, "71,5", CAS_INVALID},       {0x00200011, "-1", CAS_OK},
      {0x00200011, "one", CAS_INVALID},        {0x0020000D, "1.2.3", CAS_OK},
      {0x0020000D, "1.2.x", CAS_INVALID},      {0x00104000, "two\nlines", CAS_OK},
      {0x00100020, "two\nlines", CAS_INVALID},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct cas_assignment assignment = {.tag = cases[i].tag, .value = cases[i].value};
    const struct cas_correction correction = {.assignments = &assignment, .count = 1};
    const cas_status status = cas_correction_check(&correction, NULL);
    if (status != cases[i].status) fail_msg("%08X=%s: %s", cases[i].tag, cases[i].value, cas_status_text(status));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_correction_moves_the_tree_and_shares_the_pixels),
      cmocka_unit_test(another_patient_id_joins_that_patient),
      cmocka_unit_test(what_cannot_be_corrected_is_refused_with_a_reason),
      cmocka_unit_test(attributes_that_are_in_the_header_alone),
      cmocka_unit_test(what_no_correction_may_touch),
      cmocka_unit_test(values_that_their_vr_cannot_have),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
