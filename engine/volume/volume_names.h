/*
 * The names of segments' files, which are an affair of the volume: segments/00/00000001.seg, 1000 to a folder, and
 * cold/00/00000001.seg for those in the cold place. Another generation of a segment is a file of its own:
 * 00000001-1.seg, 00000001-2.seg. Where functions take a `segment` they mean its number, and its generation in the high
 * half. A number alone is generation 0.
 *
 * Threads: any.
 */
#ifndef VOLUME_VOLUME_NAMES_H
#define VOLUME_VOLUME_NAMES_H

#include "io/disk.h"

#define VOLUME_NAME_BYTES 64

enum volume_tier {
  VOLUME_HOT,  /* in the store */
  VOLUME_COLD, /* in the cold place */
};

static inline uint64_t segment_file(uint32_t number, uint32_t generation) {
  return (uint64_t)generation << 32 | number;
}
static inline uint32_t segment_file_number(uint64_t segment) { return (uint32_t)segment; }
static inline uint32_t segment_file_generation(uint64_t segment) { return (uint32_t)(segment >> 32); }

/* The folder under the store's that has all of a tier: "segments", "cold". */
const char *volume_root(enum volume_tier tier);

/* The path of a segment under the store's folder, also for messages. */
void volume_name(uint64_t segment, enum volume_tier tier, char name[VOLUME_NAME_BYTES]);

/* Of a segment that is being made and counts for nothing yet: volume_name() with ".new" behind it. */
void volume_new_name(uint64_t segment, enum volume_tier tier, char name[VOLUME_NAME_BYTES]);

/* The folder of the segment with this number. */
void volume_folder_name(uint32_t number, enum volume_tier tier, char name[VOLUME_NAME_BYTES]);

/* Segments that have a file, by number, then by generation; the caller frees `values`. */
struct volume_files {
  uint64_t *values;
  size_t count;
};

/* All generations of all segments of a tier; `new_files`: of those that have only a new name. Files of other names are
 * none. A root that is not there has none. */
CAS_MUST_USE cas_status volume_names_list(struct io_disk *disk, enum volume_tier tier, bool new_files,
                                          struct volume_files *files, struct cas_error *error);

/* Those with names of their own on a disk whose root folder is that of a tier: a cold place before it is one. */
CAS_MUST_USE cas_status volume_names_list_root(struct io_disk *disk, struct volume_files *files,
                                               struct cas_error *error);

/* Those with names of their own in one folder, that of segment `number`. CAS_NOT_FOUND: there is no such folder. */
CAS_MUST_USE cas_status volume_names_list_folder(struct io_disk *disk, enum volume_tier tier, uint32_t number,
                                                 struct volume_files *files, struct cas_error *error);

/* Puts `more`, whose values are freed, into `files`: each segment once, in order. On failure `files` stays. */
CAS_MUST_USE cas_status volume_files_merge(struct volume_files *files, struct volume_files *more,
                                           struct cas_error *error);

bool volume_files_have(const struct volume_files *files, uint64_t segment);

/* The highest generation of a segment, 0 where it has no file. */
uint64_t volume_files_highest(const struct volume_files *files, uint32_t number);

#endif
