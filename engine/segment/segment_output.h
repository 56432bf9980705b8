/*
 * Bytes on their way into the file of a segment: gathered in the disk's blocks, which are submitted when they are full.
 *
 * Threads: an output belongs to one thread.
 */
#ifndef SEGMENT_SEGMENT_OUTPUT_H
#define SEGMENT_SEGMENT_OUTPUT_H

#include "segment/segment_format.h"

struct segment_output {
  struct volume *volume;
  const struct segment_store_key *key;
  uint64_t segment;       /* number and generation, as segment_file() makes it */
  struct io_file *file;   /* the owner's */
  uint64_t at;            /* where the next byte goes */
  struct io_block *block; /* NULL: none is begun */
  size_t block_fill;
};

/* Appends a record with its alignment. `header` is complete. */
CAS_MUST_USE cas_status segment_output_record(struct segment_output *output, const struct record_header *header,
                                              struct cas_slice payload, struct cas_error *error);

/* Appends a COMMIT, which ends a block, and submits that. */
CAS_MUST_USE cas_status segment_output_commit(struct segment_output *output, const struct commit *commit,
                                              uint64_t group, struct cas_error *error);

/* Writes a segment's header at the beginning of `file`. Not synced. */
CAS_MUST_USE cas_status segment_output_header(struct volume *volume, struct io_file *file,
                                              const struct segment_header *header, struct cas_error *error);

/* Gives back the block that was not submitted. */
void segment_output_drop(struct segment_output *output);

#endif
