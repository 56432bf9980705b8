/*
 * Attribute sets as bytes, for the index. The form is a run of (tag u32, size u16, value), little endian, ascending by
 * tag. It is no format on disk that must stay: the index can be rebuilt.
 */
#ifndef DICOM_ATTRIBUTE_CODEC_H
#define DICOM_ATTRIBUTE_CODEC_H

#include "base/bytes.h"
#include "cassette/attributes.h"

/* Appends those attributes of `level` (0: of every level) to `bytes`. */
CAS_MUST_USE cas_status attributes_encode(const struct cas_attributes *attributes, enum cas_level level,
                                          struct cas_buffer *bytes);

/* The same of the levels above an instance. */
CAS_MUST_USE cas_status attributes_encode_folders(const struct cas_attributes *attributes, struct cas_buffer *bytes);

/* Adds the encoded attributes to `attributes`. CAS_CORRUPT for bytes that attributes_encode cannot have made. */
CAS_MUST_USE cas_status attributes_decode(struct cas_slice bytes, struct cas_attributes *attributes);

#endif
