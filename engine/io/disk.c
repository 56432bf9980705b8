/*
 * Chooses how a folder is written, and keeps what both ways share.
 */
#include "io/disk.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "io/disk_private.h"

cas_status io_disk_open(const char *folder, bool read_only, struct io_disk **disk, struct cas_error *error) {
  if (read_only) return disk_plain_open(folder, true, "read only", disk, error);
  struct cas_error why = {0};
  cas_status status = disk_ring_open(folder, disk, &why);
  if (status == CAS_UNSUPPORTED) return disk_plain_open(folder, false, why.message, disk, error);
  if (status != CAS_OK && error != NULL) *error = why;
  return status;
}

cas_status io_disk_open_plain(const char *folder, bool read_only, struct io_disk **disk, struct cas_error *error) {
  return disk_plain_open(folder, read_only, read_only ? "read only" : "io_uring is not wanted", disk, error);
}

static const struct folder *folder_of(struct io_disk *disk) { return &((struct disk_folder *)(void *)disk)->folder; }

cas_status disk_folder_make(struct io_disk *disk, const char *name, struct cas_error *error) {
  return folder_make(folder_of(disk), name, error);
}

cas_status disk_folder_remove(struct io_disk *disk, const char *name, struct cas_error *error) {
  return folder_remove(folder_of(disk), name, error);
}

cas_status disk_folder_replace(struct io_disk *disk, const char *name, struct cas_slice content,
                               struct cas_error *error) {
  return folder_replace(folder_of(disk), name, content, error);
}

cas_status disk_folder_rename(struct io_disk *disk, const char *name, const char *new_name, struct cas_error *error) {
  return folder_rename(folder_of(disk), name, new_name, error);
}

cas_status disk_folder_list(struct io_disk *disk, const char *name, io_name_fn each, void *arg,
                            struct cas_error *error) {
  return folder_list(folder_of(disk), name, each, arg, error);
}

cas_status disk_folder_space(struct io_disk *disk, uint64_t *free_bytes, uint64_t *total_bytes,
                             struct cas_error *error) {
  return folder_space(folder_of(disk), free_bytes, total_bytes, error);
}

cas_status write_fate_check(const struct write_fate *fate, const char *name, bool for_sync, struct cas_error *error) {
  if (fate->dead) return status_fail(error, CAS_IO, "%s: takes no more writes since a sync failed", name);
  if (for_sync && fate->failed != CAS_OK) {
    if (error != NULL) *error = fate->detail;
    return fate->failed;
  }
  return CAS_OK;
}

void write_fate_note(struct write_fate *fate, cas_status status, const struct cas_error *detail) {
  if (fate->failed != CAS_OK) return;
  fate->failed = status;
  fate->detail = *detail;
}

/* What is synced into a file that has no name any more is lost with it. A file system may not count links. */
static cas_status check_links(struct write_fate *fate, int fd, const char *name, struct cas_error *error) {
  struct stat facts;
  if (fstat(fd, &facts) != 0 || (facts.st_nlink == 0 && !fate->has_name)) return CAS_OK;
  fate->has_name = true;
  if (facts.st_nlink > 0) return CAS_OK;
  fate->dead = true;
  return status_fail(error, CAS_IO, "%s: was removed while it was written", name);
}

cas_status write_fate_sync(struct write_fate *fate, int fd, const char *name, struct cas_error *error) {
  STATUS_TRY(write_fate_check(fate, name, true, error));
  if (fdatasync(fd) == 0) return check_links(fate, fd, name, error);
  fate->dead = true;
  return status_fail_errno(error, errno, "%s: sync", name);
}

cas_status write_fate_truncate(struct write_fate *fate, int fd, const char *name, uint64_t size,
                               struct cas_error *error) {
  STATUS_TRY(write_fate_check(fate, name, false, error));
  if (ftruncate(fd, (off_t)size) != 0) return status_fail_errno(error, errno, "%s: cut at %" PRIu64, name, size);
  fate->failed = CAS_OK;
  return write_fate_sync(fate, fd, name, error);
}

cas_status block_pool_init(struct block_pool *pool, struct cas_error *error) {
  uint8_t *memory = aligned_alloc(SEGMENT_BLOCK_BYTES, (size_t)WRITE_BUFFER_COUNT * WRITE_BUFFER_BYTES);
  if (memory == NULL) return status_fail(error, CAS_NO_MEMORY, "no memory for write buffers");
  *pool = (struct block_pool){.memory = memory, .free_count = WRITE_BUFFER_COUNT};
  for (uint32_t i = 0; i < WRITE_BUFFER_COUNT; i++) {
    pool->blocks[i] = (struct io_block){memory + (size_t)i * WRITE_BUFFER_BYTES, WRITE_BUFFER_BYTES, i};
    pool->free[i] = i;
  }
  return CAS_OK;
}

void block_pool_fini(struct block_pool *pool) {
  free(pool->memory);
  *pool = (struct block_pool){0};
}

struct io_block *block_pool_get(struct block_pool *pool) {
  return pool->free_count == 0 ? NULL : &pool->blocks[pool->free[--pool->free_count]];
}

void block_pool_put(struct block_pool *pool, struct io_block *block) {
  assert(block == &pool->blocks[block->index] && pool->free_count < WRITE_BUFFER_COUNT);
  pool->free[pool->free_count++] = block->index;
}
