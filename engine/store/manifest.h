/*
 * The manifest of an instance: the blobs whose concatenation is the file, and what must be known when the index is
 * gone. It is the payload of a RECORD_MANIFEST; the bytes are in docs/format.md.
 */
#ifndef STORE_MANIFEST_H
#define STORE_MANIFEST_H

#include <stdbool.h>

#include "base/ids.h"
#include "cassette/attributes.h"
#include "cassette/ingest.h"

struct manifest_blob {
  struct blob_id id;
  uint32_t raw_size;
};

/* The next `size` bytes of the file are bytes [offset, offset + size) of a blob. */
struct manifest_piece {
  uint32_t blob; /* which of `blobs` */
  uint32_t offset;
  uint32_t size;
};

/* Format. */
#define MANIFEST_CORRECTED_MAX 32

struct manifest {
  enum cas_origin origin;
  uint32_t version;
  uint16_t states; /* 1 + ordinal of the record of states of its group that belongs to it (state_record.h); 0: none */
  int64_t arrival_ns;
  uint32_t corrected[MANIFEST_CORRECTED_MAX]; /* CAS_ORIGIN_CORRECTED: tags of attributes that were changed */
  size_t corrected_count;
  uint64_t since; /* the group in which this version was first durable; 0: that of the record */
  /* Of one that replaces a damaged manifest, and so has `since`: where that lies; else, and where it is not said, all
   * zero. */
  struct record_cookie replaced;
  uint64_t file_size;
  uint64_t data_set_offset;
  struct cas_hash content_hash;  /* of the whole file */
  struct cas_hash data_set_hash; /* names the data set and its transfer syntax whatever the meta group says */
  char sop_instance_uid[CAS_UID_TEXT_MAX];
  char source[256];
  struct manifest_blob *blobs; /* owned */
  size_t blob_count;
  struct manifest_piece *pieces; /* owned */
  size_t piece_count;
};

void manifest_fini(struct manifest *manifest);

/* Appends the bytes of a manifest. */
CAS_MUST_USE cas_status manifest_encode(const struct manifest *manifest, struct cas_buffer *bytes);

/* CAS_CORRUPT for bytes that break the format: then nothing is left to free. */
CAS_MUST_USE cas_status manifest_decode(struct cas_slice bytes, struct manifest *manifest);

/* Whether it says which damaged manifest it replaces. */
bool manifest_says_replaced(const struct manifest *manifest);

/* Whether two manifests stand for the same file: same blobs, same pieces. */
bool manifest_same_file(const struct manifest *a, const struct manifest *b);

#endif
