/*
 * What the Image Pixel Module says of native pixel data, gathered while the elements pass. Source: PS3.3 C.7.6.3.
 */
#ifndef DICOM_IMAGE_GEOMETRY_H
#define DICOM_IMAGE_GEOMETRY_H

#include "cassette/pixel.h"
#include "dicom/value_text.h"

enum {
  TAG_FLOAT_PIXEL_DATA = 0x7FE00008,
  TAG_DOUBLE_FLOAT_PIXEL_DATA = 0x7FE00009,
  TAG_PIXEL_DATA = 0x7FE00010,
};

struct image_geometry {
  uint64_t rows;
  uint64_t columns;
  uint64_t samples_per_pixel;
  uint64_t bits_allocated;
  uint64_t bits_stored;
  uint64_t high_bit;
  uint64_t pixel_representation;
  uint64_t planar_configuration;
  uint64_t frames;
  bool has_frames;      /* Number of Frames has a value */
  bool frames_is_wrong; /* that is no number */
  bool is_subsampled;   /* Photometric Interpretation YBR_FULL_422 or YBR_PARTIAL_422 */
};

/* True for the tags that image_geometry_take wants. The VR of each in an implicit VR data set goes to `vr`. */
bool image_geometry_wants(uint32_t tag, char vr[2]);
void image_geometry_take(struct image_geometry *geometry, uint32_t tag, const struct raw_value *value);

/* The format of a frame of the pixel data `tag`; false where the attributes give none that can be cut by frames. */
bool image_geometry_format(const struct image_geometry *geometry, uint32_t tag, bool big_endian,
                           struct cas_pixel_format *format);

/* False where `size` bytes of native pixel data are not what the attributes say, a final pad byte aside. */
bool image_geometry_fits(const struct image_geometry *geometry, uint32_t tag, uint64_t size);

#endif
