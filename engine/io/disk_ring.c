/*
 * A disk that writes with io_uring: registered buffers, fixed files, O_DIRECT, each where the system allows it.
 *
 * Owns the ring and the write buffers, under `lock`; each file owns two descriptors, one to write (O_DIRECT) and one to
 * read through the page cache.
 *
 * Invariants
 *  1. A block is free, lent to the caller, or in flight for one file; `in_flight` of a file counts the last kind.
 *  2. sync, truncate and close of a file begin when nothing of it is in flight.
 *  3. Completions are taken only under `lock`; who waits for one holds it. With one writing thread, which is the rule,
 *     nobody else is kept waiting.
 *  4. A ring that fails as such is never used again: `broken`.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <liburing.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/status.h"
#include "io/disk_private.h"

/* Segments that are written at the same time: one, and a second while the writer rolls over. */
enum { slot_count = 4 };

enum { queue_length = 8 };
static_assert(WRITE_BUFFER_COUNT <= queue_length, "each block in flight has an entry");

struct ring_file;

struct flight {
  struct ring_file *file;
  uint64_t offset;
  size_t size;
};

struct ring_disk {
  struct disk_folder base; /* first */
  char text[160];
  bool direct;
  bool buffers_registered;
  bool files_registered;
  pthread_mutex_t lock;
  /* All below under lock. */
  struct io_uring ring;
  int broken; /* errno of the ring's own failure, or 0 */
  struct block_pool pool;
  struct flight flights[WRITE_BUFFER_COUNT];
  bool slot_used[slot_count];
};

struct ring_file {
  struct io_file file; /* first */
  struct ring_disk *disk;
  int read_fd;
  int fd;                 /* -1 if open for reading only */
  int slot;               /* in the table of fixed files, -1 if none */
  uint32_t in_flight;     /* disk->lock */
  struct write_fate fate; /* disk->lock */
  char name[];            /* for messages */
};

static struct ring_disk *disk_of(const struct io_disk *disk) { return (struct ring_disk *)(void *)disk; }
static struct ring_file *file_of(struct io_file *file) { return (struct ring_file *)(void *)file; }

static cas_status fail_broken(const struct ring_disk *disk, struct cas_error *error) {
  return status_fail_errno(error, disk->broken, "%s: io_uring", disk->base.folder.path);
}

/* --- completions; lock is held --- */

/* The kernel wrote `done` bytes: writes the rest in the plain way, which also finds the reason why it stopped. */
static void finish_write(const struct flight *flight, const uint8_t *bytes, size_t done) {
  struct ring_file *file = flight->file;
  struct cas_error detail = {0};
  cas_status status =
      folder_write(file->fd, file->name, flight->offset + done, bytes + done, flight->size - done, &detail);
  if (status != CAS_OK) write_fate_note(&file->fate, status, &detail);
}

static void complete_write(struct ring_disk *disk, uint32_t index, int result) {
  struct flight *flight = &disk->flights[index];
  struct ring_file *file = flight->file;
  if (result == -EINVAL && disk->direct) {
    /* The file system took the flag but not the write. */
    fcntl(file->fd, F_SETFL, fcntl(file->fd, F_GETFL) & ~O_DIRECT);
    result = 0;
  }
  if (result == -EAGAIN || result == -EINTR) result = 0;
  if (result < 0) {
    struct cas_error detail = {0};
    cas_status status = status_fail_errno(&detail, -result, "%s: write at %" PRIu64, file->name, flight->offset);
    write_fate_note(&file->fate, status, &detail);
  } else if ((size_t)result < flight->size) {
    finish_write(flight, disk->pool.blocks[index].data, (size_t)result);
  }
  file->in_flight--;
  flight->file = NULL;
  block_pool_put(&disk->pool, &disk->pool.blocks[index]);
}

static void take_completion(struct ring_disk *disk, struct io_uring_cqe *cqe) {
  complete_write(disk, (uint32_t)cqe->user_data, cqe->res);
  io_uring_cqe_seen(&disk->ring, cqe);
}

/* Waits for one completion. False: the ring is broken. */
static bool wait_completion(struct ring_disk *disk) {
  while (disk->broken == 0) {
    struct io_uring_cqe *cqe;
    int result = io_uring_wait_cqe(&disk->ring, &cqe);
    if (result == 0) {
      take_completion(disk, cqe);
      return true;
    }
    if (result != -EINTR && result != -EAGAIN) disk->broken = -result;
  }
  return false;
}

static bool drain(struct ring_file *file) {
  while (file->in_flight > 0)
    if (!wait_completion(file->disk)) return false;
  return true;
}

/* Hands the prepared entries to the kernel. */
static bool push(struct ring_disk *disk) {
  for (;;) {
    int result = io_uring_submit(&disk->ring);
    if (result >= 0) return true;
    if (result != -EINTR && result != -EAGAIN && result != -EBUSY) disk->broken = -result;
    if (disk->broken != 0) return false;
    struct io_uring_cqe *cqe;
    if (io_uring_peek_cqe(&disk->ring, &cqe) == 0) take_completion(disk, cqe);
  }
}

/* --- blocks --- */

static cas_status take_block(struct io_disk *disk, struct io_block **block, struct cas_error *error) {
  struct ring_disk *ring = disk_of(disk);
  struct io_block *taken;
  pthread_mutex_lock(&ring->lock);
  while ((taken = block_pool_get(&ring->pool)) == NULL)
    if (!wait_completion(ring)) break;
  cas_status status = taken == NULL ? fail_broken(ring, error) : CAS_OK;
  pthread_mutex_unlock(&ring->lock);
  if (taken != NULL) *block = taken;
  return status;
}

static void put_block(struct io_disk *disk, struct io_block *block) {
  struct ring_disk *ring = disk_of(disk);
  pthread_mutex_lock(&ring->lock);
  block_pool_put(&ring->pool, block);
  pthread_mutex_unlock(&ring->lock);
}

/* --- files --- */

static void close_file(struct io_file *file) {
  struct ring_file *ring = file_of(file);
  struct ring_disk *disk = ring->disk;
  if (ring->fd >= 0) {
    pthread_mutex_lock(&disk->lock);
    drain(ring);
    if (ring->slot >= 0) {
      io_uring_register_files_update(&disk->ring, (unsigned)ring->slot, &(int){-1}, 1);
      disk->slot_used[ring->slot] = false;
    }
    pthread_mutex_unlock(&disk->lock);
    close(ring->fd);
  }
  close(ring->read_fd);
  free(ring);
}

static cas_status read_file(struct io_file *file, uint64_t offset, uint8_t *bytes, size_t size, size_t *got,
                            struct cas_error *error) {
  return folder_read(file_of(file)->read_fd, file_of(file)->name, offset, bytes, size, got, error);
}

static void will_need(struct io_file *file, uint64_t offset, uint64_t size) {
  folder_will_need(file_of(file)->read_fd, offset, size);
}

static void prepare_write(struct ring_file *file, struct io_uring_sqe *sqe, const struct io_block *block, size_t size,
                          uint64_t offset) {
  int fd = file->slot >= 0 ? file->slot : file->fd;
  if (file->disk->buffers_registered)
    io_uring_prep_write_fixed(sqe, fd, block->data, (unsigned)size, offset, (int)block->index);
  else
    io_uring_prep_write(sqe, fd, block->data, (unsigned)size, offset);
  if (file->slot >= 0) sqe->flags |= IOSQE_FIXED_FILE;
  sqe->user_data = block->index;
}

/* Starts the write. Only the last block of a group is short, and a sync follows it at once: where it is the group's
 * only one it is written here, which costs less than to have the kernel's ring threads do it. */
static cas_status start_write(struct ring_file *file, uint64_t offset, struct io_block *block, size_t size,
                              struct cas_error *error) {
  struct ring_disk *disk = file->disk;
  bool at_once = size < block->capacity && file->in_flight == 0;
  struct io_uring_sqe *sqe = at_once ? NULL : io_uring_get_sqe(&disk->ring);
  if (sqe == NULL && !at_once) {
    block_pool_put(&disk->pool, block);
    return status_fail(error, CAS_IO, "%s: the ring is full", file->name);
  }
  disk->flights[block->index] = (struct flight){file, offset, size};
  file->in_flight++;
  if (at_once) {
    complete_write(disk, block->index, 0);
    return CAS_OK;
  }
  prepare_write(file, sqe, block, size, offset);
  return push(disk) ? CAS_OK : fail_broken(disk, error);
}

static cas_status submit_locked(struct ring_file *file, uint64_t offset, struct io_block *block, size_t size,
                                struct cas_error *error) {
  struct ring_disk *disk = file->disk;
  cas_status status = write_fate_check(&file->fate, file->name, false, error);
  if (status == CAS_OK && disk->broken != 0) status = fail_broken(disk, error);
  if (status != CAS_OK)
    block_pool_put(&disk->pool, block);
  else
    status = start_write(file, offset, block, size, error);
  if (status != CAS_OK) write_fate_note(&file->fate, status, error);
  return status;
}

static cas_status submit(struct io_file *file, uint64_t offset, struct io_block *block, size_t size,
                         struct cas_error *error) {
  struct ring_disk *disk = file_of(file)->disk;
  struct cas_error detail = {0};
  pthread_mutex_lock(&disk->lock);
  cas_status status = submit_locked(file_of(file), offset, block, size, &detail);
  pthread_mutex_unlock(&disk->lock);
  if (status != CAS_OK && error != NULL) *error = detail;
  return status;
}

static cas_status sync_locked(struct ring_file *file, struct cas_error *error) {
  if (!drain(file)) return fail_broken(file->disk, error);
  return write_fate_sync(&file->fate, file->fd, file->name, error);
}

static cas_status sync_file(struct io_file *file, struct cas_error *error) {
  struct ring_disk *disk = file_of(file)->disk;
  pthread_mutex_lock(&disk->lock);
  cas_status status = sync_locked(file_of(file), error);
  pthread_mutex_unlock(&disk->lock);
  return status;
}

static cas_status truncate_file(struct io_file *file, uint64_t size, struct cas_error *error) {
  struct ring_file *ring = file_of(file);
  pthread_mutex_lock(&ring->disk->lock);
  cas_status status = drain(ring) ? write_fate_truncate(&ring->fate, ring->fd, ring->name, size, error)
                                  : fail_broken(ring->disk, error);
  pthread_mutex_unlock(&ring->disk->lock);
  return status;
}

static cas_status size_of_file(struct io_file *file, uint64_t *size, struct cas_error *error) {
  return folder_file_size(file_of(file)->read_fd, file_of(file)->name, size, error);
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

/* Puts a file that is to be written into the table of fixed files if there is room. */
static void fix_file(struct ring_file *file) {
  struct ring_disk *disk = file->disk;
  pthread_mutex_lock(&disk->lock);
  for (int slot = 0; disk->files_registered && slot < slot_count; slot++) {
    if (disk->slot_used[slot]) continue;
    if (io_uring_register_files_update(&disk->ring, (unsigned)slot, &file->fd, 1) == 1) {
      disk->slot_used[slot] = true;
      file->slot = slot;
    }
    break;
  }
  pthread_mutex_unlock(&disk->lock);
}

static cas_status open_descriptors(struct ring_file *file, enum io_open_mode mode, struct cas_error *error) {
  const struct folder *folder = &file->disk->base.folder;
  if (mode != IO_READ) {
    STATUS_TRY(folder_open_file(folder, file->name, mode, &file->fd, error));
    if (file->disk->direct) fcntl(file->fd, F_SETFL, fcntl(file->fd, F_GETFL) | O_DIRECT); /* or not: no harm */
  }
  cas_status status = folder_open_file(folder, file->name, IO_READ, &file->read_fd, error);
  if (status == CAS_OK) return CAS_OK;
  if (mode != IO_READ) close(file->fd);
  return status;
}

static cas_status open_file(struct io_disk *disk, const char *name, enum io_open_mode mode, struct io_file **file,
                            struct cas_error *error) {
  size_t name_bytes = strlen(name) + 1;
  struct ring_file *made = calloc(1, sizeof *made + name_bytes);
  if (made == NULL) return status_fail(error, CAS_NO_MEMORY, "%s: no memory", name);
  *made = (struct ring_file){.file = {&file_ops}, .disk = disk_of(disk), .read_fd = -1, .fd = -1, .slot = -1};
  memcpy(made->name, name, name_bytes);
  cas_status status = open_descriptors(made, mode, error);
  if (status != CAS_OK) {
    free(made);
    return status;
  }
  if (mode != IO_READ) fix_file(made);
  *file = &made->file;
  return CAS_OK;
}

/* --- the disk --- */

static void close_disk(struct io_disk *disk) {
  struct ring_disk *ring = disk_of(disk);
  io_uring_queue_exit(&ring->ring);
  block_pool_fini(&ring->pool);
  pthread_mutex_destroy(&ring->lock);
  folder_close(&ring->base.folder);
  free(ring);
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

static void register_resources(struct ring_disk *disk) {
  struct iovec buffers[WRITE_BUFFER_COUNT];
  for (size_t i = 0; i < WRITE_BUFFER_COUNT; i++)
    buffers[i] = (struct iovec){disk->pool.blocks[i].data, disk->pool.blocks[i].capacity};
  int files[slot_count];
  for (size_t i = 0; i < slot_count; i++) files[i] = -1;
  disk->buffers_registered = io_uring_register_buffers(&disk->ring, buffers, WRITE_BUFFER_COUNT) == 0;
  disk->files_registered = io_uring_register_files(&disk->ring, files, slot_count) == 0;
}

static cas_status prepare(struct ring_disk *disk, const char *path, struct cas_error *error) {
  STATUS_TRY(block_pool_init(&disk->pool, error));
  memset(disk->pool.memory, 0, SEGMENT_BLOCK_BYTES); /* what the probe of O_DIRECT writes */
  STATUS_TRY(folder_open(path, &disk->base.folder, error));
  int result = io_uring_queue_init(queue_length, &disk->ring, 0);
  if (result < 0) {
    folder_close(&disk->base.folder);
    char reason[64];
    return status_fail(error, CAS_UNSUPPORTED, "no io_uring (%s)", strerror_r(-result, reason, sizeof reason));
  }
  return CAS_OK;
}

cas_status disk_ring_open(const char *path, struct io_disk **disk, struct cas_error *error) {
  struct ring_disk *ring = calloc(1, sizeof *ring);
  if (ring == NULL) return status_fail(error, CAS_NO_MEMORY, "%s: no memory", path);
  cas_status status = prepare(ring, path, error);
  if (status != CAS_OK) {
    block_pool_fini(&ring->pool);
    free(ring);
    return status;
  }
  ring->base.disk.ops = &disk_ops;
  register_resources(ring);
  ring->direct = folder_writes_direct(&ring->base.folder, ring->pool.memory, SEGMENT_BLOCK_BYTES);
  snprintf(ring->text, sizeof ring->text, "io_uring, %s%s%s", ring->direct ? "O_DIRECT" : "page cache",
           ring->buffers_registered ? ", registered buffers" : "", ring->files_registered ? ", fixed files" : "");
  pthread_mutex_init(&ring->lock, NULL);
  *disk = &ring->base.disk;
  return CAS_OK;
}
