/* P3: what was damaged and healed is in a rebuilt index where it was in the one before: its good copy lies behind what
 * needs it in the log. */
#include "cassette/correct.h"
#include "compacting.h"
#include "damaging.h"

#define OBJECTS 4

/* The first and the last have other patients, whose folders have the same name but for what tells them apart. Each has
 * a comment that no dictionary helps with, so that a header is worth compacting for. */
static void make_object(int number, struct cas_buffer *file) {
  char uid[32], comment[2001] = "";
  uint32_t random = (uint32_t)number;
  snprintf(uid, sizeof uid, "1.2.3.4.%d", number);
  for (size_t i = 0; i + 1 < sizeof comment; i++) {
    random = random * 1664525u + 1013904223u;
    comment[i] = (char)('0' + (random >> 26));
  }
  struct synthetic what = {.sop_uid = uid, .pixel_seed = (unsigned)number, .comment = comment};
  if (number == 0) what.patient_id = "P:1";
  if (number == OBJECTS - 1) what.patient_id = "P/1";
  if (number == OBJECTS - 1) what.series_uid = "1.2.3.2";
  synthetic_file(&what, "A", file);
}

static void bring_all(struct temporary_store *t) {
  for (int i = 0; i < OBJECTS; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    make_object(i, &file);
    synthetic_import(t->store, &file);
  }
}

/* The tree, names, UIDs and dates; not the counts of users, which may be too high where a dictionary was healed. */
static bool is_of_the_tree(const char *key, size_t size) {
  (void)size;
  return strchr("dnu", key[0]) != NULL;
}

static cas_status add_path(void *arg, const struct cas_node *node) {
  return cas_buffer_append(arg, slice_of(node->path, strlen(node->path) + 1));
}

static struct cas_buffer list(struct cas_store *store) {
  struct cas_buffer paths = {0};
  assert_int_equal(cas_instances_below(store, "", add_path, &paths, NULL), CAS_OK);
  return paths;
}

static void rebuild_gives_the_same(struct temporary_store *t) {
  CLEANUP_BUFFER struct cas_buffer paths = list(t->store);
  cas_store_close(t->store);
  CLEANUP_BUFFER struct cas_buffer before = dump_index(t->path, "index", is_of_the_tree);
  assert_int_equal(cas_store_rebuild(t->path, NULL, NULL, NULL, NULL), CAS_OK);
  CLEANUP_BUFFER struct cas_buffer after = dump_index(t->path, "index", is_of_the_tree);
  assert_true(slice_equal(slice_of_buffer(&before), slice_of_buffer(&after)));
  temporary_open(t);
  CLEANUP_BUFFER struct cas_buffer paths_after = list(t->store);
  assert_true(slice_equal(slice_of_buffer(&paths), slice_of_buffer(&paths_after)));
  check_clean(t->store);
  for (int i = 0; i < OBJECTS; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    char uid[32];
    snprintf(uid, sizeof uid, "1.2.3.4.%d", i);
    make_object(i, &file);
    assert_int_equal(synthetic_read_back(t->store, uid, 1, &file), CAS_OK);
  }
}

static void heal_and_rebuild(const char *codec, int before) {
  struct temporary_store t = {0};
  temporary_create(&t);
  bring_all(&t);
  damage_record(&t, codec, before);
  bring_all(&t);
  check_clean(t.store);
  rebuild_gives_the_same(&t);
  /* When the damaged record is gone nothing of the header is left before its manifest. */
  assert_int_equal(compact(t.store).segments, 1);
  rebuild_gives_the_same(&t);
  temporary_destroy(&t);
}

static void p3_a_healed_header_is_found_behind_its_manifest(void **state) {
  (void)state;
  heal_and_rebuild("codec=zstd+dictionary", 0);
}

static void p3_a_healed_dictionary_is_found_behind_what_needs_it(void **state) {
  (void)state;
  heal_and_rebuild("codec=zstd ", 0);
}

static void p3_a_header_that_was_not_healed_has_its_uid(void **state) {
  (void)state;
  struct temporary_store t = {0};
  temporary_create(&t);
  bring_all(&t);
  damage_record(&t, "codec=zstd+dictionary", 0);
  cas_store_close(t.store);
  assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_OK);
  temporary_open(&t);
  CLEANUP_BUFFER struct cas_buffer paths = list(t.store);
  assert_non_null(memmem(paths.data, paths.size, "(no ID)", 7));
  /* Its place is there as soon as its header is. */
  bring_all(&t);
  cas_store_close(t.store);
  assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_OK);
  temporary_open(&t);
  CLEANUP_BUFFER struct cas_buffer again = list(t.store);
  assert_null(memmem(again.data, again.size, "(no ID)", 7));
  temporary_destroy(&t);
}

static void take_outcome(void *arg, cas_status status, const struct cas_ingest_result *result,
                         const struct cas_error *error) {
  (void)result;
  (void)error;
  *(cas_status *)arg = status;
}

/* A correction that renames the patient's folder. */
static void correct(struct temporary_store *t) {
  const struct cas_assignment assignment = {.tag = CAS_TAG_PATIENT_NAME, .value = "Roe^Ann", .vr = "PN"};
  const struct cas_correction correction = {.assignments = &assignment, .count = 1, .who = "tester", .why = "wrong"};
  CLEANUP_BUFFER struct cas_buffer path = {0};
  assert_int_equal(cas_node_by_uid(t->store, CAS_LEVEL_INSTANCE, "1.2.3.4.1", add_path, &path, NULL), CAS_OK);
  const char *paths[] = {(const char *)path.data};
  cas_status outcome = CAS_END;
  assert_int_equal(cas_store_correct(t->store, &correction, paths, 1, take_outcome, &outcome, NULL), CAS_OK);
  assert_int_equal(outcome, CAS_OK);
}

static void p3_a_healed_correction_still_corrects(void **state) {
  (void)state;
  struct temporary_store t = {0};
  temporary_create(&t);
  bring_all(&t);
  correct(&t);
  struct synthetic_read read = {.store = t.store, .version = 2};
  assert_int_equal(cas_node_by_uid(t.store, CAS_LEVEL_INSTANCE, "1.2.3.4.1", synthetic_read_node, &read, NULL), CAS_OK);
  assert_true(read.found && read.status == CAS_OK);
  damage_found(&t, (struct dump_search){.kind = " manifest ", .codec = "codec=", .before = OBJECTS}, 64 + 40);
  temporary_reopen(&t);
  assert_int_equal(synthetic_import(t.store, &read.bytes).version, 2);
  CLEANUP_BUFFER struct cas_buffer paths = list(t.store);
  assert_non_null(memmem(paths.data, paths.size, "Roe", 3));
  cas_store_close(t.store);
  CLEANUP_BUFFER struct cas_buffer before = dump_index(t.path, "index", is_of_the_tree);
  assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_OK);
  CLEANUP_BUFFER struct cas_buffer after = dump_index(t.path, "index", is_of_the_tree);
  assert_true(slice_equal(slice_of_buffer(&before), slice_of_buffer(&after)));
  temporary_open(&t);
  check_clean(t.store);
  cas_buffer_fini(&read.bytes);
  temporary_destroy(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p3_a_healed_header_is_found_behind_its_manifest),
      cmocka_unit_test(p3_a_healed_dictionary_is_found_behind_what_needs_it),
      cmocka_unit_test(p3_a_header_that_was_not_healed_has_its_uid),
      cmocka_unit_test(p3_a_healed_correction_still_corrects),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
