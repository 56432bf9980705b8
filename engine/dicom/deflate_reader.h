/*
 * A deflated data set: its bytes are passed on as they are, in bulk, and inflated only to look for the attributes. The
 * look ends after DEFLATE_LOOK_BYTES_MAX inflated bytes; what is damaged or missing beyond is not found.
 * Source: PS3.5 A.5.
 */
#ifndef DICOM_DEFLATE_READER_H
#define DICOM_DEFLATE_READER_H

#include "dicom/element_parser.h"

/* All attributes and the pixels of an ordinary image; half a millisecond a megabyte is what looking costs. */
#define DEFLATE_LOOK_BYTES_MAX (32u << 20)

struct deflate_reader;

/*
 * Creates a reader for a data set at `offset` of the object whose first bytes are `first`. Defects inside the inflated
 * data set are reported at `offset`. `router` is borrowed. CAS_NO_MEMORY.
 */
CAS_MUST_USE cas_status deflate_reader_create(struct byte_router *router, const struct element_listener *listener,
                                              uint64_t offset, const uint8_t first[ELEMENT_HEADER_BYTES_MIN],
                                              struct deflate_reader **reader);
void deflate_reader_destroy(struct deflate_reader *reader);

CAS_MUST_USE cas_status deflate_reader_push(struct deflate_reader *reader, struct cas_slice bytes);
CAS_MUST_USE cas_status deflate_reader_finish(struct deflate_reader *reader);

#endif
