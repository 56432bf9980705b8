/*
 * A disk for tests, in memory, that knows which bytes are durable. It fails operations on demand, and after a power cut
 * keeps, drops, reorders and tears, by sectors of 512 bytes, what was not synced.
 *
 * What a test does: create; use as any io_disk; faulty_disk_power_off_at() or faulty_disk_fail(); close what it opened;
 * faulty_disk_restart(); open again and look.
 *
 * Threads: as io/disk.h says; a test may count and plan faults while others use the disk.
 */
#ifndef SUPPORT_FAULTY_DISK_H
#define SUPPORT_FAULTY_DISK_H

#include "io/disk.h"

#define FAULTY_SECTOR_BYTES 512u

enum faulty_kind {
  FAULTY_WRITE = 1,
  FAULTY_SYNC = 2,
  FAULTY_TRUNCATE = 4,
  FAULTY_NAME = 8, /* create, make_folder, remove, replace, rename */
  FAULTY_READ = 16,
  FAULTY_CHANGE = 15, /* all but reading */
};

struct faulty_disk_options {
  uint64_t seed;
  size_t block_bytes; /* of the blocks it lends; 0: WRITE_BUFFER_BYTES. Small ones make many writes of a group */
  bool late_errors;   /* a failed write says so at sync, as io_uring does, and not at submit */
};

CAS_MUST_USE struct io_disk *faulty_disk_create(const struct faulty_disk_options *options);
/* Frees the disk and all files. io_disk_ops.close does nothing, so that what is on the disk outlives its user. */
void faulty_disk_destroy(struct io_disk *disk);

/* Operations of the given kinds (or'ed) so far. */
uint64_t faulty_disk_count(const struct io_disk *disk, unsigned kinds);

/* Bytes that will_need() was told of so far, one by one. */
uint64_t faulty_disk_announced(const struct io_disk *disk);

/* Lets operations of `kinds` fail with a system error from the `nth` from now (1: the next), `times` in a row. A failed
 * write may have written a part, a failed sync made some durable. times 0: none any more. */
void faulty_disk_fail(struct io_disk *disk, unsigned kinds, uint64_t nth, uint64_t times, int system_errno);

/* Cuts the power in the `nth` changing operation from now: it and all later ones fail. */
void faulty_disk_power_off_at(struct io_disk *disk, uint64_t nth);

/* Settles what a power cut leaves and turns the power on. Files must be closed. */
void faulty_disk_restart(struct io_disk *disk);

/* Lets sync report success without making anything durable: to see that a test would notice. */
void faulty_disk_lie(struct io_disk *disk, bool lie);

/* Blocks that were taken and neither submitted nor returned. */
size_t faulty_disk_blocks_lent(const struct io_disk *disk);

/* The present bytes of a file, to look at or to damage; NULL if there is none. Valid until the file is changed. */
uint8_t *faulty_disk_bytes(struct io_disk *disk, const char *name, uint64_t *size);

/* Puts a file there, durably, as it is. */
void faulty_disk_put(struct io_disk *disk, const char *name, struct cas_slice content);

#endif
