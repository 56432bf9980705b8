/*
 * A volume: where segments live. Today a folder on a disk; an object store fits the same functions later, since a
 * sealed segment never changes and is read by ranges.
 *
 * Segments are numbered from 1. A segment that was written anew has another generation, which is a file of its own
 * (volume_names.h). The highest generation counts; the ones before it are what a crash left, or are about to be
 * removed.
 *
 * Threads: all functions from any thread; what an io_file allows is io/disk.h's.
 */
#ifndef VOLUME_VOLUME_H
#define VOLUME_VOLUME_H

#include "volume/volume_names.h"

struct volume;

/* Opens the volume on a disk, borrowed until close. Keeps at most `open_files_max` segments open for reading. */
CAS_MUST_USE cas_status volume_open(struct io_disk *disk, size_t open_files_max, struct volume **volume,
                                    struct cas_error *error);
void volume_close(struct volume *volume);

/* All segments, by ascending numbers, each in its highest generation; the caller frees. A segment that is replaced
 * meanwhile may be missing in the list: volume_find() tells. */
CAS_MUST_USE cas_status volume_list(struct volume *volume, uint64_t **segments, size_t *count, struct cas_error *error);

/* The highest generation of a segment. CAS_NOT_FOUND. */
CAS_MUST_USE cas_status volume_find(struct volume *volume, uint32_t number, uint64_t *segment, struct cas_error *error);

/* As volume_list(), but each in all its generations, in ascending order. */
CAS_MUST_USE cas_status volume_list_generations(struct volume *volume, uint64_t **segments, size_t *count,
                                                struct cas_error *error);

/* Creates the next segment file, or opens the last one for appending; the caller closes the file. */
CAS_MUST_USE cas_status volume_create(struct volume *volume, uint32_t number, struct io_file **file,
                                      struct cas_error *error);
CAS_MUST_USE cas_status volume_open_append(struct volume *volume, uint32_t number, struct io_file **file,
                                           struct cas_error *error);

/* Makes the file of a new generation under a name that counts for nothing; then gives it its own, durably, or removes
 * it. The caller closes the file. */
CAS_MUST_USE cas_status volume_create_new(struct volume *volume, uint64_t segment, struct io_file **file,
                                          struct cas_error *error);
CAS_MUST_USE cas_status volume_publish(struct volume *volume, uint64_t segment, struct cas_error *error);
CAS_MUST_USE cas_status volume_remove_new(struct volume *volume, uint64_t segment, struct cas_error *error);

/* Removes what crashes left: generations that do not count, and files without a name of their own. */
CAS_MUST_USE cas_status volume_clean(struct volume *volume, struct cas_error *error);

/* Reads from any segment, sealed or growing. As io_file_ops.read. CAS_NOT_FOUND where there is no such segment. */
CAS_MUST_USE cas_status volume_read(struct volume *volume, uint64_t segment, uint64_t offset, uint8_t *bytes,
                                    size_t size, size_t *got, struct cas_error *error);

/* As io_file_ops.will_need: a hint. */
void volume_will_need(struct volume *volume, uint64_t segment, uint64_t offset, uint64_t size);

/* The present length of a segment. */
CAS_MUST_USE cas_status volume_size(struct volume *volume, uint64_t segment, uint64_t *size, struct cas_error *error);

/* Removes a segment that holds no durable group: the remains of a creation that a crash cut short. Durable on return.
 */
CAS_MUST_USE cas_status volume_remove(struct volume *volume, uint64_t segment, struct cas_error *error);

/* The same for a generation that a higher one replaced: who reads it may finish. */
CAS_MUST_USE cas_status volume_discard(struct volume *volume, uint64_t segment, struct cas_error *error);

/* Closes the files that nobody reads at the moment, so that those which another process removed take no space. */
void volume_close_unused(struct volume *volume);

/* The disk that lends the blocks which a segment's file takes. Borrowed. */
struct io_disk *volume_disk(struct volume *volume);

/* What kind of place it is, in one word for people: "local". */
const char *volume_tier(const struct volume *volume);

#endif
