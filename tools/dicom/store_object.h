/*
 * The data set of an instance on its way to a peer, read in pieces: byte for byte what was received or imported, or
 * transcoded where the peer does not take that.
 *
 * The first STORE_OBJECT_AHEAD_BYTES are read, and so verified, before anything is sent: damage in them fails one
 * sub-operation. Damage further behind shows when the message has begun, and costs the association, since DIMSE cannot
 * take a data set back. What is transcoded is read to its end before.
 *
 * Threads: one at a time.
 */
#ifndef STORE_OBJECT_H
#define STORE_OBJECT_H

#include "cassette/reader.h"
#include "pdu_writer.h"
#include "transcode_budget.h"

#define STORE_OBJECT_AHEAD_BYTES (1u << 20)

/* Zero-initialise; may be opened again after closing. */
struct store_object {
  struct cas_reader *reader;   /* or else: */
  struct cas_slice file;       /* a whole file in memory; borrowed */
  uint64_t begin, offset, end; /* in the file: of the data set, and of what was not yet read */
  struct cas_buffer ahead;     /* the first bytes; its memory is kept for the next object */
  struct transcode_job *transcoder;
  struct transcode_budget *budget; /* what `taken` was taken from */
  uint64_t taken;
};

/* Opens the instance at a tree path and reads ahead. CAS_NOT_FOUND, and what reading gives. */
CAS_MUST_USE cas_status store_object_open(struct store_object *object, struct cas_store *store, const char *path,
                                          struct cas_error *error);

/* Opens a file in memory, whose data set begins at `begin`. */
CAS_MUST_USE cas_status store_object_open_file(struct store_object *object, struct cas_slice file, uint64_t begin,
                                               struct cas_error *error);

/* Transcodes an open object, which is read for it: afterwards that is what is written. Memory is taken from `budget`
 * until the object is closed, and waited for as long as `seconds`. CAS_REFUSED, CAS_UNSUPPORTED: it cannot be done;
 * CAS_BUSY: no memory within that time; and what reading gives. Only close is left then. */
CAS_MUST_USE cas_status store_object_transcode(struct store_object *object, const char *from, const char *to,
                                               struct transcode_budget *budget, unsigned seconds,
                                               struct cas_error *error);

void store_object_close(struct store_object *object);
void store_object_fini(struct store_object *object);

/* Of the whole data set, as it is stored. */
uint64_t store_object_bytes(const struct store_object *object);

/* Writes the whole data set in `context_id`. `*damaged` becomes whether reading failed, which leaves the message
 * without its end; else a failure is that of sending. */
CAS_MUST_USE cas_status store_object_write(struct store_object *object, struct pdu_writer *writer, uint8_t context_id,
                                           bool *damaged, struct cas_error *error);

#endif
