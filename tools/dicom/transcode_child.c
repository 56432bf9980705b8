/* Owns one transcoder at a time. */
#include "transcode_child.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "transcode_wire.h"
#include "transcoder.h"

#define SOCKET 0

/* A sanitizer takes terabytes of addresses. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMITS_ADDRESSES false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LIMITS_ADDRESSES false
#endif
#endif
#ifndef LIMITS_ADDRESSES
#define LIMITS_ADDRESSES true
#endif

struct child {
  struct transcoder *transcoder;
  uint8_t *piece; /* TRANSCODE_PIECE_BYTES */
};

bool transcode_child_is_meant(const char *name) { return name != NULL && strcmp(name, TRANSCODE_CHILD_NAME) == 0; }

static void limit(int resource, rlim_t most) {
  struct rlimit limits;
  if (getrlimit(resource, &limits) != 0) return;
  limits.rlim_cur = limits.rlim_max < most ? limits.rlim_max : most;
  (void)setrlimit(resource, &limits); /* who uses us has a time limit of its own */
}

/* From now on: at its end the kernel ends the process. */
static void limit_time(unsigned seconds) {
  struct rusage used;
  if (getrusage(RUSAGE_SELF, &used) != 0) return;
  limit(RLIMIT_CPU, (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + seconds + 2);
}

static void end(struct child *child) {
  transcoder_destroy(child->transcoder);
  child->transcoder = NULL;
}

static cas_status begin(struct child *child, size_t size, struct cas_error *error) {
  struct transcode_begin how;
  end(child);
  if (size != sizeof how) return CAS_INVALID;
  memcpy(&how, child->piece, sizeof how);
  how.from[sizeof how.from - 1] = how.to[sizeof how.to - 1] = '\0';
  return transcoder_create(how.from, how.to, how.inflated_max, &child->transcoder, error);
}

static cas_status write_piece(void *arg, struct cas_slice bytes, struct cas_error *error) {
  (void)arg, (void)error;
  while (bytes.size > 0) {
    const size_t size = bytes.size < TRANSCODE_PIECE_BYTES ? bytes.size : TRANSCODE_PIECE_BYTES;
    const struct transcode_answer answer = {.more = 1, .size = (uint32_t)size};
    if (!transcode_wire_send(SOCKET, &answer, sizeof answer, 0) || !transcode_wire_send(SOCKET, bytes.data, size, 0))
      return CAS_IO;
    bytes = (struct cas_slice){.data = bytes.data + size, .size = bytes.size - size};
  }
  return CAS_OK;
}

static cas_status serve(struct child *child, const struct transcode_request *request, struct cas_error *error) {
  const struct cas_slice piece = {.data = child->piece, .size = request->size};
  if (request->verb == TRANSCODE_BEGIN) return begin(child, request->size, error);
  if (child->transcoder == NULL) return CAS_INVALID;
  switch ((enum transcode_verb)request->verb) {
  case TRANSCODE_PUT: return transcoder_put(child->transcoder, piece, false, error);
  case TRANSCODE_PUT_LAST: return transcoder_put(child->transcoder, piece, true, error);
  case TRANSCODE_CONVERT: return transcoder_convert(child->transcoder, error);
  case TRANSCODE_WRITE: return transcoder_write(child->transcoder, write_piece, NULL, error);
  case TRANSCODE_END:
    end(child);
    malloc_trim(0);
    return CAS_OK;
  default: return CAS_INVALID;
  }
}

static bool answer(const struct child *child, cas_status status, const struct cas_error *error) {
  const size_t size = status == CAS_OK ? 0 : strlen(error->message);
  const struct transcode_answer head = {.status = (uint32_t)status,
                                        .size = (uint32_t)size,
                                        .pixel_bytes =
                                            child->transcoder != NULL ? transcoder_pixel_bytes(child->transcoder) : 0};
  return transcode_wire_send(SOCKET, &head, sizeof head, 0) && transcode_wire_send(SOCKET, error->message, size, 0);
}

int transcode_child_run(int argc, char **argv) {
  struct child child = {.piece = malloc(TRANSCODE_PIECE_BYTES)};
  struct transcode_request request;
  const unsigned long mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
  if (child.piece == NULL) return EXIT_FAILURE;
  if (LIMITS_ADDRESSES && mib > 0) limit(RLIMIT_AS, (rlim_t)mib << 20);
  limit(RLIMIT_CORE, 0);
  while (transcode_wire_receive(SOCKET, &request, sizeof request, 0) && request.size <= TRANSCODE_PIECE_BYTES &&
         transcode_wire_receive(SOCKET, child.piece, request.size, 0)) {
    struct cas_error error = {0};
    limit_time(request.seconds);
    const cas_status status = serve(&child, &request, &error);
    if (!answer(&child, status, &error)) break;
  }
  end(&child);
  free(child.piece);
  return EXIT_SUCCESS;
}
