/*
 * Owns the one file of a probe, which is removed on every way out. Blocks are taken, filled and submitted as the
 * segment writer does.
 */
#include "cassette/disk_probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/limits.h"
#include "base/status.h"
#include "io/disk.h"

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Cheap, and random enough that no drive compresses it away. */
static void fill(uint8_t *bytes, size_t size, uint64_t *state) {
  for (size_t at = 0; at < size; at += sizeof *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    memcpy(bytes + at, state, sizeof *state);
  }
}

static cas_status write_group(struct io_disk *disk, struct io_file *file, uint64_t offset, uint64_t bytes,
                              uint64_t *random, struct cas_disk_probe_group *group, struct cas_error *error) {
  uint64_t filling_ns = 0;
  const uint64_t start = now_ns();
  for (uint64_t done = 0; done < bytes;) {
    struct io_block *block;
    STATUS_TRY(disk->ops->block_take(disk, &block, error));
    const uint64_t rest = bytes - done;
    const size_t size = rest < block->capacity ? (size_t)rest : block->capacity;
    const uint64_t before = now_ns();
    fill(block->data, size, random);
    filling_ns += now_ns() - before;
    STATUS_TRY(file->ops->submit(file, offset + done, block, size, error));
    done += size;
  }
  const uint64_t written = now_ns();
  STATUS_TRY(file->ops->sync(file, error));
  *group = (struct cas_disk_probe_group){
      .bytes = bytes, .write_ns = written - start - filling_ns, .sync_ns = now_ns() - written};
  return CAS_OK;
}

static cas_status write_groups(struct io_disk *disk, struct io_file *file, const struct cas_disk_probe_options *options,
                               uint64_t random, cas_disk_probe_fn each, void *arg, struct cas_error *error) {
  const uint64_t blocks = (options->group_bytes + SEGMENT_BLOCK_BYTES - 1) / SEGMENT_BLOCK_BYTES;
  const uint64_t bytes = (blocks > 0 ? blocks : 1) * SEGMENT_BLOCK_BYTES;
  for (uint64_t offset = 0; offset < options->bytes; offset += bytes) {
    struct cas_disk_probe_group group;
    STATUS_TRY(write_group(disk, file, offset, bytes, &random, &group, error));
    const cas_status status = each(arg, &group);
    if (status == CAS_END) return CAS_OK;
    STATUS_TRY(status);
  }
  return CAS_OK;
}

cas_status cas_disk_probe(const struct cas_disk_probe_options *options, cas_disk_probe_fn each, void *arg,
                          char disk_text[CAS_DISK_TEXT_MAX], struct cas_error *error) {
  uint64_t random;
  if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
    return status_fail(error, CAS_IO, "no random numbers");
  random |= 1; /* what fill() must not be is 0 */
  char name[64];
  snprintf(name, sizeof name, "cassette-probe-%016" PRIx64, random);
  struct io_disk *disk;
  STATUS_TRY(options->no_io_uring ? io_disk_open_plain(options->folder, false, &disk, error)
                                  : io_disk_open(options->folder, false, &disk, error));
  snprintf(disk_text, CAS_DISK_TEXT_MAX, "%s", disk->ops->describe(disk));
  struct io_file *file;
  cas_status status = disk->ops->open(disk, name, IO_CREATE, &file, error);
  if (status == CAS_OK) {
    status = write_groups(disk, file, options, random, each, arg, error);
    file->ops->close(file);
    struct cas_error removing = {0};
    const cas_status removed = disk->ops->remove(disk, name, &removing);
    if (status == CAS_OK && removed != CAS_OK && error != NULL) *error = removing;
    if (status == CAS_OK) status = removed;
  }
  disk->ops->close(disk);
  return status;
}
