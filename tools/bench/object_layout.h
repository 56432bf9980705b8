/*
 * Where the identity and the pixels of a DICOM file lie, so that copies of it can be made without parsing it again.
 *
 * Caveats
 *  - Part 10 files in little endian: implicit, explicit, and explicit with encapsulated pixels. Deflated and big endian
 *    ones are CAS_UNSUPPORTED.
 *  - Only what stands outside sequences is looked at.
 *
 * Threads: pure functions. Source: PS3.10 7.1, PS3.5 7 and A.4.
 */
#ifndef OBJECT_LAYOUT_H
#define OBJECT_LAYOUT_H

#include "cassette/attributes.h"

/* Sequences within sequences. */
#define OBJECT_DEPTH_MAX 16u

struct object_range {
  uint64_t offset, size; /* bytes in the file */
};

struct object_layout {
  uint64_t data_set_offset;
  char transfer_syntax_uid[CAS_UID_TEXT_MAX], sop_class_uid[CAS_UID_TEXT_MAX];
  /* Values of Study, Series and SOP Instance UID as they stand, padding left out, and that of the meta group. */
  struct object_range uids[4];
  size_t uid_count;
  struct object_range sop_instance_uid; /* in the data set */
  /* Native pixels are one range; encapsulated ones have one for each fragment behind the offset table. Owned. */
  struct object_range *pixels;
  size_t pixel_count;
  unsigned sample_bytes; /* of native pixels, at least 1; 1 for encapsulated ones */
};

/* CAS_REFUSED: no Part 10 file, malformed, or without one of the UIDs; `error` says what. The result is released by
 * object_layout_fini(), whatever the status. */
CAS_MUST_USE cas_status object_layout_parse(struct cas_slice file, struct object_layout *layout,
                                            struct cas_error *error);
void object_layout_fini(struct object_layout *layout);

#endif
