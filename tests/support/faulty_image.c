/*
 * Owns every file as two images: `durable`, what a power cut cannot take away, and `present`, what reading sees; and
 * for each sector of `present` whether it was written since the last sync. A power cut takes each such sector into
 * `durable` or not, whatever the order in which they were written.
 */
#include <assert.h>

#include "support/faulty_private.h"

void image_resize(struct image *image, uint64_t size) {
  if (size > image->capacity) {
    uint64_t capacity = size + size / 2;
    image->bytes = realloc(image->bytes, capacity);
    assert(image->bytes != NULL);
    image->capacity = capacity;
  }
  if (size > image->size) memset(image->bytes + image->size, 0, size - image->size);
  image->size = size;
}

static void image_copy(struct image *to, const struct image *from) {
  image_resize(to, from->size);
  if (from->size > 0) memcpy(to->bytes, from->bytes, from->size);
}

void node_write(struct node *node, uint64_t offset, const uint8_t *bytes, uint64_t size) {
  if (size == 0) return;
  if (offset + size > node->present.size) image_resize(&node->present, offset + size);
  memcpy(node->present.bytes + offset, bytes, size);
  uint64_t sectors = (node->present.size + FAULTY_SECTOR_BYTES - 1) / FAULTY_SECTOR_BYTES;
  if (sectors > node->dirty_count) {
    node->dirty = realloc(node->dirty, sectors);
    assert(node->dirty != NULL);
    memset(node->dirty + node->dirty_count, 0, sectors - node->dirty_count);
    node->dirty_count = sectors;
  }
  for (uint64_t i = offset / FAULTY_SECTOR_BYTES; i * FAULTY_SECTOR_BYTES < offset + size; i++) node->dirty[i] = 1;
}

void node_settle(struct node *node) {
  image_copy(&node->durable, &node->present);
  if (node->dirty_count > 0) memset(node->dirty, 0, node->dirty_count);
}

/* How the sectors of one file fare in one power cut. */
enum fate { FATE_NONE, FATE_ALL, FATE_HALF, FATE_MOST, FATE_FIRST, FATE_LAST, FATE_COUNT };

static bool survives(struct faulty_disk *disk, enum fate fate, uint64_t sector, uint64_t cut) {
  switch (fate) {
  case FATE_ALL: return true;
  case FATE_HALF: return faulty_chance(disk, 2);
  case FATE_MOST: return !faulty_chance(disk, 16);
  case FATE_FIRST: return sector < cut;
  case FATE_LAST: return sector >= cut;
  default: return false;
  }
}

/* Some of the dirty sectors become durable. Of those that do not, some leave the file longer, with zeros or rubbish. */
void node_crash(struct faulty_disk *disk, struct node *node) {
  enum fate fate = (enum fate)test_random_below(&disk->random, FATE_COUNT);
  uint64_t sectors = (node->present.size + FAULTY_SECTOR_BYTES - 1) / FAULTY_SECTOR_BYTES;
  uint64_t first = 0;
  while (first < node->dirty_count && node->dirty[first] == 0) first++;
  uint64_t cut = first >= sectors ? sectors : first + test_random_below(&disk->random, sectors - first + 1);
  bool rubbish = faulty_chance(disk, 4);
  uint64_t durable_size = node->durable.size;
  if (node->present.size > durable_size && faulty_chance(disk, 2)) image_resize(&node->durable, node->present.size);
  for (uint64_t i = first; i < node->dirty_count && i < sectors; i++) {
    uint64_t begin = i * FAULTY_SECTOR_BYTES, end = begin + FAULTY_SECTOR_BYTES;
    if (node->dirty[i] == 0) continue;
    if (end > node->present.size) end = node->present.size;
    if (survives(disk, fate, i, cut)) {
      if (end > node->durable.size) image_resize(&node->durable, end);
      memcpy(node->durable.bytes + begin, node->present.bytes + begin, end - begin);
    } else if (rubbish && begin >= durable_size && end <= node->durable.size) {
      for (uint64_t at = begin; at < end; at++) node->durable.bytes[at] = (uint8_t)test_random_next(&disk->random);
    }
  }
  image_copy(&node->present, &node->durable);
  if (node->dirty_count > 0) memset(node->dirty, 0, node->dirty_count);
  node->dead = false;
  node->failed = CAS_OK;
}
