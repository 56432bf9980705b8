/*
 * Copying an instance out of the store.
 */
#include "instance_copy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define COPY_BYTES (1u << 20)

cas_status instance_fail_errno(struct cas_error *error, int system_errno) {
  cas_status status = system_errno == ENOSPC || system_errno == EDQUOT ? CAS_NO_SPACE
                      : system_errno == ENOENT                         ? CAS_NOT_FOUND
                      : system_errno == ENOMEM                         ? CAS_NO_MEMORY
                                                                       : CAS_IO;
  error->status = status;
  error->system_errno = system_errno;
  snprintf(error->message, sizeof error->message, "%s", strerror(system_errno));
  return status;
}

cas_status instance_copy(struct cas_reader *reader, const atomic_bool *stop, instance_write_fn write_bytes, void *arg,
                         struct cas_error *error) {
  CLI_FREE uint8_t *bytes = malloc(COPY_BYTES);
  if (!bytes) return CAS_NO_MEMORY;
  uint64_t size = cas_reader_size(reader);
  for (uint64_t offset = 0; offset < size;) {
    if (stop && atomic_load(stop)) return CAS_END;
    size_t got = 0;
    cas_status status = cas_reader_read(reader, offset, bytes, COPY_BYTES, &got, error);
    if (status == CAS_OK && got == 0) {
      snprintf(error->message, sizeof error->message, "ends at byte %llu of %llu", (unsigned long long)offset,
               (unsigned long long)size);
      status = CAS_CORRUPT;
    }
    if (status == CAS_OK) status = write_bytes(arg, (struct cas_slice){.data = bytes, .size = got}, error);
    if (status != CAS_OK) return status;
    offset += got;
  }
  return CAS_OK;
}

cas_status instance_write_fd(void *arg, struct cas_slice bytes, struct cas_error *error) {
  int fd = *(const int *)arg;
  while (bytes.size > 0) {
    ssize_t written = write(fd, bytes.data, bytes.size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return instance_fail_errno(error, errno);
    bytes.data += written;
    bytes.size -= (size_t)written;
  }
  return CAS_OK;
}

struct comparison {
  int fd;
  bool same;
  uint8_t bytes[COPY_BYTES];
};

static cas_status compare(void *arg, struct cas_slice bytes, struct cas_error *error) {
  struct comparison *comparison = arg;
  size_t have = 0;
  while (have < bytes.size) {
    ssize_t got = read(comparison->fd, comparison->bytes + have, bytes.size - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return instance_fail_errno(error, errno);
    if (got == 0) break;
    have += (size_t)got;
  }
  comparison->same = have == bytes.size && memcmp(comparison->bytes, bytes.data, have) == 0;
  return comparison->same ? CAS_OK : CAS_END;
}

cas_status instance_compare_fd(struct cas_reader *reader, int fd, bool *same, struct cas_error *error) {
  CLI_FREE struct comparison *comparison = malloc(sizeof *comparison);
  if (!comparison) return CAS_NO_MEMORY;
  comparison->fd = fd;
  comparison->same = true;
  cas_status status = instance_copy(reader, NULL, compare, comparison, error);
  if (status != CAS_OK && status != CAS_END) return status;
  uint8_t more;
  *same = comparison->same && read(fd, &more, 1) == 0;
  return CAS_OK;
}
