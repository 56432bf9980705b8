/*
 * The Part 10 header that a data set received over the network gets: preamble, prefix and file meta information.
 * It depends on nothing but its arguments and is the same in every version of Cassette: a re-sent object must give the
 * same bytes. Source: PS3.10 7.1.
 */
#ifndef DICOM_PART10_H
#define DICOM_PART10_H

#include "base/bytes.h"

/*
 * Appends preamble, "DICM" and the meta group (version 00\01, the three UIDs, Cassette's implementation class UID and
 * the version name "CASSETTE") to `header`. CAS_INVALID for a UID that is empty or longer than 64 characters.
 */
CAS_MUST_USE cas_status part10_header(const char *sop_class_uid, const char *sop_instance_uid,
                                      const char *transfer_syntax_uid, struct cas_buffer *header);

/*
 * Appends what stands before the data set of a file, with another transfer syntax and all else as it is. CAS_INVALID:
 * it is no preamble and meta group, or has no transfer syntax.
 */
CAS_MUST_USE cas_status part10_with_transfer_syntax(struct cas_slice before, const char *transfer_syntax_uid,
                                                    struct cas_buffer *header);

#endif
