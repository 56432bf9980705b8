/*
 * What a disk gives to a store: groups of blocks written and made durable in the way in which segments are written,
 * with neither records nor an index.
 *
 * Threads: any; a probe has a file of its own.
 */
#ifndef CASSETTE_DISK_PROBE_H
#define CASSETTE_DISK_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cassette/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cas_disk_probe_options {
  const char *folder;   /* an existing one, on the disk in question; the file in it is gone afterwards */
  uint64_t group_bytes; /* written before each sync; rounded up to whole blocks of 4096 bytes, at least one */
  uint64_t bytes;       /* written in all, rounded up to whole groups */
  bool no_io_uring;     /* plain writes, through the page cache */
};

/* One group became durable. Nanoseconds of its writes and of its sync. Another status than CAS_OK ends the probe; with
 * CAS_END it is still CAS_OK. */
struct cas_disk_probe_group {
  uint64_t bytes, write_ns, sync_ns;
};
typedef cas_status (*cas_disk_probe_fn)(void *arg, const struct cas_disk_probe_group *group);

/* Longest description of a disk, with its NUL. */
#define CAS_DISK_TEXT_MAX 160

/* Writes incompressible bytes. `disk` receives how the disk is written: "io_uring, O_DIRECT", ... Fails with what the
 * disk fails with, or with the callback's status. */
CAS_API CAS_MUST_USE cas_status cas_disk_probe(const struct cas_disk_probe_options *options, cas_disk_probe_fn each,
                                               void *arg, char disk[CAS_DISK_TEXT_MAX], struct cas_error *error);

#ifdef __cplusplus
}
#endif
#endif
