/*
 * The bytes of a segment, and nothing else. docs/format.md has the same tables in words. All integers are little
 * endian.
 *
 *   segment  = header block, group*
 *   group    = record*, COMMIT; starts and ends on SEGMENT_BLOCK_BYTES
 *   record   = record header, payload, zeros up to a multiple of RECORD_ALIGN_BYTES
 */
#ifndef SEGMENT_SEGMENT_FORMAT_H
#define SEGMENT_SEGMENT_FORMAT_H

#include <assert.h>

#include "segment/segment.h"

#define SEGMENT_FORMAT_VERSION 1u
#define SEGMENT_HEADER_BYTES SEGMENT_BLOCK_BYTES
#define RECORD_HEADER_BYTES 64u
#define RECORD_ALIGN_BYTES 8u
#define RECORD_MAGIC 0x43524543u /* "CERC" */

/* Segment header: offsets in the first block. What is not named is zero. */
enum segment_header_field {
  SEGMENT_AT_MAGIC = 0,           /* 8 bytes, "CASSEG\r\n" */
  SEGMENT_AT_VERSION = 8,         /* u32 */
  SEGMENT_AT_NUMBER = 12,         /* u32 */
  SEGMENT_AT_UUID = 16,           /* 16 bytes, the store's */
  SEGMENT_AT_CREATED = 32,        /* i64, UTC, ns since 1970 */
  SEGMENT_AT_FIRST_GROUP = 40,    /* u64, no group here has a lower number */
  SEGMENT_AT_PREVIOUS_GROUP = 48, /* u64, the last durable group before this segment, 0 for none */
  SEGMENT_AT_PREVIOUS_END = 56,   /* u64, where the durable part of the previous segment ends */
  SEGMENT_AT_PREVIOUS_DOUBTFUL =
      64,                      /* u64, where its last group begins, if recovery found that it is not whole; else 0 */
  SEGMENT_AT_PREVIOUS = 72,    /* u32, number of the previous segment, 0 for none */
  SEGMENT_AT_BLOCK_BYTES = 76, /* u32, SEGMENT_BLOCK_BYTES */
  SEGMENT_AT_GENERATION = 80,  /* u32, how often the segment was written anew */
  SEGMENT_AT_RESERVED = 84,    /* u32, 0 */
  SEGMENT_AT_END = 88,         /* u64, where the segment ends; 0 in generation 0 */
  SEGMENT_AT_CHECKSUM = 4088,  /* u64, XXH3-64 of all bytes before it */
};
static_assert(SEGMENT_AT_CHECKSUM + 8 == SEGMENT_HEADER_BYTES, "the checksum ends the block");

/* Record header. */
enum record_header_field {
  RECORD_AT_MAGIC = 0,             /* u32 */
  RECORD_AT_KIND = 4,              /* u8, enum record_kind */
  RECORD_AT_CODEC = 5,             /* u8 */
  RECORD_AT_ORDINAL = 6,           /* u16, of the blob's name */
  RECORD_AT_STORED_SIZE = 8,       /* u64 */
  RECORD_AT_RAW_SIZE = 16,         /* u64 */
  RECORD_AT_HASH = 24,             /* 16 bytes, of the blob's name */
  RECORD_AT_PAYLOAD_CHECKSUM = 40, /* u64, XXH3-64 of payload and alignment */
  RECORD_AT_GROUP = 48,            /* u64 */
  RECORD_AT_CHECKSUM = 56,         /* u64, XXH3-64 of the record's key and the bytes before */
};
static_assert(RECORD_AT_CHECKSUM + 8 == RECORD_HEADER_BYTES, "the checksum ends the header");

/* What a record header's checksum is keyed with: hashed before the header's bytes, never stored. */
enum record_key_field {
  RECORD_KEY_AT_UUID = 0,     /* 16 bytes */
  RECORD_KEY_AT_SEGMENT = 16, /* u64, the number; the generation in its high half */
  RECORD_KEY_AT_OFFSET = 24,  /* u64, of the header in the segment */
  RECORD_KEY_BYTES = 32,
};

/* Payload of a COMMIT. Between the fields and the last one are zeros, so that it ends with its block. */
enum commit_field {
  COMMIT_AT_BEGIN = 0,             /* u64, offset of the group's first record */
  COMMIT_AT_RECORDS = 8,           /* u64, without the COMMIT */
  COMMIT_AT_PREVIOUS_GROUP = 16,   /* u64, the durable group before, 0 for none */
  COMMIT_AT_PREVIOUS_END = 24,     /* u64, where that ends */
  COMMIT_AT_PREVIOUS_SEGMENT = 32, /* u32, in this segment */
  COMMIT_AT_RESERVED = 36,         /* u32, 0 */
  COMMIT_FIELD_BYTES = 40,
  COMMIT_TAIL_BYTES = 8, /* u64, the payload's size: finds the record from the end of the group */
};
#define COMMIT_PAYLOAD_BYTES_MIN (COMMIT_FIELD_BYTES + COMMIT_TAIL_BYTES)
#define COMMIT_PAYLOAD_BYTES_MAX (COMMIT_PAYLOAD_BYTES_MIN + SEGMENT_BLOCK_BYTES)
static_assert(COMMIT_PAYLOAD_BYTES_MIN % RECORD_ALIGN_BYTES == 0, "a COMMIT needs no alignment");

struct segment_header {
  uint32_t segment;
  uint8_t uuid[16];
  int64_t created_ns;
  uint64_t first_group;
  struct segment_mark previous; /* with doubtful_from */
  uint32_t generation;
  uint64_t end; /* 0 in generation 0 */
};

struct record_header {
  enum record_kind kind;
  uint8_t codec;
  uint16_t ordinal;
  uint64_t stored_size;
  uint64_t raw_size;
  struct cas_hash hash;
  uint64_t payload_checksum;
  uint64_t group;
};

struct commit {
  uint64_t begin;
  uint64_t records;
  struct segment_mark previous;
};

void segment_header_encode(const struct segment_header *header, uint8_t block[SEGMENT_HEADER_BYTES]);

/* CAS_CORRUPT: damaged, or of another store or segment. CAS_UNSUPPORTED: whole, but of a newer format. */
CAS_MUST_USE cas_status segment_header_decode(const uint8_t block[SEGMENT_HEADER_BYTES],
                                              const struct segment_store_key *key, uint64_t segment,
                                              struct segment_header *header);

void record_header_encode(const struct record_header *header, const struct segment_store_key *key, uint64_t segment,
                          uint64_t offset, uint8_t bytes[RECORD_HEADER_BYTES]);

/* False: these bytes are no record header for this place. Kind and sizes are within their limits if true. */
bool record_header_decode(const uint8_t bytes[RECORD_HEADER_BYTES], const struct segment_store_key *key,
                          uint64_t segment, uint64_t offset, struct record_header *header);

/* Of a payload and the zeros behind it. */
uint64_t record_payload_checksum(struct cas_slice payload);
uint64_t record_payload_checksum_aligned(const uint8_t *payload, uint64_t aligned_size);

static inline uint64_t record_aligned(uint64_t size) {
  return (size + RECORD_ALIGN_BYTES - 1) / RECORD_ALIGN_BYTES * RECORD_ALIGN_BYTES;
}

/* Longest record, with header and alignment. */
#define RECORD_BYTES_MAX (RECORD_HEADER_BYTES + RECORD_PAYLOAD_BYTES_MAX)

/* The payload size of a COMMIT whose header is at `offset`. */
uint64_t commit_payload_size(uint64_t offset);
void commit_encode(const struct commit *commit, uint8_t *payload, uint64_t size);

/* False: breaks the format, or does not suit a COMMIT record whose header is at `offset`. */
bool commit_decode(struct cas_slice payload, uint32_t segment, uint64_t offset, struct commit *commit);

#endif
