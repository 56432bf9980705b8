/* What faulty_disk.c, faulty_file.c and faulty_image.c share. */
#ifndef SUPPORT_FAULTY_PRIVATE_H
#define SUPPORT_FAULTY_PRIVATE_H

#include <pthread.h>

#include "base/limits.h"
#include "support/faulty_disk.h"
#include "support/test_random.h"

enum { name_bytes_max = 128, files_max = 4096 };

/* Bytes that grow. */
struct image {
  uint8_t *bytes;
  uint64_t size, capacity;
};

struct node {
  char name[name_bytes_max];
  bool exists, is_folder;
  bool dead;         /* a sync failed */
  cas_status failed; /* of a write */
  struct image durable, present;
  uint8_t *dirty; /* a byte for each sector of `present`, up to dirty_count */
  uint64_t dirty_count;
};

struct faulty_disk {
  struct io_disk disk; /* first */
  pthread_mutex_t lock;
  struct test_random random;
  size_t block_bytes;
  bool late_errors, lie;
  struct node *nodes[files_max];
  size_t node_count;
  struct io_block blocks[WRITE_BUFFER_COUNT];
  bool block_lent[WRITE_BUFFER_COUNT];
  uint64_t counts[5]; /* by kind */
  uint64_t announced;
  unsigned fail_kinds;
  uint64_t fail_in, fail_times;
  int fail_errno;
  uint64_t power_off_in; /* 0: not planned */
  bool off;
};

static inline struct faulty_disk *faulty_disk_of(const struct io_disk *disk) {
  return (struct faulty_disk *)(void *)disk;
}

static inline bool faulty_chance(struct faulty_disk *disk, uint64_t one_in) {
  return test_random_below(&disk->random, one_in) == 0;
}

/* --- faulty_image.c --- */

void image_resize(struct image *image, uint64_t size);
void node_write(struct node *node, uint64_t offset, const uint8_t *bytes, uint64_t size);
/* All that was written is durable. */
void node_settle(struct node *node);
/* The power went: some of what was written is durable. */
void node_crash(struct faulty_disk *disk, struct node *node);

/* --- faulty_disk.c; the lock is held --- */

/* Counts an operation; returns the error that it is to fail with, or 0. */
int faulty_fault(struct faulty_disk *disk, enum faulty_kind kind);
cas_status faulty_fail(struct cas_error *error, int system_errno, const char *what, const char *name);
void faulty_put_block(struct io_disk *disk, struct io_block *block);

/* --- faulty_file.c --- */

struct io_file *faulty_file_create(struct faulty_disk *disk, struct node *node);

#endif
