/* P5: a hash is a name, not a proof. With a hash that makes everything collide, nothing is ever mixed up; and a damaged
 * stored copy is healed by the good bytes. P4: what does not bear its name is no blob. */
#include "damaging.h"

/* Two bits of a hash: of a few dozen blobs nearly all collide. */
static void weak_hash(struct cas_slice bytes, struct cas_hash *hash) {
  struct cas_hash strong;
  store_hash_xxh3(bytes, &strong);
  memset(hash->bytes, 0, sizeof hash->bytes);
  hash->bytes[0] = strong.bytes[0] & 3;
}

#define OBJECTS 24

static void make_object(int number, struct cas_buffer *file) {
  char uid[32];
  snprintf(uid, sizeof uid, "1.2.3.4.%d", number);
  struct synthetic what = {.sop_uid = uid, .pixel_seed = (unsigned)number, .frames = 2};
  synthetic_file(&what, "A", file);
}

static void p5_colliding_blobs_are_told_apart(void **state) {
  (void)state;
  struct temporary_store t = {.seams = {.hash = weak_hash}};
  struct cas_buffer files[OBJECTS] = {0};
  struct cas_stats stats;
  char uid[32];
  temporary_create(&t);
  for (int i = 0; i < OBJECTS; i++) {
    make_object(i, &files[i]);
    assert_int_equal(synthetic_import(t.store, &files[i]).outcome, CAS_STORED);
  }
  for (int i = 0; i < OBJECTS; i++) assert_int_equal(synthetic_import(t.store, &files[i]).outcome, CAS_DUPLICATE);
  temporary_reopen(&t);
  for (int i = 0; i < OBJECTS; i++) {
    snprintf(uid, sizeof uid, "1.2.3.4.%d", i);
    assert_int_equal(synthetic_read_back(t.store, uid, 1, &files[i]), CAS_OK);
  }
  assert_int_equal(cas_store_stats(t.store, &stats, NULL), CAS_OK);
  assert_int_equal(stats.blobs, OBJECTS * 3); /* a header and two frames each, none mistaken for another */
  for (int i = 0; i < OBJECTS; i++) cas_buffer_fini(&files[i]);
  temporary_destroy(&t);
}

struct damage {
  uint64_t damaged_records;
  uint64_t damaged_instances;
};

static struct damage verify(struct cas_store *store) {
  struct cas_verify_result result;
  assert_int_equal(cas_store_verify(store, NULL, &result, NULL), CAS_OK);
  return (struct damage){result.damaged_records, result.damaged_instances};
}

/* As a fault of a decoder, or of memory while it was written, would leave it: every checksum is right. */
static void p4_bytes_under_another_name_do_not_come_out(void **state) {
  (void)state;
  struct temporary_store t = {.seams = {.hash = weak_hash}};
  CLEANUP_BUFFER struct cas_buffer file = {0};
  temporary_create(&t);
  make_object(7, &file);
  synthetic_import(t.store, &file);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4.7", 1, &file), CAS_OK);
  t.seams.hash = NULL;
  temporary_reopen(&t);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4.7", 1, &file), CAS_CORRUPT);
  const struct damage found = verify(t.store);
  assert_int_equal(found.damaged_records, 0);
  assert_int_equal(found.damaged_instances, 1);
  temporary_destroy(&t);
}

static void damage_blob(struct temporary_store *t, const char *codec) { damage_record(t, codec, 0); }

static void heal(const char *codec) {
  struct temporary_store t = {0};
  CLEANUP_BUFFER struct cas_buffer file = {0};
  temporary_create(&t);
  make_object(7, &file);
  synthetic_import(t.store, &file);
  damage_blob(&t, codec);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4.7", 1, &file), CAS_CORRUPT);
  assert_int_equal(verify(t.store).damaged_records, 1);
  assert_int_equal(verify(t.store).damaged_instances, 1);
  struct cas_ingest_result result = synthetic_import(t.store, &file);
  assert_int_equal(result.outcome, CAS_DUPLICATE);
  assert_int_equal(result.healed_blobs, 1);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4.7", 1, &file), CAS_OK);
  assert_int_equal(verify(t.store).damaged_records, 0);
  temporary_reopen(&t);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4.7", 1, &file), CAS_OK);
  temporary_destroy(&t);
}

static void p5_a_damaged_frame_is_healed_by_a_good_resend(void **state) {
  (void)state;
  heal("codec=pixel");
}

static void p5_a_damaged_header_is_healed_by_a_good_resend(void **state) {
  (void)state;
  heal("codec=zstd");
}

/* Under one hash a damaged blob is not mistaken for another of a different length. */
static void p5_a_damaged_blob_is_not_healed_by_another_length(void **state) {
  (void)state;
  struct temporary_store t = {.seams = {.hash = weak_hash}};
  struct cas_buffer files[OBJECTS] = {0};
  char uid[32];
  temporary_create(&t);
  make_object(0, &files[0]);
  synthetic_import(t.store, &files[0]);
  damage_blob(&t, "codec=pixel");
  for (int i = 1; i < OBJECTS; i++) {
    snprintf(uid, sizeof uid, "1.2.3.4.%d", i);
    struct synthetic what = {.sop_uid = uid, .pixel_seed = (unsigned)i, .rows = 16};
    synthetic_file(&what, "A", &files[i]);
    assert_int_equal(synthetic_import(t.store, &files[i]).healed_blobs, 0);
  }
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4.0", 1, &files[0]), CAS_CORRUPT);
  assert_int_equal(synthetic_import(t.store, &files[0]).healed_blobs, 1);
  for (int i = 0; i < OBJECTS; i++) {
    snprintf(uid, sizeof uid, "1.2.3.4.%d", i);
    assert_int_equal(synthetic_read_back(t.store, uid, 1, &files[i]), CAS_OK);
    cas_buffer_fini(&files[i]);
  }
  temporary_destroy(&t);
}

/* The header of the first object is the dictionary of the second's. */
static void p5_a_damaged_dictionary_is_healed_by_a_good_resend(void **state) {
  (void)state;
  struct temporary_store t = {0};
  CLEANUP_BUFFER struct cas_buffer first = {0}, second = {0}, third = {0};
  temporary_create(&t);
  make_object(1, &first);
  make_object(2, &second);
  make_object(3, &third);
  synthetic_import(t.store, &first);
  synthetic_import(t.store, &second);
  damage_blob(&t, "codec=zstd");
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4.2", 1, &second), CAS_CORRUPT);
  assert_int_equal(synthetic_import(t.store, &third).outcome, CAS_STORED);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4.3", 1, &third), CAS_OK);
  assert_int_equal(synthetic_import(t.store, &first).outcome, CAS_DUPLICATE);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4.1", 1, &first), CAS_OK);
  assert_int_equal(synthetic_read_back(t.store, "1.2.3.4.2", 1, &second), CAS_OK);
  temporary_destroy(&t);
}

/* A rebuild does not read what pixels there are, but where they are there twice. */
static void p5_of_two_copies_a_rebuild_takes_the_good_one(void **state) {
  (void)state;
  for (int damaged = 0; damaged < 2; damaged++) {
    struct temporary_store t = {0};
    CLEANUP_BUFFER struct cas_buffer file = {0}, other = {0};
    temporary_create(&t);
    make_object(7, &file);
    make_object(8, &other);
    synthetic_import(t.store, &file);
    damage_blob(&t, "codec=pixel");
    assert_int_equal(synthetic_import(t.store, &file).healed_blobs, 1);
    synthetic_import(t.store, &other); /* the last group is always read */
    if (damaged == 1) {
      damage_record(&t, "codec=pixel", 0);
      damage_record(&t, "codec=pixel", 2); /* behind the second frame */
    }
    cas_store_close(t.store);
    assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_OK);
    temporary_open(&t);
    assert_int_equal(synthetic_read_back(t.store, "1.2.3.4.7", 1, &file), CAS_OK);
    temporary_destroy(&t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p5_colliding_blobs_are_told_apart),
      cmocka_unit_test(p4_bytes_under_another_name_do_not_come_out),
      cmocka_unit_test(p5_a_damaged_frame_is_healed_by_a_good_resend),
      cmocka_unit_test(p5_of_two_copies_a_rebuild_takes_the_good_one),
      cmocka_unit_test(p5_a_damaged_blob_is_not_healed_by_another_length),
      cmocka_unit_test(p5_a_damaged_header_is_healed_by_a_good_resend),
      cmocka_unit_test(p5_a_damaged_dictionary_is_healed_by_a_good_resend),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
