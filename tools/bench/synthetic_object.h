/*
 * DICOM files of a synthetic series: the header of a scanner and the pictures of a phantom, from a seed.
 *
 * One frame makes a CT or MR Image; more make a Multi-frame Grayscale Secondary Capture of words, or of bytes. Explicit
 * VR Little Endian. UIDs are below 2.25 and derived from the seed; the patient's name is PHANTOM.
 *
 * Caveats
 *  - Memory is that of one frame, whatever the size of the object.
 *
 * Threads: one series may be written by any number of threads, an object by each.
 * Source: PS3.3 A.3, A.4, A.8.3; PS3.5 7.1.2, 9.1 and B.2; PS3.10 7.1.
 */
#ifndef SYNTHETIC_OBJECT_H
#define SYNTHETIC_OBJECT_H

#include "cassette/attributes.h"
#include "phantom.h"

struct synthetic_series {
  enum phantom_kind kind;
  uint32_t images, frames; /* frames of each image */
  uint32_t rows, columns;  /* 0: 512x512 for CT, 384x274 for MR */
  unsigned bits;           /* stored, 8 to 16; 0: 12. Up to 8 are bytes, more are words */
  uint64_t seed, number;   /* series that differ in anything have other UIDs, and other patients */
};

/* Receives the next bytes of the file. */
typedef cas_status (*synthetic_sink_fn)(void *arg, struct cas_slice bytes, struct cas_error *error);

/* Fills in what is 0. CAS_INVALID: the pixel data of an image is longer than the 4 GiB less 2 that DICOM can state. */
CAS_MUST_USE cas_status synthetic_series_complete(struct synthetic_series *series, struct cas_error *error);

/* Bytes of pixel data in one image. */
uint64_t synthetic_pixel_bytes(const struct synthetic_series *series);

/* Writes image `index` of a complete series. Fails as the sink, or CAS_NO_MEMORY. */
CAS_MUST_USE cas_status synthetic_object_write(const struct synthetic_series *series, uint32_t index,
                                               synthetic_sink_fn sink, void *arg, struct cas_error *error);

#endif
