/*
 * Instances that go to folders which are remembered leave the same index, byte for byte, as those whose folders are
 * read each time: with values that folders learn late, identities without a Patient ID, names that collide,
 * corrections, versions, and what is gone already when it comes. CASSETTE_SEED sets the seed, which is printed.
 */
#include "synthetic.h"

#include "store/paths.h"
#include "store/placement.h"
#include "store/state_apply.h"
#include "store/state_history.h"
#include "support/test_random.h"
#include "unit/index/index_dump.h"

enum { INSTANCES = 3000, EACH_BATCH = 40 };

struct side {
  char folder[64];
  struct index *index;
  struct index_batch *batch;
  struct placement_memo *memo;
  bool remembers;
};

static void open_side(struct side *side, const char *top, bool remembers) {
  *side = (struct side){.remembers = remembers};
  snprintf(side->folder, sizeof side->folder, "%s/%s", top, remembers ? "remembers" : "forgets");
  assert_int_equal(index_open(side->folder, &side->index, NULL), CAS_OK);
  assert_int_equal(placement_memo_create(&side->memo), CAS_OK);
}

static void set(struct cas_attributes *attributes, uint32_t tag, const char *format, unsigned value) {
  char text[64];
  snprintf(text, sizeof text, format, value);
  assert_int_equal(cas_attributes_set(attributes, tag, slice_of(text, strlen(text))), CAS_OK);
}

/* Few values, so that most come again; some are left out, and learnt from others. */
static struct cas_attributes *draw_attributes(struct test_random *random, unsigned instance) {
  struct cas_attributes *attributes;
  assert_int_equal(cas_attributes_create(&attributes), CAS_OK);
  unsigned series = instance % 24, study = series / 3, patient = study / 2;
  if (patient != 0) set(attributes, CAS_TAG_PATIENT_ID, patient % 2 ? "P/%u" : "P_%u", patient / 2);
  set(attributes, CAS_TAG_PATIENT_NAME, "Name^%u", patient);
  if (test_random_below(random, 3) == 0) set(attributes, CAS_TAG_PATIENT_BIRTH_DATE, "1970010%u", patient);
  set(attributes, CAS_TAG_STUDY_INSTANCE_UID, "1.2.%u", study);
  if (test_random_below(random, 4) > 0) set(attributes, CAS_TAG_STUDY_DATE, "202001%02u", study % 2);
  set(attributes, CAS_TAG_SERIES_INSTANCE_UID, "1.2.3.%u", series);
  if (test_random_below(random, 4) > 0) set(attributes, CAS_TAG_MODALITY, "M%u", series % 2);
  set(attributes, CAS_TAG_INSTANCE_NUMBER, "%u", instance % 5);
  return attributes;
}

static void draw_manifest(struct test_random *random, unsigned instance, struct manifest *manifest) {
  *manifest = (struct manifest){.version = 1 + (uint32_t)test_random_below(random, 2),
                                .arrival_ns = (int64_t)test_random_below(random, 1000000),
                                .file_size = test_random_below(random, 5000)};
  snprintf(manifest->sop_instance_uid, sizeof manifest->sop_instance_uid, "1.9.%u", instance);
  if (test_random_below(random, 100) != 0) return;
  manifest->corrected[0] = CAS_TAG_PATIENT_NAME;
  manifest->corrected[1] = CAS_TAG_STUDY_DATE;
  manifest->corrected_count = 2;
}

/* Some are deleted before they come. */
static void delete_first(struct side *side, unsigned instance, uint64_t group) {
  CLEANUP_BUFFER struct cas_buffer history = {0};
  char fact[STATE_FACT_NAME_BYTES], uid[64];
  const struct state_step step = {.group = group, .time_ns = (int64_t)group * 1000, .action = CAS_ACTION_DELETE};
  snprintf(uid, sizeof uid, "1.9.%u", instance);
  state_fact_name(uid, fact);
  assert_int_equal(state_history_add(&history, &step), CAS_OK);
  assert_int_equal(index_batch_put_fact(side->batch, fact, slice_of_buffer(&history), NULL), CAS_OK);
}

static void put(struct side *side, const struct manifest *manifest, const struct cas_attributes *attributes,
                const struct placement_origin *origin) {
  if (!side->remembers) placement_memo_forget(side->memo);
  assert_int_equal(placement_put(side->batch, side->memo, manifest, attributes, origin, NULL), CAS_OK);
}

static void fill(struct side sides[2], struct test_random *random) {
  for (unsigned i = 0; i < INSTANCES; i++) {
    struct manifest manifest;
    struct placement_origin origin = {.group = 1 + i / 7};
    unsigned instance = (unsigned)test_random_below(random, INSTANCES);
    struct cas_attributes *attributes = draw_attributes(random, instance);
    draw_manifest(random, instance, &manifest);
    memcpy(origin.cookie.bytes, &i, sizeof i);
    bool is_deleted = test_random_below(random, 50) == 0, ends = i % EACH_BATCH == EACH_BATCH - 1;
    bool aborts = ends && test_random_below(random, 10) == 0;
    for (int side = 0; side < 2; side++) {
      if (sides[side].batch == NULL)
        assert_int_equal(index_batch_begin(sides[side].index, &sides[side].batch, NULL), CAS_OK);
      if (is_deleted) delete_first(&sides[side], instance, origin.group);
      put(&sides[side], &manifest, attributes, &origin);
      if (!ends) continue;
      if (aborts) {
        index_batch_abort(sides[side].batch);
        placement_memo_forget(sides[side].memo);
      } else {
        assert_int_equal(index_batch_apply(sides[side].batch, NULL), CAS_OK);
      }
      sides[side].batch = NULL;
    }
    cas_attributes_destroy(attributes);
  }
}

static void folders_that_are_remembered_are_the_same(void **state) {
  (void)state;
  struct test_random random = {test_random_seed("test_placement")};
  char top[] = "/tmp/cassette-placement-XXXXXX";
  struct side sides[2];
  assert_non_null(mkdtemp(top));
  for (int side = 0; side < 2; side++) open_side(&sides[side], top, side == 1);
  fill(sides, &random);
  struct cas_buffer dumps[2];
  for (int side = 0; side < 2; side++) {
    index_close(sides[side].index);
    placement_memo_destroy(sides[side].memo);
    dumps[side] = dump_index(top, side == 1 ? "remembers" : "forgets", NULL);
    path_remove_folder(sides[side].folder);
  }
  rmdir(top);
  assert_true(dumps[0].size > INSTANCES * 100u);
  assert_int_equal(dumps[0].size, dumps[1].size);
  assert_memory_equal(dumps[0].data, dumps[1].data, dumps[0].size);
  for (int side = 0; side < 2; side++) cas_buffer_fini(&dumps[side]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(folders_that_are_remembered_are_the_same)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
