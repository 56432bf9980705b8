/*
 * The file CASSETTE: what a store says of itself. A few lines of text, so that a person who finds the folder in ten
 * years sees what it is; the last line is a checksum. The lines are in docs/format.md.
 */
#ifndef STORE_SUPERBLOCK_H
#define STORE_SUPERBLOCK_H

#include "segment/segment.h"

#define SUPERBLOCK_NAME "CASSETTE"
#define SUPERBLOCK_FORMAT_VERSION 1u

struct superblock {
  uint32_t format_version;
  struct segment_store_key key; /* the UUID */
  int64_t created_ns;
};

/* A new one: random UUID (RFC 4122 version 4), the present time. */
CAS_MUST_USE cas_status superblock_make(struct superblock *superblock, struct cas_error *error);

CAS_MUST_USE cas_status superblock_format(const struct superblock *superblock, struct cas_buffer *text);

/* CAS_CORRUPT: not such a text, or its checksum differs. CAS_UNSUPPORTED: a newer format version. */
CAS_MUST_USE cas_status superblock_parse(struct cas_slice text, struct superblock *superblock, struct cas_error *error);

/* 36 characters and a NUL. */
void superblock_uuid_text(const uint8_t uuid[16], char text[37]);

#endif
