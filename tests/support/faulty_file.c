/* The files of a faulty disk. */
#include <assert.h>
#include <errno.h>

#include "base/status.h"
#include "support/faulty_private.h"

struct faulty_file {
  struct io_file file; /* first */
  struct faulty_disk *disk;
  struct node *node;
};

static struct faulty_file *file_of(struct io_file *file) { return (struct faulty_file *)(void *)file; }

static void close_file(struct io_file *file) { free(file_of(file)); }

static cas_status read_file(struct io_file *file, uint64_t offset, uint8_t *bytes, size_t size, size_t *got,
                            struct cas_error *error) {
  struct faulty_file *faulty = file_of(file);
  const struct image *image = &faulty->node->present;
  pthread_mutex_lock(&faulty->disk->lock);
  int system_errno = faulty_fault(faulty->disk, FAULTY_READ);
  uint64_t rest = offset < image->size ? image->size - offset : 0;
  size_t part = size < rest ? size : (size_t)rest;
  if (system_errno == 0) {
    if (part > 0) memcpy(bytes, image->bytes + offset, part);
    *got = part;
  }
  pthread_mutex_unlock(&faulty->disk->lock);
  if (system_errno != 0) return faulty_fail(error, system_errno, "read", faulty->node->name);
  return part == size ? CAS_OK : CAS_END;
}

static void will_need(struct io_file *file, uint64_t offset, uint64_t size) {
  (void)offset; /* all is in memory */
  struct faulty_disk *disk = file_of(file)->disk;
  pthread_mutex_lock(&disk->lock);
  disk->announced += size;
  pthread_mutex_unlock(&disk->lock);
}

/* A write that fails, or during which the power goes, leaves some of its sectors. */
static cas_status write_locked(struct faulty_file *file, uint64_t offset, const struct io_block *block, size_t size,
                               struct cas_error *error) {
  struct faulty_disk *disk = file->disk;
  struct node *node = file->node;
  assert(offset % SEGMENT_BLOCK_BYTES == 0 && size % SEGMENT_BLOCK_BYTES == 0 && size <= block->capacity);
  if (node->dead) return faulty_fail(error, EIO, "write to dead file", node->name);
  bool was_off = disk->off;
  int system_errno = faulty_fault(disk, FAULTY_WRITE);
  if (system_errno == 0) {
    node_write(node, offset, block->data, size);
    return CAS_OK;
  }
  if (!was_off)
    node_write(node, offset, block->data,
               test_random_below(&disk->random, size / FAULTY_SECTOR_BYTES + 1) * FAULTY_SECTOR_BYTES);
  cas_status status = faulty_fail(error, system_errno, "write", node->name);
  if (node->failed == CAS_OK) node->failed = status;
  return disk->late_errors ? CAS_OK : status;
}

static cas_status submit(struct io_file *file, uint64_t offset, struct io_block *block, size_t size,
                         struct cas_error *error) {
  struct faulty_disk *disk = file_of(file)->disk;
  pthread_mutex_lock(&disk->lock);
  cas_status status = write_locked(file_of(file), offset, block, size, error);
  faulty_put_block(&disk->disk, block);
  pthread_mutex_unlock(&disk->lock);
  return status;
}

static cas_status sync_locked(struct faulty_file *file, struct cas_error *error) {
  struct faulty_disk *disk = file->disk;
  struct node *node = file->node;
  if (node->dead) return faulty_fail(error, EIO, "sync of dead file", node->name);
  if (node->failed != CAS_OK)
    return status_fail(error, node->failed, "faulty disk: write %s failed before", node->name);
  int system_errno = faulty_fault(disk, FAULTY_SYNC);
  if (system_errno != 0) {
    node->dead = true;
    return faulty_fail(error, system_errno, "sync", node->name);
  }
  if (!disk->lie) node_settle(node);
  return CAS_OK;
}

static cas_status sync_file(struct io_file *file, struct cas_error *error) {
  struct faulty_disk *disk = file_of(file)->disk;
  pthread_mutex_lock(&disk->lock);
  cas_status status = sync_locked(file_of(file), error);
  pthread_mutex_unlock(&disk->lock);
  return status;
}

static cas_status size_of_file(struct io_file *file, uint64_t *size, struct cas_error *error) {
  (void)error;
  struct faulty_disk *disk = file_of(file)->disk;
  pthread_mutex_lock(&disk->lock);
  *size = file_of(file)->node->present.size;
  pthread_mutex_unlock(&disk->lock);
  return CAS_OK;
}

static cas_status truncate_locked(struct faulty_file *file, uint64_t size, struct cas_error *error) {
  struct faulty_disk *disk = file->disk;
  struct node *node = file->node;
  if (node->dead) return faulty_fail(error, EIO, "cut of dead file", node->name);
  bool was_off = disk->off;
  int system_errno = faulty_fault(disk, FAULTY_TRUNCATE);
  if (system_errno == 0 || (!was_off && faulty_chance(disk, 2))) {
    image_resize(&node->present, size);
    node_settle(node);
    node->failed = CAS_OK;
  }
  return system_errno == 0 ? CAS_OK : faulty_fail(error, system_errno, "cut", node->name);
}

static cas_status truncate_file(struct io_file *file, uint64_t size, struct cas_error *error) {
  struct faulty_disk *disk = file_of(file)->disk;
  pthread_mutex_lock(&disk->lock);
  cas_status status = truncate_locked(file_of(file), size, error);
  pthread_mutex_unlock(&disk->lock);
  return status;
}

static const struct io_file_ops file_ops = {
    .close = close_file,
    .read = read_file,
    .will_need = will_need,
    .submit = submit,
    .sync = sync_file,
    .size = size_of_file,
    .truncate = truncate_file,
};

struct io_file *faulty_file_create(struct faulty_disk *disk, struct node *node) {
  struct faulty_file *made = malloc(sizeof *made);
  assert(made != NULL);
  *made = (struct faulty_file){.file = {&file_ops}, .disk = disk, .node = node};
  return &made->file;
}
