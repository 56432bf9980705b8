/*
 * The names of segments' files, which are an affair of the volume: segments/00/00000001.seg, 1000 to a folder. Another
 * generation of a segment is a file of its own: 00000001-1.seg, 00000001-2.seg. Where functions take a `segment` they
 * mean one file: its number, and its generation in the high half. A number alone is generation 0.
 *
 * Threads: any.
 */
#ifndef VOLUME_VOLUME_NAMES_H
#define VOLUME_VOLUME_NAMES_H

#include "io/disk.h"

#define VOLUME_NAME_BYTES 64
#define VOLUME_ROOT "segments"

static inline uint64_t segment_file(uint32_t number, uint32_t generation) {
  return (uint64_t)generation << 32 | number;
}
static inline uint32_t segment_file_number(uint64_t segment) { return (uint32_t)segment; }
static inline uint32_t segment_file_generation(uint64_t segment) { return (uint32_t)(segment >> 32); }

/* The path of a segment under the store's folder, also for messages. */
void volume_name(uint64_t segment, char name[VOLUME_NAME_BYTES]);

/* Of a segment that is being made and counts for nothing yet: volume_name() with ".new" behind it. */
void volume_new_name(uint64_t segment, char name[VOLUME_NAME_BYTES]);

/* The folder of the segment with this number. */
void volume_folder_name(uint32_t number, char name[VOLUME_NAME_BYTES]);

/* Segments that have a file, by number, then by generation; the caller frees `values`. */
struct volume_files {
  uint64_t *values;
  size_t count;
};

/* All generations of all segments; `new_files`: of those that have only a new name. Files of other names are none. */
CAS_MUST_USE cas_status volume_names_list(struct io_disk *disk, bool new_files, struct volume_files *files,
                                          struct cas_error *error);

/* Those with names of their own in one folder, that of segment `number`. CAS_NOT_FOUND: there is no such folder. */
CAS_MUST_USE cas_status volume_names_list_folder(struct io_disk *disk, uint32_t number, struct volume_files *files,
                                                 struct cas_error *error);

#endif
