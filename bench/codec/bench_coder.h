/*
 * One way to encode a frame, as the bench measures it.
 */
#ifndef BENCH_CODER_H
#define BENCH_CODER_H

#include "bench_frames.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coder {
  const char *name;
  bool slow; /* measured on some of the frames only */
  /* Encodes into `out` of `capacity` bytes; gives the size, 0 where the frame is not supported or does not fit. */
  size_t (*encode)(const struct frame *frame, uint8_t *out, size_t capacity);
  /* Decodes into `raw` of frame->size bytes. */
  bool (*decode)(const struct frame *frame, const uint8_t *coded, size_t size, uint8_t *raw);
  bool native; /* works on frame->native */
};

extern const struct coder coder_cassette;
extern const struct coder coder_zstd_1, coder_zstd_3, coder_zstd_19, coder_planes;
extern const struct coder coder_charls;
extern const struct coder coder_openjph;
extern const struct coder coder_jxl_1, coder_jxl_3;

#ifdef __cplusplus
}
#endif
#endif
