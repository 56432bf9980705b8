/*
 * The bytes of one file, as reading sees them and as a power cut would leave them: `present` is what was written,
 * `durable` what a sync promised. A cut takes each sector that was written since the last sync into `durable` or not,
 * whatever the order in which they were written. What a sync failed to write is forgotten, as by the kernel: reading
 * shows it, and no later sync makes it durable, unless it is written again.
 */
#ifndef POWERCUT_IMAGE_H
#define POWERCUT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "support/test_random.h"

#define POWERCUT_SECTOR_BYTES 512u

/* How syncs are answered. All but HONEST are lies, with which a test must fail. */
enum powercut_honesty {
  POWERCUT_HONEST,
  POWERCUT_NEVER, /* success, and nothing becomes durable: a sync left out */
  POWERCUT_LATE,  /* success, and it becomes durable with the file's next sync: told first, synced afterwards */
};

struct powercut_bytes {
  uint8_t *data;
  uint64_t size, capacity;
};

struct powercut_image {
  struct powercut_bytes durable, present, late;
  uint64_t smallest; /* that the file was since the last sync */
  uint8_t *dirty;    /* a byte for each sector of `present`, up to dirty_count: what became of it since the last sync */
  uint64_t dirty_count;
};

/* What cuts did, for the report. */
struct powercut_losses {
  uint64_t cuts, sectors_kept, sectors_lost, entries_kept, entries_lost;
};

void powercut_image_fini(struct powercut_image *image);
void powercut_image_write(struct powercut_image *image, uint64_t offset, const void *bytes, uint64_t size);
void powercut_image_truncate(struct powercut_image *image, uint64_t size);
void powercut_image_sync(struct powercut_image *image, enum powercut_honesty honesty);
void powercut_image_fail_sync(struct powercut_image *image);
void powercut_image_cut(struct powercut_image *image, struct test_random *random, struct powercut_losses *losses);

/* One chance in `one_in`. */
static inline int powercut_chance(struct test_random *random, uint64_t one_in) {
  return test_random_below(random, one_in) == 0;
}

#endif
