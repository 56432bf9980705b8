/*
 * A disk that writes with pwrite through the page cache. It is what remains where io_uring is forbidden, and what
 * readers use, who need no ring.
 *
 * Owns the write buffers, under `lock`, and each file its descriptor.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/status.h"
#include "io/disk_private.h"

struct plain_disk {
  struct disk_folder base; /* first */
  bool read_only;
  char text[160];
  pthread_mutex_t lock;
  pthread_cond_t returned; /* a block came back */
  struct block_pool pool;  /* lock; empty if read only */
};

struct plain_file {
  struct io_file file; /* first */
  struct plain_disk *disk;
  int fd;
  struct write_fate fate;
  char name[]; /* for messages */
};

static struct plain_disk *disk_of(const struct io_disk *disk) { return (struct plain_disk *)(void *)disk; }
static struct plain_file *file_of(struct io_file *file) { return (struct plain_file *)(void *)file; }

static void put_block(struct io_disk *disk, struct io_block *block) {
  struct plain_disk *plain = disk_of(disk);
  pthread_mutex_lock(&plain->lock);
  block_pool_put(&plain->pool, block);
  pthread_cond_signal(&plain->returned);
  pthread_mutex_unlock(&plain->lock);
}

static cas_status take_block(struct io_disk *disk, struct io_block **block, struct cas_error *error) {
  struct plain_disk *plain = disk_of(disk);
  if (plain->read_only) return status_fail(error, CAS_INVALID, "%s is open for reading only", plain->base.folder.path);
  pthread_mutex_lock(&plain->lock);
  struct io_block *taken;
  while ((taken = block_pool_get(&plain->pool)) == NULL) pthread_cond_wait(&plain->returned, &plain->lock);
  pthread_mutex_unlock(&plain->lock);
  *block = taken;
  return CAS_OK;
}

static void close_file(struct io_file *file) {
  close(file_of(file)->fd);
  free(file);
}

static cas_status read_file(struct io_file *file, uint64_t offset, uint8_t *bytes, size_t size, size_t *got,
                            struct cas_error *error) {
  return folder_read(file_of(file)->fd, file_of(file)->name, offset, bytes, size, got, error);
}

static void will_need(struct io_file *file, uint64_t offset, uint64_t size) {
  folder_will_need(file_of(file)->fd, offset, size);
}

static cas_status submit(struct io_file *file, uint64_t offset, struct io_block *block, size_t size,
                         struct cas_error *error) {
  struct plain_file *plain = file_of(file);
  struct cas_error detail = {0};
  cas_status status = write_fate_check(&plain->fate, plain->name, false, &detail);
  if (status == CAS_OK) {
    status = folder_write(plain->fd, plain->name, offset, block->data, size, &detail);
    if (status != CAS_OK) write_fate_note(&plain->fate, status, &detail);
  }
  put_block(&plain->disk->base.disk, block);
  if (status != CAS_OK && error != NULL) *error = detail;
  return status;
}

static cas_status sync_file(struct io_file *file, struct cas_error *error) {
  struct plain_file *plain = file_of(file);
  return write_fate_sync(&plain->fate, plain->fd, plain->name, error);
}

static cas_status size_of_file(struct io_file *file, uint64_t *size, struct cas_error *error) {
  return folder_file_size(file_of(file)->fd, file_of(file)->name, size, error);
}

static cas_status truncate_file(struct io_file *file, uint64_t size, struct cas_error *error) {
  struct plain_file *plain = file_of(file);
  return write_fate_truncate(&plain->fate, plain->fd, plain->name, size, error);
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

static cas_status open_file(struct io_disk *disk, const char *name, enum io_open_mode mode, struct io_file **file,
                            struct cas_error *error) {
  struct plain_disk *plain = disk_of(disk);
  if (plain->read_only && mode != IO_READ)
    return status_fail(error, CAS_INVALID, "%s is open for reading only", plain->base.folder.path);
  size_t name_bytes = strlen(name) + 1;
  struct plain_file *made = calloc(1, sizeof *made + name_bytes);
  if (made == NULL) return status_fail(error, CAS_NO_MEMORY, "%s: no memory", name);
  *made = (struct plain_file){.file = {&file_ops}, .disk = plain};
  memcpy(made->name, name, name_bytes);
  cas_status status = folder_open_file(&plain->base.folder, name, mode, &made->fd, error);
  if (status != CAS_OK) {
    free(made);
    return status;
  }
  *file = &made->file;
  return CAS_OK;
}

static void close_disk(struct io_disk *disk) {
  struct plain_disk *plain = disk_of(disk);
  block_pool_fini(&plain->pool);
  pthread_cond_destroy(&plain->returned);
  pthread_mutex_destroy(&plain->lock);
  folder_close(&plain->base.folder);
  free(plain);
}

static const char *describe(const struct io_disk *disk) { return disk_of(disk)->text; }

static const struct io_disk_ops disk_ops = {
    .close = close_disk,
    .describe = describe,
    .open = open_file,
    .make_folder = disk_folder_make,
    .remove = disk_folder_remove,
    .replace = disk_folder_replace,
    .rename = disk_folder_rename,
    .list = disk_folder_list,
    .space = disk_folder_space,
    .block_take = take_block,
    .block_return = put_block,
};

cas_status disk_plain_open(const char *path, bool read_only, const char *why, struct io_disk **disk,
                           struct cas_error *error) {
  struct plain_disk *plain = calloc(1, sizeof *plain);
  if (plain == NULL) return status_fail(error, CAS_NO_MEMORY, "%s: no memory", path);
  cas_status status = read_only ? CAS_OK : block_pool_init(&plain->pool, error);
  if (status == CAS_OK) status = folder_open(path, &plain->base.folder, error);
  if (status != CAS_OK) {
    block_pool_fini(&plain->pool);
    free(plain);
    return status;
  }
  plain->base.disk.ops = &disk_ops;
  plain->read_only = read_only;
  snprintf(plain->text, sizeof plain->text, "pwrite, page cache: %s", why);
  pthread_mutex_init(&plain->lock, NULL);
  pthread_cond_init(&plain->returned, NULL);
  *disk = &plain->base.disk;
  return CAS_OK;
}
