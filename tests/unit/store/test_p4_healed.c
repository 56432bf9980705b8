/* P4: damage that was healed is none any more, for verify, for compacting, and for an index that is made anew; what was
 * not healed stays damage for all of them. */
#include "compacting.h"
#include "damaging.h"

#define IN_HEADER 20
#define IN_PAYLOAD (64 + 40)
#define OBJECTS 3

static void bring(struct cas_store *store, int number) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  char uid[32];
  snprintf(uid, sizeof uid, "1.2.3.4.%d", number);
  synthetic_file(&(struct synthetic){.sop_uid = uid, .pixel_seed = (unsigned)number}, "A", &file);
  synthetic_import(store, &file);
  assert_int_equal(synthetic_read_back(store, uid, 1, &file), CAS_OK);
}

static void open_store(struct temporary_store *t) {
  t->options.encode = CAS_ENCODE_LATER; /* so that the segment is worth writing anew */
  temporary_create(t);
  for (int i = 0; i < OBJECTS; i++) bring(t->store, i);
}

/* Damages a byte of a record of the first object or one behind it. */
static void damage(struct temporary_store *t, const char *kind, int before, unsigned at_byte) {
  damage_found(t, (struct dump_search){.kind = kind, .codec = "codec=", .before = before}, at_byte);
}

static void rebuild(struct temporary_store *t) {
  struct cas_error error = {0};
  cas_store_close(t->store);
  if (cas_store_rebuild(t->path, NULL, NULL, NULL, &error) != CAS_OK) fail_msg("%s", error.message);
  temporary_open(t);
}

static struct cas_verify_result verify(struct cas_store *store) {
  struct cas_verify_result result;
  assert_int_equal(cas_store_verify(store, NULL, &result, NULL), CAS_OK);
  return result;
}

static void is_clean(struct temporary_store *t, uint64_t healed) {
  check_clean(t->store);
  assert_int_equal(verify(t->store).healed_records, healed);
  assert_int_equal(verify(t->store).instances, OBJECTS);
}

/* The second object's record is damaged, and the object comes again. */
static void heal(struct temporary_store *t, const char *kind, int before, unsigned at_byte) {
  open_store(t);
  damage(t, kind, before, at_byte);
  temporary_reopen(t);
  assert_int_equal(verify(t->store).damaged_records, 1);
  assert_int_equal(verify(t->store).damaged_instances, 1);
  assert_int_equal(compact(t->store).damaged_segments, 1);
  bring(t->store, 1);
  is_clean(t, 1);
}

static void compact_and_rebuild(struct temporary_store *t) {
  struct cas_compact_result result = compact(t->store);
  assert_int_equal(result.damaged_segments, 0);
  assert_true(result.segments > 0);
  is_clean(t, 0);
  rebuild(t);
  is_clean(t, 0);
  temporary_destroy(t);
}

static void p4_a_healed_manifest_is_no_damage(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    struct temporary_store t = {0};
    heal(&t, " manifest ", 1, i == 0 ? IN_PAYLOAD : IN_HEADER);
    rebuild(&t);
    is_clean(&t, 1);
    compact_and_rebuild(&t);
  }
}

static void p4_a_healed_blob_without_a_header_is_no_damage(void **state) {
  (void)state;
  struct temporary_store t = {0};
  heal(&t, " blob ", 2, IN_HEADER);
  compact_and_rebuild(&t);
}

static void p4_a_range_of_several_healed_records_is_no_damage(void **state) {
  (void)state;
  struct temporary_store t = {0};
  open_store(&t);
  damage(&t, " manifest ", 1, IN_HEADER); /* behind the blobs of its object */
  damage(&t, " blob ", 3, IN_HEADER);
  temporary_reopen(&t);
  assert_int_equal(verify(t.store).damaged_records, 1);
  bring(t.store, 1);
  is_clean(&t, 1);
  compact_and_rebuild(&t);
}

/* A COMMIT comes from nobody again. */
static void p4_a_range_that_was_healed_in_part_stays_damage(void **state) {
  (void)state;
  struct temporary_store t = {0};
  open_store(&t);
  damage(&t, " manifest ", 1, IN_HEADER);
  damage_found(&t, (struct dump_search){.kind = " commit", .codec = "", .before = 1}, IN_HEADER);
  temporary_reopen(&t);
  assert_int_equal(verify(t.store).damaged_records, 1);
  bring(t.store, 1);
  assert_int_equal(verify(t.store).damaged_records, 1);
  assert_int_equal(verify(t.store).damaged_instances, 0);
  assert_int_equal(verify(t.store).healed_records, 0);
  assert_int_equal(compact(t.store).damaged_segments, 1);
  temporary_destroy(&t);
}

static void p4_what_was_not_healed_stays_damage(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    struct temporary_store t = {0};
    unsigned at_byte = i == 0 ? IN_PAYLOAD : IN_HEADER;
    open_store(&t);
    damage(&t, " manifest ", 1, at_byte);
    damage(&t, " manifest ", i == 0 ? 2 : 1, at_byte); /* one that is no record any more is in no list of them */
    temporary_reopen(&t);
    assert_int_equal(verify(t.store).damaged_records, 2);
    bring(t.store, 1);
    for (int j = 0; j < 2; j++) {
      assert_int_equal(verify(t.store).damaged_records, 1);
      assert_int_equal(verify(t.store).healed_records, 1);
      assert_int_equal(compact(t.store).damaged_segments, 1);
      rebuild(&t);
    }
    temporary_destroy(&t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p4_a_healed_manifest_is_no_damage),
      cmocka_unit_test(p4_a_healed_blob_without_a_header_is_no_damage),
      cmocka_unit_test(p4_a_range_of_several_healed_records_is_no_damage),
      cmocka_unit_test(p4_a_range_that_was_healed_in_part_stays_damage),
      cmocka_unit_test(p4_what_was_not_healed_stays_damage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
