/*
 * The seam between the engine and a file system. Everything that the engine itself writes goes through a disk; tests
 * put a disk here that drops, tears and refuses writes. (RocksDB has its own files beside; nothing that was
 * acknowledged depends on them.)
 *
 * Caveats
 *  - Names are relative to the disk's root folder, without ".." and with '/' between folders.
 *  - A failed sync is never retried: what was submitted since the last successful one is in doubt, and the file takes
 * no more writes, syncs or cuts (CAS_IO ever after).
 *  - A file that was removed by others while it is open fails its next sync in the same way.
 *  - A failed write is not in doubt: sync then returns the write's error without syncing, until truncate() has cut off
 *    what was written.
 *
 * Threads: a disk and reads of a file may be used by many threads; blocks, writes and sync of one file by one thread.
 */
#ifndef IO_DISK_H
#define IO_DISK_H

#include <stdbool.h>

#include "base/bytes.h"

struct io_disk;
struct io_file;

/* A piece of aligned memory that a disk can write without copying (a registered buffer under io_uring). */
struct io_block {
  uint8_t *data;
  size_t capacity; /* WRITE_BUFFER_BYTES */
  uint32_t index;  /* the disk's own */
};

enum io_open_mode {
  IO_READ,   /* existing file, reading only */
  IO_APPEND, /* existing file, reading and writing */
  IO_CREATE, /* new file, CAS_EXISTS if there; its folder entry is durable on return */
};

typedef cas_status (*io_name_fn)(void *arg, const char *name);

struct io_disk_ops {
  void (*close)(struct io_disk *disk);
  /* Says in one phrase how it writes, for the log: "io_uring, O_DIRECT", "pwrite, page cache: io_uring is forbidden".
   */
  const char *(*describe)(const struct io_disk *disk);
  cas_status (*open)(struct io_disk *disk, const char *name, enum io_open_mode mode, struct io_file **file,
                     struct cas_error *error);
  cas_status (*make_folder)(struct io_disk *disk, const char *name, struct cas_error *error); /* durable; CAS_EXISTS */
  cas_status (*remove)(struct io_disk *disk, const char *name, struct cas_error *error);      /* durable on return */
  /* Writes a whole small file so that after a crash either the old or the new content is there. Durable on return. */
  cas_status (*replace)(struct io_disk *disk, const char *name, struct cas_slice content, struct cas_error *error);
  /* Gives a file another name in the same folder, in place of what bears it. Durable on return; with the same name
   * twice, the one that it bears is. */
  cas_status (*rename)(struct io_disk *disk, const char *name, const char *new_name, struct cas_error *error);
  /* Calls `each` for every regular file in a folder and every folder in it (its name then ends in '/'), in any order;
   * stops with its status. CAS_NOT_FOUND where there is no such folder. */
  cas_status (*list)(struct io_disk *disk, const char *folder, io_name_fn each, void *arg, struct cas_error *error);
  cas_status (*space)(struct io_disk *disk, uint64_t *free_bytes, uint64_t *total_bytes, struct cas_error *error);
  /* Takes a free block, waiting for a write in flight if there is none. */
  cas_status (*block_take)(struct io_disk *disk, struct io_block **block, struct cas_error *error);
  void (*block_return)(struct io_disk *disk, struct io_block *block); /* a block that was not submitted */
};

struct io_file_ops {
  void (*close)(struct io_file *file);
  /* Reads exactly `size` bytes; CAS_END where the file ends before, with *got telling how many there were. */
  cas_status (*read)(struct io_file *file, uint64_t offset, uint8_t *bytes, size_t size, size_t *got,
                     struct cas_error *error);
  /* Says that these bytes are read soon, so that the disk may fetch them meanwhile. A hint: nothing fails, and the file
   * may end before. */
  void (*will_need)(struct io_file *file, uint64_t offset, uint64_t size);
  /* Starts writing block[0..size) at `offset`; both are multiples of SEGMENT_BLOCK_BYTES. The block belongs to the disk
   * again whatever the result. Errors may come here or at sync. */
  cas_status (*submit)(struct io_file *file, uint64_t offset, struct io_block *block, size_t size,
                       struct cas_error *error);
  /* Waits for all that was submitted and makes it, and the file's size, durable (one fdatasync). */
  cas_status (*sync)(struct io_file *file, struct cas_error *error);
  cas_status (*size)(struct io_file *file, uint64_t *size, struct cas_error *error);
  /* Waits for what was submitted and cuts the file; durable on return. Used only on a tail that holds no committed
   * group. */
  cas_status (*truncate)(struct io_file *file, uint64_t size, struct cas_error *error);
};

struct io_disk {
  const struct io_disk_ops *ops;
};
struct io_file {
  const struct io_file_ops *ops;
};

/* Opens a folder as a disk: io_uring with registered buffers, fixed files and O_DIRECT where the file system and kernel
 * have them, plain system calls where not. `read_only` needs neither ring nor blocks. */
CAS_MUST_USE cas_status io_disk_open(const char *folder, bool read_only, struct io_disk **disk,
                                     struct cas_error *error);

/* The same without io_uring and O_DIRECT, for platforms and tests. */
CAS_MUST_USE cas_status io_disk_open_plain(const char *folder, bool read_only, struct io_disk **disk,
                                           struct cas_error *error);

#endif
