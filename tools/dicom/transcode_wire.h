/*
 * What goes over the socket between the process that transcodes (transcode_child.h) and who uses it (transcode_pool.h).
 * Both ends are the same program, so structures go as they are in memory.
 *
 *   request   struct transcode_request, `size` bytes
 *   answer    struct transcode_answer, `size` bytes: the reason of a failure, or a piece of the new data set;
 *             TRANSCODE_WRITE has as many pieces as it takes, with `more`, before its answer
 *
 * Threads: pure functions; one at a time on a socket.
 */
#ifndef TRANSCODE_WIRE_H
#define TRANSCODE_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cassette/status.h"

#define TRANSCODE_CHILD_NAME "cassette-transcoder"

/* Longest piece of a data set in one request or answer. */
#define TRANSCODE_PIECE_BYTES (1u << 20)

enum transcode_verb {
  TRANSCODE_BEGIN,
  TRANSCODE_PUT,
  TRANSCODE_PUT_LAST,
  TRANSCODE_CONVERT,
  TRANSCODE_WRITE,
  TRANSCODE_END
};

struct transcode_request {
  uint32_t verb;
  uint32_t size;    /* of a struct transcode_begin, or of a piece */
  uint32_t seconds; /* of processor time that it may take */
};

struct transcode_begin {
  uint64_t inflated_max;
  char from[65], to[65];
};

struct transcode_answer {
  uint32_t status; /* cas_status */
  uint32_t more;   /* a piece, and this is not the answer yet */
  uint32_t size;
  uint64_t pixel_bytes; /* as far as the data set was read; see transcoder_pixel_bytes() */
};

/* Writes or reads all bytes; `until_ns` of the monotonic clock, 0: for ever. False: the other end is gone, or it takes
 * longer; errno is ETIMEDOUT then. */
bool transcode_wire_send(int fd, const void *bytes, size_t size, int64_t until_ns);
bool transcode_wire_receive(int fd, void *bytes, size_t size, int64_t until_ns);

int64_t transcode_wire_now_ns(void);

#endif
