/*
 * A volume: where segments live. Today a folder on a disk; an object store fits the same functions later, since a
 * sealed segment never changes and is read by ranges.
 *
 * Segments are numbered from 1. Their names are an affair of the volume: segments/00/00000001.seg, 1000 to a folder.
 *
 * Threads: all functions from any thread; what an io_file allows is io/disk.h's.
 */
#ifndef VOLUME_VOLUME_H
#define VOLUME_VOLUME_H

#include "io/disk.h"

struct volume;

#define VOLUME_NAME_BYTES 64

/* Opens the volume on a disk, borrowed until close. Keeps at most `open_files_max` segments open for reading. */
CAS_MUST_USE cas_status volume_open(struct io_disk *disk, size_t open_files_max, struct volume **volume,
                                    struct cas_error *error);
void volume_close(struct volume *volume);

/* The numbers of all segments, ascending; the caller frees. */
CAS_MUST_USE cas_status volume_list(struct volume *volume, uint32_t **numbers, size_t *count, struct cas_error *error);

/* Creates the next segment file, or opens the last one for appending; the caller closes the file. */
CAS_MUST_USE cas_status volume_create(struct volume *volume, uint32_t number, struct io_file **file,
                                      struct cas_error *error);
CAS_MUST_USE cas_status volume_open_append(struct volume *volume, uint32_t number, struct io_file **file,
                                           struct cas_error *error);

/* Reads from any segment, sealed or growing. As io_file_ops.read. CAS_NOT_FOUND where there is no such segment. */
CAS_MUST_USE cas_status volume_read(struct volume *volume, uint32_t number, uint64_t offset, uint8_t *bytes,
                                    size_t size, size_t *got, struct cas_error *error);

/* The present length of a segment. */
CAS_MUST_USE cas_status volume_size(struct volume *volume, uint32_t number, uint64_t *size, struct cas_error *error);

/* Removes a segment that holds no durable group: the remains of a creation that a crash cut short. Durable on return.
 */
CAS_MUST_USE cas_status volume_remove(struct volume *volume, uint32_t number, struct cas_error *error);

/* The disk that lends the blocks which a segment's file takes. Borrowed. */
struct io_disk *volume_disk(struct volume *volume);

/* What kind of place it is, in one word for people: "local". */
const char *volume_tier(const struct volume *volume);

/* The path of a segment under the store's folder, for messages. */
void volume_name(uint32_t number, char name[VOLUME_NAME_BYTES]);

#endif
