/*
 * Copies of a DICOM file that are new objects: other Study, Series and SOP Instance UIDs of the same length, and a
 * changed sample in each 64 KiB of pixels, so that neither objects nor pieces of them are duplicates of one another.
 *
 * Caveats
 *  - A copy is the original and a few differences, applied as it is read; it takes no memory.
 *  - UIDs that are alike in the originals are alike in the copies with the same seed and number: a series stays one.
 *    What sequences refer to is left alone.
 *  - Of encapsulated pixels a byte in each fragment changes: an archive does not mind, a decoder may.
 *
 * Threads: pure functions; a copy may be read by any number of threads.
 */
#ifndef OBJECT_COPY_H
#define OBJECT_COPY_H

#include "object_layout.h"

#define OBJECT_COPY_PIECE_BYTES (64u << 10)

/* Digits that a new UID must be able to have: copies of a million objects are then distinct, but for one in a thousand
 * times. */
#define OBJECT_COPY_DIGITS_MIN 15u

struct object_copy {
  struct cas_slice original;
  const struct object_layout *layout;
  uint64_t seed, number;
  char uids[4][CAS_UID_TEXT_MAX]; /* as the layout's */
  char sop_instance_uid[CAS_UID_TEXT_MAX];
};

/* Copy `number` of all with `seed`. Both arguments are borrowed as long as the copy is used. CAS_REFUSED: a UID is
 * too short to be replaced by one of the same length, or is none. */
CAS_MUST_USE cas_status object_copy_init(struct object_copy *copy, struct cas_slice original,
                                         const struct object_layout *layout, uint64_t seed, uint64_t number,
                                         struct cas_error *error);

/* The same without differences. */
void object_copy_init_same(struct object_copy *copy, struct cas_slice original, const struct object_layout *layout);

/* Writes the bytes [offset, offset + size) of the copy, which lie within the original's size. */
void object_copy_read(const struct object_copy *copy, uint64_t offset, uint8_t *bytes, size_t size);

#endif
