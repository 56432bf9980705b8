/* What a store does while memory or descriptors run out: one request after the other is refused, alone or with all that
 * follow it. Each operation succeeds, or says what is scarce; nothing is called damaged, and all is there afterwards.
 */
#ifndef TESTS_STORE_SCARCE_SCENES_H
#define TESTS_STORE_SCARCE_SCENES_H

#include <sys/statvfs.h>
#include <time.h>

#include "compacting.h"
#include "scarcity.h"

#define OBJECTS_KEPT 5u
#define OBJECTS_MAX 4096u

struct scene {
  struct temporary_store t;
  enum scarce kind;
  cas_status expected; /* of what fails */
  unsigned count;      /* objects that were brought */
  bool acknowledged[OBJECTS_MAX];
  struct cas_buffer index; /* as the segments give it */
  atomic_uint damage_told; /* lines of the log that tell of damage */
  unsigned refusals;
};

static void take_log(void *arg, enum cas_log_level level, const char *line) {
  struct scene *scene = arg;
  (void)level;
  if (strstr(line, "damage") == NULL && strstr(line, "lost") == NULL && strstr(line, "left out") == NULL) return;
  atomic_fetch_add(&scene->damage_told, 1);
  fprintf(stderr, "log: %s\n", line);
}

/* Headers of a series, one of them encoded like another; frames for the pixel codec and for zstd; a long value. */
static void make_object(unsigned number, struct cas_buffer *file) {
  static const char words[] = "a comment that makes a header long enough to be the dictionary of those that follow it "
                              "in the same series, which are encoded against it and need it when they are read";
  char uid[32], series[32];
  snprintf(uid, sizeof uid, "1.2.3.4.%u", number);
  snprintf(series, sizeof series, "1.2.3.%u", number / 3);
  const uint16_t small = number % 3 == 2; /* so that zstd wins */
  struct synthetic what = {.sop_uid = uid,
                           .series_uid = series,
                           .comment = words,
                           .pixel_seed = number,
                           .frames = 2,
                           .rows = small ? 2 : 48,
                           .columns = small ? 2 : 48,
                           .private_bytes = number % 3 == 1 ? 20000 : 0};
  synthetic_file(&what, "A", file);
}

static cas_status bring_file(struct scene *scene, const struct cas_buffer *file) {
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT};
  struct cas_ingest_result result;
  struct cas_ingest *ingest;
  STATUS_TRY(cas_ingest_begin(scene->t.store, &source, &ingest, NULL));
  cas_status status = cas_ingest_write(ingest, slice_of_buffer(file), NULL);
  if (status == CAS_OK) return cas_ingest_commit(ingest, &result, NULL);
  cas_ingest_abort(ingest);
  return status;
}

/* Brings a new object, and remembers whether it was acknowledged. */
static cas_status bring(struct scene *scene, const struct cas_buffer *file) {
  assert_true(scene->count < OBJECTS_MAX);
  const unsigned number = scene->count++;
  const cas_status status = bring_file(scene, file);
  scene->acknowledged[number] = status == CAS_OK;
  return status;
}

/* A group that was durable before the index had it makes the archive read-only, until the index has it. */
static void wait_until_writable(struct scene *scene) {
  const struct timespec pause = {.tv_nsec = 2000000};
  struct cas_store_condition condition = {.read_only = true};
  for (unsigned i = 0; i < 30000 && condition.read_only; i++) {
    cas_store_condition(scene->t.store, &condition);
    if (condition.read_only) nanosleep(&pause, NULL);
  }
  assert_false(condition.read_only);
}

static void bring_for_certain(struct scene *scene) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  make_object(scene->count, &file);
  wait_until_writable(scene);
  assert_int_equal(bring(scene, &file), CAS_OK);
}

static void check_from(struct scene *scene, unsigned first) {
  for (unsigned i = first; i < scene->count; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    char uid[32];
    snprintf(uid, sizeof uid, "1.2.3.4.%u", i);
    make_object(i, &file);
    synthetic_check_whole(scene->t.store, uid, &file, scene->acknowledged[i]);
  }
}

/* In memory where there is room: RocksDB syncs at each start. */
static void create_store(struct temporary_store *t) {
  struct statvfs facts;
  const bool has_room = statvfs("/dev/shm", &facts) == 0 && (uint64_t)facts.f_bavail * facts.f_frsize > 1u << 30;
  snprintf(t->folder, sizeof t->folder, "%s/cassette-test.XXXXXX", has_room ? "/dev/shm" : "/tmp");
  temporary_create(t);
}

static struct scene *open_scene(enum scarce kind, cas_status expected, bool plain) {
  struct scene *scene = calloc(1, sizeof *scene);
  assert_non_null(scene);
  scene->kind = kind;
  scene->expected = expected;
  scene->t.options = (struct cas_store_options){.log = take_log,
                                                .log_arg = scene,
                                                .workers = 1,
                                                .segment_bytes = 60 << 10,
                                                .read_cache_bytes = 1,
                                                .no_io_uring = plain};
  create_store(&scene->t);
  while (scene->count < OBJECTS_KEPT) bring_for_certain(scene);
  return scene;
}

static void close_scene(struct scene *scene) {
  check_from(scene, 0);
  check_clean(scene->t.store);
  temporary_reopen(&scene->t);
  check_from(scene, 0);
  check_clean(scene->t.store);
  check_rebuild(&scene->t);
  check_from(scene, 0);
  assert_int_equal(scene->damage_told, 0);
  fprintf(stderr, "%u refusals, %u objects\n", scene->refusals, scene->count);
  assert_true(scene->refusals > 0);
  temporary_destroy(&scene->t);
  cas_buffer_fini(&scene->index);
  free(scene);
}

/* --- one operation after the other --- */

/* Does something once; refusals are on between begin and end. Returns its status. */
typedef cas_status (*operation_fn)(struct scene *scene, uint64_t nth, uint64_t count);

static void begin(const struct scene *scene, uint64_t nth, uint64_t count) { scarcity_begin(scene->kind, nth, count); }

static bool end(struct scene *scene) {
  const bool reached = scarcity_end();
  scene->refusals += reached;
  return reached;
}

/* Refuses every `step`th request of the operation in turn: `count` from there on. */
static void at_requests(struct scene *scene, operation_fn operation, uint64_t step, uint64_t count) {
  for (uint64_t nth = 1 + (uint64_t)getpid() % step, before = UINT64_MAX; scene->refusals != before; nth += step) {
    before = scene->refusals;
    const cas_status status = operation(scene, nth, count);
    if (status != CAS_OK && status != scene->expected)
      fail_msg("request %llu%s: %s", (unsigned long long)nth, count > 1 ? " and all that follow" : "",
               cas_status_text(status));
    assert_int_equal(scene->damage_told, 0);
  }
}

/* Starts take long, so that of theirs not each request is refused in each run, and fewer with sanitizers
 * (test_stride.h): CASSETTE_ALL=1 refuses all. */
static uint64_t step_of(uint64_t step) {
  if (step == 1 || getenv("CASSETTE_ALL") != NULL) return 1;
  return getenv("CASSETTE_STRIDE") != NULL ? step * 3 : step;
}

static void run_scene(struct scene *scene, operation_fn operation, uint64_t step) {
  step = step_of(step);
  at_requests(scene, operation, step, 1);
  at_requests(scene, operation, step, UINT64_MAX);
  close_scene(scene);
}

/* --- the operations --- */

static cas_status ingest(struct scene *scene, uint64_t nth, uint64_t count) {
  CLEANUP_BUFFER struct cas_buffer file = {0}, known = {0};
  const unsigned first = scene->count;
  make_object(scene->count, &file);
  make_object(0, &known);
  begin(scene, nth, count);
  cas_status status = bring(scene, &file);
  cas_status again = bring_file(scene, &known);
  end(scene);
  check_from(scene, first);
  assert_true(again == CAS_OK || again == scene->expected);
  return status;
}

struct reading {
  struct cas_store *store;
  uint8_t bytes[64 << 10];
  size_t size;
};

static cas_status read_node(void *arg, const struct cas_node *node) {
  struct reading *reading = arg;
  struct cas_reader *reader;
  STATUS_TRY(cas_reader_open(reading->store, node->path, &reader, NULL));
  cas_status status = cas_reader_read(reader, 0, reading->bytes, sizeof reading->bytes, &reading->size, NULL);
  cas_reader_close(reader);
  return status;
}

static cas_status read_all(struct scene *scene, uint64_t nth, uint64_t count) {
  cas_status result = CAS_OK;
  for (unsigned i = 0; i < OBJECTS_KEPT; i++) {
    CLEANUP_BUFFER struct cas_buffer file = {0};
    struct reading reading = {.store = scene->t.store};
    char uid[32];
    snprintf(uid, sizeof uid, "1.2.3.4.%u", i);
    make_object(i, &file);
    begin(scene, nth, count);
    cas_status status = cas_node_by_uid(scene->t.store, CAS_LEVEL_INSTANCE, uid, read_node, &reading, NULL);
    end(scene);
    if (status == CAS_OK) assert_true(slice_equal(slice_of(reading.bytes, reading.size), slice_of_buffer(&file)));
    if (status != CAS_OK) result = status;
  }
  return result;
}

static cas_status verify(struct scene *scene, uint64_t nth, uint64_t count) {
  struct cas_verify_result result;
  struct cas_verify_options options = {.finding = print_finding};
  begin(scene, nth, count);
  cas_status status = cas_store_verify(scene->t.store, &options, &result, NULL);
  end(scene);
  if (status != CAS_OK) return status;
  assert_int_equal(result.damaged_records + result.damaged_instances + result.index_findings, 0);
  assert_int_equal(result.instances, OBJECTS_KEPT);
  return CAS_OK;
}

static cas_status open_store(struct scene *scene, enum cas_open_mode mode, uint64_t nth, uint64_t count) {
  struct cas_error error = {0};
  struct cas_store *store = NULL;
  scene->t.options.mode = mode;
  begin(scene, nth, count);
  cas_status status = store_open(scene->t.path, &scene->t.options, &scene->t.seams, &store, &error);
  end(scene);
  if (status == CAS_OK) {
    struct cas_store *writer = scene->t.store;
    scene->t.store = store;
    check_from(scene, 0);
    cas_store_close(store);
    scene->t.store = writer;
  } else if (status != scene->expected) {
    fprintf(stderr, "%s\n", error.message);
  }
  return status;
}

static cas_status start(struct scene *scene, uint64_t nth, uint64_t count) {
  cas_store_close(scene->t.store);
  scene->t.store = NULL;
  cas_status status = open_store(scene, CAS_OPEN_WRITE, nth, count);
  temporary_open(&scene->t);
  check_from(scene, 0);
  return status;
}

static cas_status follow(struct scene *scene, uint64_t nth, uint64_t count) {
  return open_store(scene, CAS_OPEN_FOLLOW, nth, count);
}

static void in_folder(const struct scene *scene, const char *text) {
  char command[256];
  snprintf(command, sizeof command, "cd '%s'; %s", scene->t.path, text);
  assert_int_equal(system(command), 0);
}

/* The index is what it was. */
static void check_index(struct scene *scene) {
  cas_store_close(scene->t.store);
  CLEANUP_BUFFER struct cas_buffer index = dump_index(scene->t.path, "index", is_rebuilt);
  temporary_open(&scene->t);
  if (scene->index.size == 0) assert_int_equal(cas_buffer_append(&scene->index, slice_of_buffer(&index)), CAS_OK);
  assert_int_equal(index.size, scene->index.size);
  assert_memory_equal(index.data, scene->index.data, index.size);
}

/* A start that replays the whole log. */
static cas_status replay(struct scene *scene, uint64_t nth, uint64_t count) {
  if (scene->index.size == 0) check_index(scene);
  cas_store_close(scene->t.store);
  scene->t.store = NULL;
  in_folder(scene, "rm -r index");
  cas_status status = open_store(scene, CAS_OPEN_WRITE, nth, count);
  temporary_open(&scene->t);
  check_index(scene);
  return status;
}

static cas_status rebuild(struct scene *scene, uint64_t nth, uint64_t count) {
  if (scene->index.size == 0) check_index(scene);
  cas_store_close(scene->t.store);
  begin(scene, nth, count);
  struct cas_error error = {0};
  cas_status status = cas_store_rebuild(scene->t.path, &scene->t.options, NULL, NULL, &error);
  end(scene);
  if (status != CAS_OK && status != scene->expected) fprintf(stderr, "%s\n", error.message);
  temporary_open(&scene->t);
  check_index(scene);
  return status;
}

static cas_status compact_all(struct scene *scene, uint64_t nth, uint64_t count) {
  const struct cas_compact_options options = {.seal_bytes = 1, .min_percent = 1, .threads = 1};
  struct cas_compact_result result;
  bring_for_certain(scene);
  begin(scene, nth, count);
  struct cas_error error = {0};
  cas_status status = cas_store_compact(scene->t.store, &options, &result, &error);
  end(scene);
  if (status != CAS_OK && status != scene->expected) fprintf(stderr, "%s\n", error.message);
  assert_int_equal(result.damaged_segments, 0);
  check_from(scene, scene->count - 1);
  return status;
}

/* An object of which a frame is stored, and that breaks off: nobody needs the frame. */
static void break_off(struct scene *scene, unsigned number) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT};
  struct cas_ingest *ingest;
  make_object(number, &file);
  assert_int_equal(cas_ingest_begin(scene->t.store, &source, &ingest, NULL), CAS_OK);
  assert_int_equal(cas_ingest_write(ingest, slice_of_buffer(&file), NULL), CAS_OK);
  cas_ingest_abort(ingest);
}

/* A segment is written anew without what nobody needs, which comes again behind that, whether it succeeded or not. */
static cas_status drop_and_bring(struct scene *scene, uint64_t nth, uint64_t count) {
  const struct cas_compact_options options = {.seal_bytes = 1, .min_percent = 1, .threads = 1};
  struct cas_compact_result result;
  while (scene->count % 3 != 0) bring_for_certain(scene);
  (void)compact(scene->t.store); /* what was left the last time */
  const unsigned first = scene->count;
  break_off(scene, first + 1);
  bring_for_certain(scene);
  begin(scene, nth, count);
  cas_status status = cas_store_compact(scene->t.store, &options, &result, NULL);
  end(scene);
  bring_for_certain(scene);
  check_from(scene, first);
  temporary_reopen(&scene->t);
  check_from(scene, first);
  return status;
}

#endif
