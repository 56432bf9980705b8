/* Owns the bytes. Memory that runs out ends the program: it is a test's. */
#include "support/powercut/powercut_image.h"

#include <stdbool.h>
#include <string.h>

static void resize(struct powercut_bytes *bytes, uint64_t size) {
  if (size > bytes->capacity) {
    uint64_t capacity = size + size / 2;
    uint8_t *grown = realloc(bytes->data, capacity);
    if (grown == NULL) abort();
    bytes->data = grown;
    bytes->capacity = capacity;
  }
  if (size > bytes->size) memset(bytes->data + bytes->size, 0, size - bytes->size);
  bytes->size = size;
}

static void copy(struct powercut_bytes *to, const struct powercut_bytes *from) {
  resize(to, from->size);
  if (from->size > 0) memcpy(to->data, from->data, from->size);
}

void powercut_image_fini(struct powercut_image *image) {
  free(image->durable.data);
  free(image->present.data);
  free(image->late.data);
  free(image->dirty);
  *image = (struct powercut_image){0};
}

/* What became of a sector since the last sync. */
enum { SECTOR_CLEAN, SECTOR_DIRTY, SECTOR_GIVEN_UP };

static void mark_dirty(struct powercut_image *image, uint64_t from, uint64_t to) {
  uint64_t sectors = (to + POWERCUT_SECTOR_BYTES - 1) / POWERCUT_SECTOR_BYTES;
  if (sectors > image->dirty_count) {
    image->dirty = realloc(image->dirty, sectors);
    if (image->dirty == NULL) abort();
    memset(image->dirty + image->dirty_count, 0, sectors - image->dirty_count);
    image->dirty_count = sectors;
  }
  for (uint64_t i = from / POWERCUT_SECTOR_BYTES; i < sectors; i++) image->dirty[i] = SECTOR_DIRTY;
}

void powercut_image_write(struct powercut_image *image, uint64_t offset, const void *bytes, uint64_t size) {
  if (size == 0) return;
  uint64_t old_size = image->present.size;
  if (offset + size > old_size) resize(&image->present, offset + size);
  memcpy(image->present.data + offset, bytes, size);
  mark_dirty(image, offset < old_size ? offset : old_size, offset + size);
}

void powercut_image_truncate(struct powercut_image *image, uint64_t size) {
  uint64_t old_size = image->present.size;
  resize(&image->present, size);
  if (size < image->smallest) image->smallest = size;
  if (size > old_size) mark_dirty(image, old_size, size);
}

static void settle(struct powercut_image *image) {
  if (image->dirty_count > 0) memset(image->dirty, SECTOR_CLEAN, image->dirty_count);
  image->smallest = image->present.size;
}

/* Makes a sector durable as it is; one behind the end of the file is gone. */
static void copy_sector(struct powercut_image *image, uint64_t sector) {
  uint64_t begin = sector * POWERCUT_SECTOR_BYTES, end = begin + POWERCUT_SECTOR_BYTES;
  if (end > image->present.size) end = image->present.size;
  if (begin >= end) return;
  if (end > image->durable.size) resize(&image->durable, end);
  memcpy(image->durable.data + begin, image->present.data + begin, end - begin);
}

void powercut_image_sync(struct powercut_image *image, enum powercut_honesty honesty) {
  if (honesty == POWERCUT_NEVER) return;
  if (honesty == POWERCUT_LATE) {
    copy(&image->durable, &image->late);
    copy(&image->late, &image->present);
    return;
  }
  resize(&image->durable, image->present.size);
  for (uint64_t i = 0; i < image->dirty_count; i++) {
    if (image->dirty[i] != SECTOR_DIRTY) continue;
    copy_sector(image, i);
    image->dirty[i] = SECTOR_CLEAN;
  }
  image->smallest = image->present.size;
}

void powercut_image_fail_sync(struct powercut_image *image) {
  for (uint64_t i = 0; i < image->dirty_count; i++)
    if (image->dirty[i] == SECTOR_DIRTY) image->dirty[i] = SECTOR_GIVEN_UP;
}

/* How the sectors of one file fare in one cut. */
enum fate { FATE_NONE, FATE_ALL, FATE_HALF, FATE_MOST, FATE_FIRST, FATE_LAST, FATE_COUNT };

static bool survives(struct test_random *random, enum fate fate, uint64_t sector, uint64_t border) {
  switch (fate) {
  case FATE_ALL: return true;
  case FATE_HALF: return powercut_chance(random, 2);
  case FATE_MOST: return !powercut_chance(random, 16);
  case FATE_FIRST: return sector < border;
  case FATE_LAST: return sector >= border;
  default: return false;
  }
}

/* Sizes change apart from contents: a file may be long already and hold zeros, or be cut and not yet written anew. */
static void cut_size(struct powercut_image *image, struct test_random *random) {
  if (image->smallest < image->durable.size && powercut_chance(random, 2)) resize(&image->durable, image->smallest);
  if (image->present.size > image->durable.size && powercut_chance(random, 2))
    resize(&image->durable, image->present.size);
}

void powercut_image_cut(struct powercut_image *image, struct test_random *random, struct powercut_losses *losses) {
  enum fate fate = (enum fate)test_random_below(random, FATE_COUNT);
  uint64_t sectors = (image->present.size + POWERCUT_SECTOR_BYTES - 1) / POWERCUT_SECTOR_BYTES, first = 0;
  while (first < image->dirty_count && image->dirty[first] == SECTOR_CLEAN) first++;
  uint64_t border = first >= sectors ? sectors : first + test_random_below(random, sectors - first + 1);
  cut_size(image, random);
  for (uint64_t i = first; i < image->dirty_count && i < sectors; i++) {
    if (image->dirty[i] == SECTOR_CLEAN) continue;
    if (!survives(random, fate, i, border)) {
      losses->sectors_lost++;
      continue;
    }
    losses->sectors_kept++;
    copy_sector(image, i);
  }
  copy(&image->present, &image->durable);
  copy(&image->late, &image->durable);
  settle(image);
}
