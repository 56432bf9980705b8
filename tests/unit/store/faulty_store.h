/*
 * A new store on a disk that forgets, tears and reorders what was not synced.
 *
 * Threads: one at a time.
 */
#ifndef TESTS_STORE_FAULTY_STORE_H
#define TESTS_STORE_FAULTY_STORE_H

#include "support/faulty_disk.h"
#include "synthetic.h"

static inline void faulty_store_create(struct temporary_store *t, uint64_t seed, uint64_t segment_bytes) {
  struct faulty_disk_options options = {.seed = seed, .block_bytes = 16384, .late_errors = true};
  t->seams.disk = faulty_disk_create(&options);
  assert_non_null(t->seams.disk);
  assert_int_equal(t->seams.disk->ops->make_folder(t->seams.disk, "segments", NULL), CAS_OK);
  t->options.segment_bytes = segment_bytes;
  temporary_create(t);
}

static inline void faulty_store_destroy(struct temporary_store *t) {
  temporary_destroy(t);
  faulty_disk_destroy(t->seams.disk);
}

#endif
