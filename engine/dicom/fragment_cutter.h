/*
 * How the fragments of encapsulated pixel data are cut. The first item is the basic offset table and stays header. A
 * chunk holds one or more fragment values, with the item headers between them, until it has FRAGMENT_BLOB_BYTES_MIN
 * bytes; a longer fragment is cut at BLOB_BYTES_MAX. Source: PS3.5 A.4.
 */
#ifndef DICOM_FRAGMENT_CUTTER_H
#define DICOM_FRAGMENT_CUTTER_H

#include "dicom/value_cutter.h"

struct fragment_cutter {
  bool table_seen;
  bool in_table;             /* the current item is the basic offset table */
  uint64_t left;             /* bytes of the current item still to come */
  struct value_cutter table; /* of the basic offset table */
};

/* Begins an item of `size` bytes; `header` are the 8 bytes before its value. */
CAS_MUST_USE cas_status fragment_cutter_item(struct fragment_cutter *cutter, struct byte_router *router,
                                             struct cas_slice header, uint32_t size);

/* Hands on bytes of the item; no more than `left`. */
CAS_MUST_USE cas_status fragment_cutter_push(struct fragment_cutter *cutter, struct byte_router *router,
                                             struct cas_slice bytes);

/* Ends the pixel data: what follows is header again. */
CAS_MUST_USE cas_status fragment_cutter_end(struct fragment_cutter *cutter, struct byte_router *router);

#endif
