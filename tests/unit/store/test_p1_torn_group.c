/*
 * P1: of a last group that was torn by a power cut an object is there as a whole or not at all, and a correction or
 * what it replaces, and what a rejection note hides with the note alone. Each sector of the group is lost in turn, also
 * where its COMMIT is good and the index has nothing of it: the next start and a rebuild leave out what lacks bytes,
 * find no damage, and take the same again.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "cassette/correct.h"
#include "cassette/state.h"
#include "compacting.h"
#include "support/test_random.h"

#define SECTOR_BYTES 512u

struct scene {
  struct temporary_store t;
  struct cas_buffer first, last; /* the objects of the durable and of the torn group */
  uint64_t begin, end;           /* of the torn group, in the only segment */
};

static void run(const struct scene *scene, const char *text) {
  char command[512];
  snprintf(command, sizeof command, "cd '%s'; %s", scene->t.folder, text);
  assert_int_equal(system(command), 0);
}

static uint64_t segment_end(const struct scene *scene) {
  char path[128];
  struct stat segment;
  snprintf(path, sizeof path, "%s/segments/00/00000001.seg", scene->t.path);
  assert_int_equal(stat(path, &segment), 0);
  return (uint64_t)segment.st_size;
}

/* The store as a power cut may leave it: all was written, the sync was not done, and the index is as before the group.
 */
static struct scene *open_scene(void (*bring_last)(struct scene *scene)) {
  struct scene *scene = calloc(1, sizeof *scene);
  struct synthetic what = {.sop_uid = "1.2.3.5", .pixel_seed = 7, .frames = 3};
  assert_non_null(scene);
  synthetic_file(&(struct synthetic){0}, "A", &scene->first);
  synthetic_file(&what, "A", &scene->last);
  scene->t.options.encode = CAS_ENCODE_LATER; /* so that the segment is worth writing anew */
  temporary_create(&scene->t);
  synthetic_import(scene->t.store, &scene->first);
  cas_store_close(scene->t.store);
  scene->begin = segment_end(scene);
  run(scene, "cp -r store/index index.before");
  temporary_open(&scene->t);
  bring_last(scene);
  cas_store_close(scene->t.store);
  scene->end = segment_end(scene);
  scene->t.store = NULL;
  run(scene, "rm -r store/index; mv store kept");
  return scene;
}

static void close_scene(struct scene *scene) {
  cas_buffer_fini(&scene->first);
  cas_buffer_fini(&scene->last);
  temporary_destroy(&scene->t);
  free(scene);
}

static void lose_sector(const struct scene *scene, uint64_t offset) {
  char path[128];
  uint8_t zeros[SECTOR_BYTES] = {0};
  snprintf(path, sizeof path, "%s/segments/00/00000001.seg", scene->t.path);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  assert_int_equal(pwrite(fd, zeros, sizeof zeros, (off_t)offset), (ssize_t)sizeof zeros);
  close(fd);
}

/* Loses a sector, puts an index there with the command, and opens. */
static void tear(struct scene *scene, uint64_t offset, const char *index, bool rebuild) {
  struct cas_error error = {0};
  run(scene, "rm -rf store; cp -r kept store");
  run(scene, index);
  lose_sector(scene, offset);
  if (rebuild && cas_store_rebuild(scene->t.path, NULL, NULL, NULL, &error) != CAS_OK) fail_msg("%s", error.message);
  temporary_open(&scene->t);
}

/* --- an object --- */

static void bring_object(struct scene *scene) { synthetic_import(scene->t.store, &scene->last); }

static bool is_listed(struct cas_store *store, const char *uid) {
  struct synthetic_read read = {.store = store, .version = 1};
  assert_int_equal(cas_node_by_uid(store, CAS_LEVEL_INSTANCE, uid, synthetic_read_node, &read, NULL), CAS_OK);
  cas_buffer_fini(&read.bytes);
  return read.found;
}

/* Returns whether the torn group's instance is there; then it is whole. */
static bool check_store(struct scene *scene) {
  struct cas_store *store = scene->t.store;
  bool listed = is_listed(store, "1.2.3.5");
  assert_int_equal(synthetic_read_back(store, "1.2.3.4", 1, &scene->first), CAS_OK);
  assert_int_equal(synthetic_read_back(store, "1.2.3.5", 1, &scene->last), listed ? CAS_OK : CAS_NOT_FOUND);
  check_clean(store);
  return listed;
}

/* The first sectors of the group in turn. */
static void tear_sectors(uint64_t count, const char *index, bool rebuild) {
  struct scene *scene = open_scene(bring_object);
  uint64_t listed = 0, sectors = 0;
  for (uint64_t at = scene->begin; at < scene->end && sectors < count; at += SECTOR_BYTES, sectors++) {
    tear(scene, at, index, rebuild);
    listed += check_store(scene);
    synthetic_import(scene->t.store, &scene->last);
    assert_true(check_store(scene));
    cas_store_close(scene->t.store);
    scene->t.store = NULL;
  }
  assert_true(sectors >= 4 && listed < sectors / 2);
  close_scene(scene);
}

static void p1_nothing_is_half_there_without_an_index(void **state) {
  (void)state;
  tear_sectors(UINT64_MAX, "true", false);
}

static void p1_nothing_is_half_there_with_the_index_of_before(void **state) {
  (void)state;
  tear_sectors(4, "cp -r index.before store/index", false);
}

static void p1_nothing_is_half_there_after_a_rebuild(void **state) {
  (void)state;
  tear_sectors(4, "true", true);
}

/* --- a correction --- */

static cas_status keep_path(void *arg, const struct cas_node *node) {
  snprintf(arg, 1024, "%s", node->path);
  return CAS_OK;
}

static void take_outcome(void *arg, cas_status status, const struct cas_ingest_result *result,
                         const struct cas_error *error) {
  (void)result;
  (void)error;
  *(cas_status *)arg = status;
}

static void correct(struct cas_store *store) {
  /* Of lengths that do not compress into the sector of the manifest, and of what says that it replaces a version. */
  char value[1001] = "corrected", why[CAS_WHY_MAX + 1] = {0};
  struct test_random random = {.state = 7};
  for (size_t i = strlen(value); i + 1 < sizeof value; i++) value[i] = (char)('!' + test_random_below(&random, 94));
  for (size_t i = 0; i + 1 < sizeof why; i++) why[i] = (char)('!' + test_random_below(&random, 94));
  const struct cas_assignment assignment = {.tag = 0x00104000, .value = value, .vr = "LT"};
  const struct cas_correction correction = {.assignments = &assignment, .count = 1, .who = "tester", .why = why};
  char path[1024] = "";
  const char *paths[] = {path};
  cas_status outcome = CAS_END;
  assert_int_equal(cas_node_by_uid(store, CAS_LEVEL_INSTANCE, "1.2.3.4", keep_path, path, NULL), CAS_OK);
  assert_int_equal(cas_store_correct(store, &correction, paths, 1, take_outcome, &outcome, NULL), CAS_OK);
  assert_int_equal(outcome, CAS_OK);
}

static cas_status count_version(void *arg, const struct cas_node *node) {
  ((unsigned *)arg)[node->version]++;
  return CAS_OK;
}

/* Returns which version is shown, and can be read. */
static uint32_t shown_version(struct cas_store *store) {
  unsigned shown[8] = {0}, versions = 0;
  uint32_t last = 0;
  assert_int_equal(cas_node_by_uid(store, CAS_LEVEL_INSTANCE, "1.2.3.4", count_version, shown, NULL), CAS_OK);
  for (uint32_t i = 0; i < 8; i++) {
    versions += shown[i];
    if (shown[i] > 0) last = i;
  }
  assert_int_equal(versions, 1);
  struct synthetic_read read = {.store = store, .version = last};
  assert_int_equal(cas_node_by_uid(store, CAS_LEVEL_INSTANCE, "1.2.3.4", synthetic_read_node, &read, NULL), CAS_OK);
  assert_int_equal(read.status, CAS_OK);
  assert_true((last > 1) == (memmem(read.bytes.data, read.bytes.size, "corrected", 9) != NULL));
  cas_buffer_fini(&read.bytes);
  check_clean(store);
  return last;
}

static void correct_object(struct scene *scene) { correct(scene->t.store); }

static void p1_a_correction_is_there_or_what_it_replaces(void **state) {
  (void)state;
  struct scene *scene = open_scene(correct_object);
  unsigned corrected = 0;
  for (uint64_t at = scene->begin; at < scene->end; at += SECTOR_BYTES) {
    tear(scene, at, "true", false);
    corrected += shown_version(scene->t.store) > 1;
    if (at == scene->begin)
      assert_int_equal(compact(scene->t.store).segments, 1); /* the rest of the group goes along */
    cas_store_close(scene->t.store);
    run(scene, "rm -r store/index");
    temporary_open(&scene->t);
    if (shown_version(scene->t.store) == 1) correct(scene->t.store);
    assert_true(shown_version(scene->t.store) > 1);
    cas_store_close(scene->t.store);
    scene->t.store = NULL;
  }
  assert_true(corrected < (scene->end - scene->begin) / SECTOR_BYTES);
  close_scene(scene);
}

/* --- a rejection note --- */

#define NOTE_UID "1.2.3.77"
#define OTHERS 160 /* further instances that the note names: its record is longer than a sector then */

/* One item of a sequence, or with `vr` the sequence of one item. */
static void enclose(struct cas_buffer *content, uint16_t group, uint16_t element, const char *vr) {
  uint8_t head[12] = {0};
  size_t size = vr != NULL ? 12 : 8;
  store_u16(head, group);
  store_u16(head + 2, element);
  if (vr != NULL) memcpy(head + 4, vr, 2);
  store_u32(head + size - 4, (uint32_t)content->size);
  synthetic_put(content, head, size);
  memmove(content->data + size, content->data, content->size - size);
  memcpy(content->data, head, size);
}

static void put_sequence(struct cas_buffer *out, uint16_t group, uint16_t element, struct cas_buffer *item) {
  enclose(item, 0xFFFE, 0xE000, NULL);
  enclose(item, group, element, "SQ");
  synthetic_put(out, item->data, item->size);
  cas_buffer_fini(item);
}

static void put_evidence(struct cas_buffer *out) {
  struct test_random random = {.state = 7};
  struct cas_buffer instances = {0}, series = {0}, study = {0};
  for (int i = 0; i <= OTHERS; i++) {
    struct cas_buffer item = {0};
    char uid[40] = "1.2.3.4";
    if (i > 0) snprintf(uid, sizeof uid, "1.2.%u.%u", (unsigned)test_random_below(&random, 1000000000), (unsigned)i);
    synthetic_text(&item, 0x0008, 0x1155, "UI", uid);
    enclose(&item, 0xFFFE, 0xE000, NULL);
    synthetic_put(&instances, item.data, item.size);
    cas_buffer_fini(&item);
  }
  enclose(&instances, 0x0008, 0x1199, "SQ");
  put_sequence(&series, 0x0008, 0x1115, &instances);
  put_sequence(&study, 0x0040, 0xA375, &series);
  synthetic_put(out, study.data, study.size);
  cas_buffer_fini(&study);
}

/* A Key Object Selection that rejects 1.2.3.4 for reasons of quality. */
static void make_note(struct cas_buffer *out) {
  struct cas_buffer code = {0};
  uint8_t preamble[132] = {0};
  memcpy(preamble + 128, "DICM", 4);
  synthetic_put(out, preamble, sizeof preamble);
  synthetic_text(out, 2, 0x0010, "UI", EXPLICIT_LE);
  synthetic_text(out, 0x0008, 0x0016, "UI", "1.2.840.10008.5.1.4.1.1.88.59");
  synthetic_text(out, 0x0008, 0x0018, "UI", NOTE_UID);
  synthetic_text(out, 0x0010, 0x0020, "LO", "P1");
  synthetic_text(out, 0x0020, 0x000D, "UI", "1.2.3");
  synthetic_text(out, 0x0020, 0x000E, "UI", "1.2.3.9");
  synthetic_text(&code, 0x0008, 0x0100, "SH", "113001");
  synthetic_text(&code, 0x0008, 0x0102, "SH", "DCM");
  put_sequence(out, 0x0040, 0xA043, &code);
  put_evidence(out);
}

static void bring_note(struct scene *scene) {
  CLEANUP_BUFFER struct cas_buffer note = {0};
  make_note(&note);
  synthetic_import(scene->t.store, &note);
}

/* Returns whether the note is there; then, and only then, what it names is hidden. */
static bool check_note(struct scene *scene) {
  const bool listed = is_listed(scene->t.store, NOTE_UID);
  assert_int_equal(is_listed(scene->t.store, "1.2.3.4"), !listed);
  check_clean(scene->t.store);
  return listed;
}

static void p1_a_rejection_note_hides_or_is_not_there(void **state) {
  (void)state;
  struct scene *scene = open_scene(bring_note);
  unsigned notes = 0, sectors = (unsigned)((scene->end - scene->begin) / SECTOR_BYTES);
  for (uint64_t at = scene->begin; at < scene->end; at += SECTOR_BYTES) {
    tear(scene, at, "true", false);
    bool listed = check_note(scene);
    notes += listed;
    if (!listed) assert_int_equal(compact(scene->t.store).segments, 1); /* the rest of the group goes along */
    cas_store_close(scene->t.store);
    run(scene, "rm -r store/index");
    temporary_open(&scene->t);
    assert_int_equal(check_note(scene), listed);
    bring_note(scene);
    assert_true(check_note(scene));
    cas_store_close(scene->t.store);
    scene->t.store = NULL;
  }
  assert_true(sectors >= 4 && notes < sectors);
  close_scene(scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p1_nothing_is_half_there_without_an_index),
      cmocka_unit_test(p1_nothing_is_half_there_with_the_index_of_before),
      cmocka_unit_test(p1_nothing_is_half_there_after_a_rebuild),
      cmocka_unit_test(p1_a_correction_is_there_or_what_it_replaces),
      cmocka_unit_test(p1_a_rejection_note_hides_or_is_not_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
