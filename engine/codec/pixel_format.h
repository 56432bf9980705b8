/*
 * The bytes of a coded frame, as docs/format-pixel.md describes them: constants only.
 */
#ifndef CODEC_PIXEL_FORMAT_H
#define CODEC_PIXEL_FORMAT_H

/* The first byte of every coded frame. */
enum pixel_method {
  PIXEL_METHOD_RAW = 0,  /* the bytes themselves */
  PIXEL_METHOD_ZSTD = 1, /* one zstd frame */
};

#define PIXEL_ZSTD_LEVEL 3

#endif
