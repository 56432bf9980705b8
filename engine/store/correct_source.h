/*
 * The file that a correction starts from, read from its beginning to its end: the stored one, or, of one whose data set
 * is deflated, the same with its data set inflated, in the transfer syntax that this gives.
 *
 * Threads: one at a time.
 */
#ifndef STORE_CORRECT_SOURCE_H
#define STORE_CORRECT_SOURCE_H

#include "cassette/reader.h"
#include "dicom/inflater.h"

struct correct_source {
  struct cas_reader *reader;
  const char *inflates_to; /* the transfer syntax; NULL: the data set is not deflated */
  uint64_t offset;         /* of the next byte of the stored file */
  bool has_ended;          /* all was read */
  /* Where it inflates: */
  struct cas_buffer before; /* preamble and meta group, which are read first */
  size_t before_read;
  struct cas_buffer deflated; /* a piece of the stored file, and what of it is not inflated yet */
  struct cas_slice left;
  bool is_inflating;
  struct inflater inflater;
};

/* The instance at a path, which has this transfer syntax. As cas_reader_open(), and CAS_REFUSED: its data set is
 * deflated, and it has no whole meta group. `source` needs its fini also after a failure. */
CAS_MUST_USE cas_status correct_source_open(struct cas_store *store, const char *path, const char *transfer_syntax_uid,
                                            struct correct_source *source, struct cas_error *error);
void correct_source_fini(struct correct_source *source);

/* Where the data set begins in what is read. */
uint64_t correct_source_data_set_offset(const struct correct_source *source);

/* Reads up to `size` bytes; *got is less only at the end. As cas_reader_read(), and CAS_REFUSED: what is deflated is
 * damaged, cut off, or followed by other bytes. */
CAS_MUST_USE cas_status correct_source_read(struct correct_source *source, uint8_t *bytes, size_t size, size_t *got,
                                            struct cas_error *error);

#endif
