/*
 * What the two disks over a real folder, disk_plain.c and disk_ring.c, have in common.
 */
#ifndef IO_DISK_PRIVATE_H
#define IO_DISK_PRIVATE_H

#include "base/limits.h"
#include "io/folder.h"

/* Opens a folder with io_uring; CAS_UNSUPPORTED with the reason in `error` where the system has or allows none. */
CAS_MUST_USE cas_status disk_ring_open(const char *path, struct io_disk **disk, struct cas_error *error);

/* `why` is a phrase for describe(), copied. */
CAS_MUST_USE cas_status disk_plain_open(const char *path, bool read_only, const char *why, struct io_disk **disk,
                                        struct cas_error *error);

/* A disk over a folder begins with this, so that the operations on names are shared. */
struct disk_folder {
  struct io_disk disk; /* first: a struct io_disk * of these disks points here */
  struct folder folder;
};

cas_status disk_folder_make(struct io_disk *disk, const char *name, struct cas_error *error);
cas_status disk_folder_remove(struct io_disk *disk, const char *name, struct cas_error *error);
cas_status disk_folder_replace(struct io_disk *disk, const char *name, struct cas_slice content,
                               struct cas_error *error);
cas_status disk_folder_rename(struct io_disk *disk, const char *name, const char *new_name, struct cas_error *error);
cas_status disk_folder_list(struct io_disk *disk, const char *name, io_name_fn each, void *arg,
                            struct cas_error *error);
cas_status disk_folder_space(struct io_disk *disk, uint64_t *free_bytes, uint64_t *total_bytes,
                             struct cas_error *error);

/*
 * What became of a file's writes. A failed write bars sync until the file is cut; a failed sync bars everything for
 * good.
 */
struct write_fate {
  cas_status failed;       /* of the first failed write, CAS_OK if none */
  struct cas_error detail; /* of that write */
  bool dead;               /* a sync failed, or the file was removed */
  bool has_name;           /* as the last sync found it */
};

/* CAS_OK if the file may be written (`for_sync`: synced), or why not. */
CAS_MUST_USE cas_status write_fate_check(const struct write_fate *fate, const char *name, bool for_sync,
                                         struct cas_error *error);
/* Notes a failed write, the first of them to stay. */
void write_fate_note(struct write_fate *fate, cas_status status, const struct cas_error *detail);

/* fdatasync, and its failure noted; also a failure: the file had a name at an earlier sync, and has none any more. */
CAS_MUST_USE cas_status write_fate_sync(struct write_fate *fate, int fd, const char *name, struct cas_error *error);

/* ftruncate and fdatasync. */
CAS_MUST_USE cas_status write_fate_truncate(struct write_fate *fate, int fd, const char *name, uint64_t size,
                                            struct cas_error *error);

/* Blocks of memory that lie together, WRITE_BUFFER_COUNT of WRITE_BUFFER_BYTES. Not locked. */
struct block_pool {
  uint8_t *memory;
  struct io_block blocks[WRITE_BUFFER_COUNT];
  uint32_t free[WRITE_BUFFER_COUNT]; /* the first free_count are indexes of free blocks */
  uint32_t free_count;
};
CAS_MUST_USE cas_status block_pool_init(struct block_pool *pool, struct cas_error *error);
void block_pool_fini(struct block_pool *pool);
struct io_block *block_pool_get(struct block_pool *pool); /* NULL if none is free */
void block_pool_put(struct block_pool *pool, struct io_block *block);

#endif
