/* Owns nothing. */
#include "transcode_wire.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

int64_t transcode_wire_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool await(int fd, short events, int64_t until_ns) {
  for (;;) {
    const int64_t left_ms = until_ns == 0 ? -1 : (until_ns - transcode_wire_now_ns()) / 1000000;
    struct pollfd entry = {.fd = fd, .events = events};
    const int ready = left_ms < 0 && until_ns != 0 ? 0 : poll(&entry, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
    if (ready > 0) return true;
    if (ready == 0) errno = ETIMEDOUT;
    if (errno != EINTR) return false;
  }
}

bool transcode_wire_send(int fd, const void *bytes, size_t size, int64_t until_ns) {
  const char *at = bytes;
  while (size > 0) {
    const ssize_t count = send(fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      at += count;
      size -= (size_t)count;
    } else if (errno == EAGAIN) {
      if (!await(fd, POLLOUT, until_ns)) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool transcode_wire_receive(int fd, void *bytes, size_t size, int64_t until_ns) {
  char *at = bytes;
  while (size > 0) {
    const ssize_t count = recv(fd, at, size, MSG_DONTWAIT);
    if (count > 0) {
      at += count;
      size -= (size_t)count;
    } else if (count == 0) {
      errno = ECONNRESET;
      return false;
    } else if (errno == EAGAIN) {
      if (!await(fd, POLLIN, until_ns)) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}
