/* Stores with a cold place for tests, their objects, and what must hold. */
#ifndef TESTS_STORE_TIERING_H
#define TESTS_STORE_TIERING_H

#include <sys/stat.h>

#include "cassette/tier.h"
#include "compacting.h"
#include "store/cold_place.h"
#include "support/faulty_disk.h"

/* On the faulty disk itself, whose names need no link. */
static inline void tier_on_faulty_disk(struct temporary_store *t) {
  CLEANUP_BUFFER struct cas_buffer marker = {0}, note = {0};
  struct io_disk *disk = t->seams.disk;
  assert_int_equal(cold_marker_format(&t->store->superblock.key, &marker), CAS_OK);
  assert_int_equal(cold_note_format("/the/shelf", &note), CAS_OK);
  assert_int_equal(disk->ops->make_folder(disk, "cold", NULL), CAS_OK);
  faulty_disk_put(disk, VOLUME_COLD_MARKER, slice_of_buffer(&marker));
  faulty_disk_put(disk, VOLUME_COLD_NOTE, slice_of_buffer(&note));
}

static inline void tier_beside(struct temporary_store *t, char shelf[96]) {
  struct cas_error error = {0};
  snprintf(shelf, 96, "%s/shelf", t->folder);
  assert_int_equal(mkdir(shelf, 0700), 0);
  if (cas_tier_set(t->path, shelf, &error) != CAS_OK) fail_msg("%s", error.message);
}

static inline struct cas_tier_result tier_move(struct cas_store *store) {
  struct cas_tier_result result;
  struct cas_error error = {0};
  if (cas_store_tier_move(store, NULL, &result, &error) != CAS_OK) fail_msg("%s", error.message);
  return result;
}

static inline struct cas_tier_result tier_recall(struct cas_store *store) {
  struct cas_tier_result result;
  struct cas_error error = {0};
  if (cas_store_tier_recall(store, NULL, &result, &error) != CAS_OK) fail_msg("%s", error.message);
  return result;
}

static inline struct cas_tier_status tier_status(struct cas_store *store) {
  struct cas_tier_status status;
  assert_int_equal(cas_store_tier_status(store, &status, NULL), CAS_OK);
  return status;
}

/* --- objects; two neighbours share their pixels --- */

#define OBJECTS_MAX 256u

struct tiered {
  struct temporary_store t;
  char shelf[96], elsewhere[112];
  unsigned count;
};

static inline void tiered_object(unsigned number, struct cas_buffer *file) {
  char uid[32];
  snprintf(uid, sizeof uid, "1.2.3.4.%u", number);
  struct synthetic what = {.sop_uid = uid, .pixel_seed = number / 2, .columns = 128, .rows = 128};
  synthetic_file(&what, "A", file);
}

static inline struct cas_ingest_result tiered_bring_again(struct tiered *scene, unsigned number) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  tiered_object(number, &file);
  return synthetic_import(scene->t.store, &file);
}

static inline void tiered_bring(struct tiered *scene, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    assert_true(scene->count < OBJECTS_MAX);
    assert_int_equal(tiered_bring_again(scene, scene->count++).outcome, CAS_STORED);
  }
}

static inline cas_status tiered_read(struct cas_store *store, unsigned number, unsigned version) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  char uid[32];
  snprintf(uid, sizeof uid, "1.2.3.4.%u", number);
  tiered_object(number, &file);
  return synthetic_read_back(store, uid, version, &file);
}

static inline void tiered_check(struct cas_store *store, unsigned count) {
  for (unsigned i = 0; i < count; i++) assert_int_equal(tiered_read(store, i, 1), CAS_OK);
}

static inline void tiered_check_all(struct tiered *scene) {
  tiered_check(scene->t.store, scene->count);
  check_clean(scene->t.store);
}

#endif
