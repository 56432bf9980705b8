/*
 * The native frames of a folder of DICOM files, read by a walker of this bench's own.
 *
 * The walker takes implicit and explicit VR in either byte order, reads the Image Pixel attributes of the main data
 * set, and passes over what it does not know. Files with encapsulated or no pixel data give no frames.
 */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

#include "cassette/pixel.h"

#ifdef __cplusplus
extern "C" {
#endif

struct frame {
  struct cas_pixel_format format;
  uint8_t *raw; /* as in the file */
  size_t size;
  uint8_t *native; /* words in little endian: what the other libraries are given; may be `raw` */
};

struct frames {
  struct frame *items;
  size_t count;
  size_t bytes;
};

/* Adds the frames of every file below `folder`. False where the folder cannot be read. */
bool frames_load(struct frames *frames, const char *folder);

void frames_fini(struct frames *frames);

/* Bits that the samples of a frame really need, signed ones as they are stored: what a codec must be told. */
unsigned frame_bits(const struct frame *frame);

#ifdef __cplusplus
}
#endif
#endif
