/*
 * The File Meta Information of Part 10 files outside of a store: read to know what a file is, written before a data set
 * that came over the network.
 *
 * Threads: pure functions. Source: PS3.10 7.1.
 */
#ifndef FILE_META_H
#define FILE_META_H

#include <stdbool.h>

#include "cassette/attributes.h"

struct file_meta {
  char sop_class_uid[CAS_UID_TEXT_MAX], sop_instance_uid[CAS_UID_TEXT_MAX], transfer_syntax_uid[CAS_UID_TEXT_MAX];
  uint64_t data_set_offset;
};

/* Reads the beginning of a file. False: it is none of Part 10, or lacks one of the UIDs. */
bool file_meta_parse(struct cas_slice file, struct file_meta *meta);

/* Appends preamble, prefix and meta group; `source` is the AE title that it came from. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status file_meta_format(const struct file_meta *meta, const char *source, struct cas_buffer *bytes);

/* Whether it is a UID that may be a file's name: digits and dots alone, at most 64. */
bool file_meta_is_uid(const char *text);

#endif
