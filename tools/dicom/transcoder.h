/*
 * One object from one transfer syntax to another, by DCMTK's data sets and codecs. C functions over C++.
 *
 * Caveats
 *  - The object is whole in memory, and its decoded pixels: transcoder_pixel_bytes() says how much those are before
 *    transcoder_convert() makes them. transcode_budget.h keeps the sum of all in bounds.
 *  - Never lossy; the SOP Instance UID stays. Pixels that were compressed without loss keep their colour space, lossy
 *    YCbCr ones become RGB.
 *  - No C++ exception and no C++ type comes out.
 *
 * Threads: any number of transcoders at once; each belongs to one thread at a time.
 * Source: PS3.5 7, 8 and A; PS3.3 C.7.6.3 (Image Pixel Module).
 */
#ifndef TRANSCODER_H
#define TRANSCODER_H

#include <stdbool.h>

#include "cassette/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct transcoder;

/* From a transfer syntax to another, such as transcode_can() allows. `inflated_max`: the most bytes that a deflated
 * data set may have when it is inflated. CAS_UNSUPPORTED: DCMTK does not know a transfer syntax; CAS_NO_MEMORY. */
CAS_MUST_USE cas_status transcoder_create(const char *from, const char *to, uint64_t inflated_max,
                                          struct transcoder **transcoder, struct cas_error *error);
void transcoder_destroy(struct transcoder *transcoder);

/* Takes the next bytes of the data set; `last`: there are no more. CAS_REFUSED: no data set that DCMTK reads, or one
 * that is cut short; CAS_NO_MEMORY. */
CAS_MUST_USE cas_status transcoder_put(struct transcoder *transcoder, struct cas_slice bytes, bool last,
                                       struct cas_error *error);

/* Bytes of the pixels when they are decoded, as the data set states them; 0 without pixels. As far as it was put. */
uint64_t transcoder_pixel_bytes(struct transcoder *transcoder);

/* Transcodes. CAS_REFUSED: it cannot be done, and why; CAS_NO_MEMORY. */
CAS_MUST_USE cas_status transcoder_convert(struct transcoder *transcoder, struct cas_error *error);

/* Takes bytes of the new data set; another status than CAS_OK ends the writing and is returned. */
typedef cas_status (*transcoder_write_fn)(void *arg, struct cas_slice bytes, struct cas_error *error);

/* Writes the new data set in pieces. CAS_REFUSED: DCMTK could not write it. */
CAS_MUST_USE cas_status transcoder_write(struct transcoder *transcoder, transcoder_write_fn write, void *arg,
                                         struct cas_error *error);

#ifdef __cplusplus
}
#endif
#endif
