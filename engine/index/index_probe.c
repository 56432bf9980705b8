#include "index/index_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define PROBE_BYTES (64u << 10)

/* 0 or the errno of what failed. */
static int write_and_sync(int fd) {
  static const uint8_t zeros[PROBE_BYTES];
  for (size_t done = 0; done < sizeof zeros;) {
    const ssize_t written = write(fd, zeros + done, sizeof zeros - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : EIO;
    done += (size_t)written;
  }
  return fsync(fd) == 0 ? 0 : errno;
}

cas_status index_probe(const char *folder, struct cas_error *error) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/probe", folder) >= (int)sizeof path)
    return status_fail(error, CAS_INVALID, "index %s: the path is too long", folder);
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) return status_fail_errno(error, errno, "index %s: cannot be written", folder);
  const int failure = write_and_sync(fd);
  close(fd);
  (void)unlink(path);
  return failure == 0 ? CAS_OK : status_fail_errno(error, failure, "index %s: cannot be written", folder);
}
