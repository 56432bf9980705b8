/*
 * The quick coding of a native frame of 16 bit words: differences of neighbours, packed with as many bits as the
 * largest of 128 needs. A tenth of the work of the pixel codec for half of its gain. For frames that arrive faster
 * than the pixel codec takes them; the format of the pixels goes with them, so that they can be coded better later.
 * The bytes are in docs/format-pixel.md.
 *
 * Threads: plain values, no sharing.
 */
#ifndef CODEC_QUICK_H
#define CODEC_QUICK_H

#include "cassette/pixel.h"

/* Bytes before the first block: the format of the pixels. */
#define QUICK_HEAD_BYTES 16u

/* Raw bytes of a block: 128 words. Before each stands a byte, the width. */
#define QUICK_BLOCK_BYTES 256u
#define QUICK_WIDTH_MAX 16u

/* Whether frames of this format can be coded: words of 16 bits, little endian. */
bool quick_takes(const struct cas_pixel_format *format);

/* Appends the coding of `raw`, of a format that is taken: at most a hundredth longer than `raw`. */
CAS_MUST_USE cas_status quick_encode(const struct cas_pixel_format *format, struct cas_slice raw,
                                     struct cas_buffer *coded);

/* The format that `coded` was made with. CAS_CORRUPT if it is too short to have one. */
CAS_MUST_USE cas_status quick_format(struct cas_slice coded, struct cas_pixel_format *format);

/* Decodes into exactly `raw_size` bytes at `raw`. CAS_CORRUPT where `coded` is no coding of that many bytes. */
CAS_MUST_USE cas_status quick_decode(struct cas_slice coded, uint8_t *raw, size_t raw_size);

#endif
