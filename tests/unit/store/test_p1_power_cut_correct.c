/*
 * P1, acknowledged is durable, for corrections of many instances, of which some share their syncs: the power is cut in
 * any write, sync or name change, while a second thread brings objects. After each cut, with the index as it was,
 * older, or gone, each instance is as before or corrected, as a whole; those that were told corrected are; and the same
 * command, given again, does the rest.
 */
#include <pthread.h>

#include "cassette/correct.h"
#include "cassette/snapshot.h"
#include "cassette/state.h"
#include "compacting.h"
#include "faulty_store.h"
#include "support/test_random.h"

#define INSTANCES 300u /* more than share a sync */
#define OPERATIONS_MAX 60u

struct instance {
  char path[512]; /* of the version that is shown */
  uint32_t version;
  unsigned shown, replaced;
};

struct scene {
  struct temporary_store t;
  struct test_random random;
  struct instance instances[INSTANCES];
  bool told[INSTANCES];
  unsigned round, at, corrected, unchanged, failed;
  unsigned brought; /* objects that the second thread was told of as stored */
};

static void make_object(unsigned patient, unsigned number, struct cas_buffer *file) {
  char uid[32], id[16];
  snprintf(uid, sizeof uid, "1.2.3.%u.%u", patient, number);
  snprintf(id, sizeof id, "P%u", patient);
  struct synthetic what = {.patient_id = id, .sop_uid = uid, .rows = 8, .columns = 8, .pixel_seed = number};
  synthetic_file(&what, "A", file);
}

/* The instances have numbers in the last component of their UIDs; those of the patient P1 are corrected. */
static cas_status take(void *arg, const struct cas_node *node) {
  struct scene *scene = arg;
  const char *uid = cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID);
  if (strncmp(uid, "1.2.3.1.", 8) != 0) return CAS_OK;
  struct instance *instance = &scene->instances[atoi(uid + 8)];
  instance->shown += node->state == CAS_STATE_SHOWN;
  instance->replaced += node->state == CAS_STATE_REPLACED;
  if (node->state != CAS_STATE_SHOWN) return CAS_OK;
  instance->version = node->version;
  snprintf(instance->path, sizeof instance->path, "%s", node->path);
  return CAS_OK;
}

static void look(struct scene *scene) {
  struct cas_store *view;
  memset(scene->instances, 0, sizeof scene->instances);
  assert_int_equal(cas_view_open(scene->t.store, CAS_STATES_HIDDEN, &view), CAS_OK);
  assert_int_equal(cas_instances_below(view, "", take, scene, NULL), CAS_OK);
  cas_snapshot_close(view);
}

static bool has_comment(struct cas_store *store, const char *path, const char *comment) {
  struct cas_reader *reader;
  uint8_t bytes[4096];
  size_t got;
  assert_int_equal(cas_reader_open(store, path, &reader, NULL), CAS_OK);
  assert_int_equal(cas_reader_read(reader, 0, bytes, sizeof bytes, &got, NULL), CAS_OK);
  cas_reader_close(reader);
  return memmem(bytes, got, comment, strlen(comment)) != NULL;
}

/* --- correcting --- */

static void note(void *arg, cas_status status, const struct cas_ingest_result *result, const struct cas_error *error) {
  struct scene *scene = arg;
  (void)error;
  unsigned number = scene->at++;
  scene->told[number] = status == CAS_OK;
  if (status == CAS_OK) assert_int_equal(result->version, scene->instances[number].version + 1);
  scene->corrected += status == CAS_OK;
  scene->unchanged += status == CAS_EXISTS;
  scene->failed += status != CAS_OK && status != CAS_EXISTS;
}

static void correct_all(struct scene *scene) {
  const char *paths[INSTANCES];
  char comment[32];
  struct cas_assignment assignment = {.tag = 0x00104000, .value = comment, .vr = "LT"};
  struct cas_correction correction = {.assignments = &assignment, .count = 1, .who = "tester", .why = "wrong"};
  snprintf(comment, sizeof comment, "round %04u", scene->round);
  for (unsigned i = 0; i < INSTANCES; i++) paths[i] = scene->instances[i].path;
  scene->at = scene->corrected = scene->unchanged = scene->failed = 0;
  assert_int_equal(cas_store_correct(scene->t.store, &correction, paths, INSTANCES, note, scene, NULL), CAS_OK);
  assert_int_equal(scene->at, INSTANCES);
}

static void *bring_objects(void *arg) {
  struct scene *scene = arg;
  cas_status status = CAS_OK;
  while (status == CAS_OK && scene->brought < 100 * scene->round) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT};
    struct cas_ingest_result result;
    struct cas_ingest *ingest;
    make_object(2, scene->brought, &file);
    status = cas_ingest_begin(scene->t.store, &source, &ingest, NULL);
    if (status != CAS_OK) break;
    status = cas_ingest_write(ingest, slice_of_buffer(&file), NULL);
    if (status == CAS_OK)
      status = cas_ingest_commit(ingest, &result, NULL);
    else
      cas_ingest_abort(ingest);
    scene->brought += status == CAS_OK;
  }
  return NULL;
}

/* --- after a cut --- */

static unsigned count_corrected(struct scene *scene, const struct instance *before) {
  unsigned corrected = 0;
  char comment[32];
  snprintf(comment, sizeof comment, "round %04u", scene->round);
  look(scene);
  for (unsigned i = 0; i < INSTANCES; i++) {
    const struct instance *now = &scene->instances[i];
    assert_int_equal(now->shown, 1);
    assert_in_range(now->version, before[i].version, before[i].version + 1);
    assert_int_equal(now->replaced, now->version - 1);
    assert_int_equal(has_comment(scene->t.store, now->path, comment), now->version > before[i].version);
    assert_false(scene->told[i] && now->version == before[i].version);
    corrected += now->version > before[i].version;
  }
  for (unsigned i = 0; i < scene->brought; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    char uid[32];
    make_object(2, i, &file);
    snprintf(uid, sizeof uid, "1.2.3.2.%u", i);
    assert_int_equal(synthetic_read_back(scene->t.store, uid, 1, &file), CAS_OK);
  }
  return corrected;
}

/* Returns how many were corrected before the cut. */
static unsigned cut_power_once(struct scene *scene) {
  struct io_disk *disk = scene->t.seams.disk;
  struct instance before[INSTANCES];
  pthread_t thread;
  cas_store_close(scene->t.store);
  faulty_store_keep_index(&scene->t);
  temporary_open(&scene->t);
  look(scene);
  memcpy(before, scene->instances, sizeof before);
  scene->round++;
  faulty_disk_power_off_at(disk, 1 + test_random_below(&scene->random, OPERATIONS_MAX));
  assert_int_equal(pthread_create(&thread, NULL, bring_objects, scene), 0);
  correct_all(scene);
  pthread_join(thread, NULL);
  cas_store_close(scene->t.store);
  faulty_disk_restart(disk);
  faulty_store_age_index(&scene->t, &scene->random);
  temporary_open(&scene->t);
  return count_corrected(scene, before);
}

static struct scene *open_scene(const char *test) {
  struct scene *scene = calloc(1, sizeof *scene);
  scene->random.state = test_random_seed(test);
  faulty_store_create(&scene->t, test_random_next(&scene->random), 256 << 10);
  for (unsigned i = 0; i < INSTANCES; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    make_object(1, i, &file);
    assert_int_equal(synthetic_import(scene->t.store, &file).outcome, CAS_STORED);
  }
  return scene;
}

static void close_scene(struct scene *scene) {
  faulty_store_destroy(&scene->t);
  free(scene);
}

static void p1_each_is_corrected_or_as_before(void **state) {
  (void)state;
  struct scene *scene = open_scene("p1_power_cut_correct");
  unsigned halfway = 0, before = 0;
  for (uint64_t rounds = test_random_rounds(6), round = 0; round < rounds; round++) {
    unsigned corrected = cut_power_once(scene);
    halfway += corrected > 0 && corrected < INSTANCES;
    before += corrected;
    correct_all(scene);
    assert_int_equal(scene->failed, 0);
    assert_int_equal(scene->unchanged, corrected);
    assert_int_equal(scene->corrected, INSTANCES - corrected);
    check_clean(scene->t.store);
  }
  printf("%u corrected before the cuts, %u times only some, %u objects brought beside\n", before, halfway,
         scene->brought);
  close_scene(scene);
}

static void many_share_a_sync(void **state) {
  (void)state;
  struct scene *scene = open_scene("many_share_a_sync");
  look(scene);
  uint64_t syncs = faulty_disk_count(scene->t.seams.disk, FAULTY_SYNC);
  correct_all(scene);
  syncs = faulty_disk_count(scene->t.seams.disk, FAULTY_SYNC) - syncs;
  printf("%llu syncs for %u corrected instances\n", (unsigned long long)syncs, scene->corrected);
  assert_int_equal(scene->corrected, INSTANCES);
  assert_in_range(syncs, 2, 8);
  close_scene(scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p1_each_is_corrected_or_as_before),
      cmocka_unit_test(many_share_a_sync),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
