/*
 * How fast are tiny instances stored, and what does a store with very many of them cost? Fills a store over the public
 * interface with COUNT synthetic images of 8 x 8 pixels, each with a header and pixels of its own, and prints one line
 * of figures. Whoever needs a huge listing or a huge index makes it with this:
 *
 *   build/test/bench/tiny_instances STORE COUNT [PER_SERIES [FROM]]
 *
 * STORE is made where it is missing, else filled further: instance N is always the same, so that a second run with the
 * same COUNT stores duplicates only, and one with FROM = COUNT of the run before and a greater COUNT what is missing.
 * PER_SERIES (default 100) instances make a series, four series a study, two studies a patient; PER_SERIES = COUNT
 * gives one folder with all.
 */
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "cassette/ingest.h"

#define CT_IMAGE "1.2.840.10008.5.1.4.1.1.2"
#define EXPLICIT_LE "1.2.840.10008.1.2.1"
#define UNDER_WAY_MAX 1024
#define OBJECT_BYTES_MAX 2048

struct filling {
  struct cas_store *store;
  uint64_t from, count, per_series;
  atomic_uint_least64_t next, stored, duplicates, failed, bytes;
  sem_t room; /* a place for each instance that is under way */
};

struct object {
  uint8_t bytes[OBJECT_BYTES_MAX];
  size_t size;
};

/* Explicit VR little endian (PS3.5 7.1.2), padded to even length. */
static void put_bytes(struct object *object, uint32_t tag, const char *vr, const void *value, size_t size) {
  size_t padded = size + (size & 1), head = strcmp(vr, "OW") == 0 ? 12 : 8;
  uint8_t *at = object->bytes + object->size;
  if (head + padded > OBJECT_BYTES_MAX - object->size) abort();
  memset(at, 0, head + padded);
  at[0] = (uint8_t)(tag >> 16), at[1] = (uint8_t)(tag >> 24), at[2] = (uint8_t)tag, at[3] = (uint8_t)(tag >> 8);
  memcpy(at + 4, vr, 2);
  at[head == 12 ? 8 : 6] = (uint8_t)padded;
  at[head == 12 ? 9 : 7] = (uint8_t)(padded >> 8);
  memcpy(at + head, value, size);
  if (padded > size && strcmp(vr, "UI") != 0) at[head + size] = ' ';
  object->size += head + padded;
}

static void put_text(struct object *object, uint32_t tag, const char *vr, const char *value) {
  put_bytes(object, tag, vr, value, strlen(value));
}

static void put_short(struct object *object, uint32_t tag, uint16_t value) {
  uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
  put_bytes(object, tag, "US", bytes, sizeof bytes);
}

static void put_number(struct object *object, uint32_t tag, const char *vr, const char *before, uint64_t number) {
  char text[64];
  snprintf(text, sizeof text, "%s%08" PRIu64, before, number);
  put_text(object, tag, vr, text);
}

static void put_meta(struct object *object, const char *uid) {
  struct object meta = {0};
  memcpy(object->bytes + 128, "DICM", 4);
  object->size = 132;
  put_text(&meta, 0x00020002, "UI", CT_IMAGE);
  put_text(&meta, 0x00020003, "UI", uid);
  put_text(&meta, 0x00020010, "UI", EXPLICIT_LE);
  uint8_t length[4] = {(uint8_t)meta.size, (uint8_t)(meta.size >> 8), 0, 0};
  put_bytes(object, 0x00020000, "UL", length, sizeof length);
  memcpy(object->bytes + object->size, meta.bytes, meta.size);
  object->size += meta.size;
}

static void make_object(const struct filling *filling, uint64_t number, struct object *object) {
  uint64_t series = number / filling->per_series, study = series / 4, patient = study / 2, state = number + 1;
  uint8_t pixels[128];
  char uid[96];
  snprintf(uid, sizeof uid, "1.2.3.%" PRIu64 ".%" PRIu64 ".%" PRIu64, study, series, number);
  memset(object, 0, sizeof *object);
  put_meta(object, uid);
  put_text(object, 0x00080016, "UI", CT_IMAGE);
  put_text(object, 0x00080018, "UI", uid);
  put_number(object, 0x00080020, "DA", "", 20240101 + study % 12 * 100);
  put_text(object, 0x00080060, "CS", "CT");
  put_text(object, 0x00081030, "LO", "Chest");
  put_text(object, 0x0008103E, "LO", "Axial 1 mm");
  put_number(object, 0x00100010, "PN", "Synthetic^Patient ", patient);
  put_number(object, 0x00100020, "LO", "T", patient);
  snprintf(uid, sizeof uid, "1.2.3.%" PRIu64, study);
  put_text(object, 0x0020000D, "UI", uid);
  snprintf(uid, sizeof uid, "1.2.3.%" PRIu64 ".%" PRIu64, study, series);
  put_text(object, 0x0020000E, "UI", uid);
  put_number(object, 0x00200011, "IS", "", series % 4 + 1);
  put_number(object, 0x00200013, "IS", "", number % filling->per_series + 1);
  put_short(object, 0x00280002, 1);
  put_text(object, 0x00280004, "CS", "MONOCHROME2");
  put_short(object, 0x00280010, 8);
  put_short(object, 0x00280011, 8);
  put_short(object, 0x00280100, 16);
  put_short(object, 0x00280101, 12);
  put_short(object, 0x00280102, 11);
  put_short(object, 0x00280103, 0);
  for (size_t i = 0; i < sizeof pixels; i += 2) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    pixels[i] = (uint8_t)(state >> 56), pixels[i + 1] = (uint8_t)(state >> 52 & 0x0f);
  }
  put_bytes(object, 0x7FE00010, "OW", pixels, sizeof pixels);
}

static void done(void *arg, cas_status status, const struct cas_ingest_result *result, const struct cas_error *error) {
  struct filling *filling = arg;
  if (status != CAS_OK) {
    if (atomic_fetch_add(&filling->failed, 1) == 0) fprintf(stderr, "tiny_instances: %s\n", error->message);
  } else {
    atomic_fetch_add(result->outcome == CAS_DUPLICATE ? &filling->duplicates : &filling->stored, 1);
  }
  sem_post(&filling->room);
}

static cas_status store_one(struct filling *filling, const struct object *object, struct cas_error *error) {
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT, .description = "synthetic"};
  struct cas_ingest *ingest;
  cas_status status = cas_ingest_begin(filling->store, &source, &ingest, error);
  if (status != CAS_OK) return status;
  status = cas_ingest_write(ingest, (struct cas_slice){.data = object->bytes, .size = object->size}, error);
  if (status != CAS_OK) {
    cas_ingest_abort(ingest);
    return status;
  }
  atomic_fetch_add(&filling->bytes, object->size);
  return cas_ingest_commit_async(ingest, done, filling, error);
}

static void *fill(void *arg) {
  struct filling *filling = arg;
  struct object object;
  uint64_t number;
  while (atomic_load(&filling->failed) == 0 && (number = atomic_fetch_add(&filling->next, 1)) < filling->count) {
    struct cas_error error = {0};
    make_object(filling, number, &object);
    while (sem_wait(&filling->room) != 0) continue;
    cas_status status = store_one(filling, &object, &error);
    if (status != CAS_OK) done(filling, status, NULL, &error);
  }
  return NULL;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int run(struct filling *filling, const char *path) {
  pthread_t threads[2];
  struct rusage usage;
  double begin = now();
  sem_init(&filling->room, 0, UNDER_WAY_MAX);
  for (int i = 0; i < 2; i++)
    if (pthread_create(&threads[i], NULL, fill, filling) != 0) abort();
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < UNDER_WAY_MAX; i++)
    while (sem_wait(&filling->room) != 0) continue;
  cas_store_close(filling->store);
  double seconds = now() - begin;
  getrusage(RUSAGE_SELF, &usage);
  printf("%s: %" PRIu64 " stored, %" PRIu64 " duplicates, %" PRIu64 " failed, %.1f MB in %.1f s (%.0f/s, durable), "
         "peak %.0f MB of memory\n",
         path, atomic_load(&filling->stored), atomic_load(&filling->duplicates), atomic_load(&filling->failed),
         (double)atomic_load(&filling->bytes) / 1e6, seconds, (double)(filling->count - filling->from) / seconds,
         (double)usage.ru_maxrss / 1e3);
  return atomic_load(&filling->failed) == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
  struct filling filling = {.count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0,
                            .per_series = argc > 3 ? strtoull(argv[3], NULL, 10) : 100,
                            .from = argc > 4 ? strtoull(argv[4], NULL, 10) : 0};
  struct cas_store_options options = {.mode = CAS_OPEN_WRITE};
  struct cas_error error = {0};
  if (filling.from >= filling.count || filling.per_series == 0) {
    fprintf(stderr, "usage: tiny_instances STORE COUNT [PER_SERIES [FROM]]\n");
    return 2;
  }
  atomic_init(&filling.next, filling.from);
  cas_status status = cas_store_open(argv[1], &options, &filling.store, &error);
  if (status == CAS_NOT_FOUND) {
    status = cas_store_init(argv[1], &error);
    if (status == CAS_OK) status = cas_store_open(argv[1], &options, &filling.store, &error);
  }
  if (status != CAS_OK) {
    fprintf(stderr, "tiny_instances: %s\n", error.message);
    return 1;
  }
  return run(&filling, argv[1]);
}
