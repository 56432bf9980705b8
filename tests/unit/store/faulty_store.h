/*
 * A new store on a disk that forgets, tears and reorders what was not synced.
 *
 * Threads: one at a time.
 */
#ifndef TESTS_STORE_FAULTY_STORE_H
#define TESTS_STORE_FAULTY_STORE_H

#include "support/faulty_disk.h"
#include "support/test_random.h"
#include "synthetic.h"

static inline void faulty_store_create(struct temporary_store *t, uint64_t seed, uint64_t segment_bytes) {
  struct faulty_disk_options options = {.seed = seed, .block_bytes = 16384, .late_errors = true};
  t->seams.disk = faulty_disk_create(&options);
  assert_non_null(t->seams.disk);
  assert_int_equal(t->seams.disk->ops->make_folder(t->seams.disk, "segments", NULL), CAS_OK);
  t->options.segment_bytes = segment_bytes;
  temporary_create(t);
}

/* A shell command in which $p is the store's path. */
static inline void faulty_store_run(const struct temporary_store *t, const char *text) {
  char command[512];
  snprintf(command, sizeof command, "p='%s'; %s", t->path, text);
  assert_int_equal(system(command), 0);
}

/* Of a store that is closed. */
static inline void faulty_store_keep_index(const struct temporary_store *t) {
  faulty_store_run(t, "rm -rf $p/index.before; cp -r $p/index $p/index.before");
}

/* The index after a power cut: as new as the log, gone, or as old as when it was kept. */
static inline void faulty_store_age_index(const struct temporary_store *t, struct test_random *random) {
  uint64_t choice = test_random_below(random, 3);
  if (choice > 0) faulty_store_run(t, "rm -rf $p/index");
  if (choice > 1) faulty_store_run(t, "cp -r $p/index.before $p/index");
}

static inline void faulty_store_destroy(struct temporary_store *t) {
  temporary_destroy(t);
  faulty_disk_destroy(t->seams.disk);
}

#endif
