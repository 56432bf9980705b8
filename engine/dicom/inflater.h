/*
 * The bytes of a deflated data set, inflated in steps. Source: PS3.5 A.5; RFC 1951, and the wrappers of RFC 1950 and
 * 1952 that some writers leave around it.
 *
 * Threads: one at a time.
 */
#ifndef DICOM_INFLATER_H
#define DICOM_INFLATER_H

#include <stdbool.h>
#include <zlib.h>

#include "base/status.h"
#include "dicom/element_header.h"

/* What may stand behind the stream: the trailer of RFC 1952, and a pad byte. */
#define INFLATER_TRAILING_MAX 9

struct inflater {
  z_stream stream;
  bool is_wrapped; /* as RFC 1950 says, which PS3.5 does not allow */
  bool has_ended;  /* the stream, not what stands behind it */
  uint32_t crc;    /* of the inflated bytes */
  uint64_t inflated_bytes;
  uint64_t trailing_bytes; /* behind the stream */
  uint8_t trailing[INFLATER_TRAILING_MAX];
};

/* True where bytes begin a stored deflate block, whose length is stated twice: RFC 1951 3.2.4. */
bool deflate_is_stored_block(const uint8_t first[ELEMENT_HEADER_BYTES_MIN]);

/* CAS_NO_MEMORY. `first` are the first bytes that will be run. */
CAS_MUST_USE cas_status inflater_init(struct inflater *inflater, const uint8_t first[ELEMENT_HEADER_BYTES_MIN]);
void inflater_fini(struct inflater *inflater);

/* Inflates from *bytes, at most 1 GiB, which become those that are left; *made less than `capacity` means that none
 * are. CAS_CORRUPT: the stream is damaged, *made bytes before that are good; CAS_NO_MEMORY. */
CAS_MUST_USE cas_status inflater_run(struct inflater *inflater, struct cas_slice *bytes, uint8_t *out, size_t capacity,
                                     size_t *made);

/* What stands behind a stream that has ended: a trailer that contradicts what was inflated, and bytes that are none of
 * the data set. */
void inflater_judge_trailing(const struct inflater *inflater, bool *contradicts, bool *is_foreign);

#endif
