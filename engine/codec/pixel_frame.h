/*
 * The modelled encoding of a frame: layout, then planes, each with its parameters and its entropy coded residuals.
 *
 * The kernels change nothing but the speed. Threads: no state is shared.
 */
#ifndef CODEC_PIXEL_FRAME_H
#define CODEC_PIXEL_FRAME_H

#include "codec/pixel_kernels.h"
#include "codec/pixel_layout.h"

/*
 * Appends the modelled encoding of `raw`. `*modelled` is false, and `coded` as before, where the format is not
 * modelled, a residual has no code, or the result would not be smaller than `raw`. CAS_NO_MEMORY only.
 */
cas_status pixel_frame_encode(const struct pixel_kernels *kernels, const struct cas_pixel_format *format,
                              struct cas_slice raw, struct cas_buffer *coded, bool *modelled);

/* Decodes what pixel_frame_encode appended. CAS_CORRUPT or CAS_NO_MEMORY. */
cas_status pixel_frame_decode(const struct pixel_kernels *kernels, struct cas_slice coded, uint8_t *raw,
                              size_t raw_size);

#endif
