/*
 * The pixel codec: lossless encoding of one native (not encapsulated) pixel frame, or of some whole rows of one.
 *
 * Caveats
 *  - Bit-exact for every input, also where bits outside Bits Stored hold overlays or garbage.
 *  - The coded bytes describe themselves: decoding needs no format. Decoding any byte string is safe, bounded in
 *    memory by the stated raw size and in time linear in the input plus the raw size.
 *  - Encoders never grow the data by more than CAS_PIXEL_OVERHEAD_MAX.
 *
 * Threads: all functions may be called at once from any number of threads; no state is shared.
 * Source: PS3.5 8.1 (native pixel data), PS3.3 C.7.6.3 (Image Pixel Module). The bytes: docs/format.md.
 */
#ifndef CASSETTE_PIXEL_H
#define CASSETTE_PIXEL_H

#include <stdbool.h>

#include "cassette/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CAS_PIXEL_OVERHEAD_MAX 64

/* How the bytes of a frame are to be understood. Values as in the Image Pixel Module. */
struct cas_pixel_format {
  uint32_t rows;              /* rows in these bytes, at least 1 */
  uint32_t columns;           /* at least 1 */
  uint16_t samples_per_pixel; /* 1 or 3 are modelled; others are coded as bytes */
  uint16_t bits_allocated;    /* 8, 16 or 32 are modelled; others are coded as bytes */
  uint16_t bits_stored;
  uint16_t high_bit;
  uint8_t pixel_representation; /* 0 unsigned, 1 two's complement */
  uint8_t planar_configuration; /* 0 colour by pixel, 1 colour by plane */
  bool big_endian;              /* Explicit VR Big Endian: words of 2 or 4 bytes are swapped */
};

/*
 * Encodes `raw` into `coded` (appended; the caller owns the buffer). Any `raw` is accepted: where its size does not
 * fit `format`, or where modelling does not pay, the bytes are coded as bytes or kept. CAS_NO_MEMORY only.
 */
CAS_API CAS_MUST_USE cas_status cas_pixel_encode(const struct cas_pixel_format *format, struct cas_slice raw,
                                                 struct cas_buffer *coded);

/*
 * Decodes into exactly `raw_size` bytes at `raw`. CAS_CORRUPT where `coded` is no valid coding of that many bytes;
 * `raw` is then unspecified. The caller's checksum decides whether the bytes are the right ones.
 */
CAS_API CAS_MUST_USE cas_status cas_pixel_decode(struct cas_slice coded, uint8_t *raw, size_t raw_size);

#ifdef __cplusplus
}
#endif
#endif
