/*
 * Owns the spool's file. Invariants:
 *  1. [read, size) holds whole frames.
 *  2. What cannot be written whole is cut off again.
 */
#include "audit_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES_MAX 8u

/* The size of the frame at `offset` and of its head; false: none that is whole. */
static bool frame_at(const struct audit_spool *spool, uint64_t offset, size_t *head, size_t *message) {
  char text[HEAD_BYTES_MAX + 1];
  const ssize_t got = pread(spool->fd, text, HEAD_BYTES_MAX, (off_t)offset);
  if (got <= 0) return false;
  text[got] = '\0';
  char *end;
  const unsigned long size = strtoul(text, &end, 10);
  if (text[0] < '1' || text[0] > '9' || *end != ' ' || size > AUDIT_MESSAGE_BYTES_MAX) return false;
  *head = (size_t)(end - text) + 1;
  *message = size;
  return offset + *head + size <= spool->size;
}

cas_status audit_spool_open(struct audit_spool *spool, const char *path, uint64_t size_max, struct cas_error *error) {
  *spool = (struct audit_spool){.size_max = size_max};
  spool->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct stat status;
  if (spool->fd < 0 || fstat(spool->fd, &status) < 0) {
    *error = (struct cas_error){.status = CAS_IO, .system_errno = errno};
    snprintf(error->message, sizeof error->message, "audit spool %.150s: %s", path, strerrordesc_np(errno));
    audit_spool_close(spool);
    return CAS_IO;
  }
  spool->size = (uint64_t)status.st_size;
  uint64_t offset = 0;
  size_t head, message;
  for (; frame_at(spool, offset, &head, &message); offset += head + message) spool->waiting++;
  if (offset < spool->size && ftruncate(spool->fd, (off_t)offset) == 0) spool->size = offset;
  spool->size = offset;
  return CAS_OK;
}

void audit_spool_close(struct audit_spool *spool) {
  if (spool->fd >= 0) close(spool->fd);
  spool->fd = -1;
}

cas_status audit_spool_append(struct audit_spool *spool, struct cas_slice message) {
  char head[HEAD_BYTES_MAX + 1];
  const size_t head_size = (size_t)snprintf(head, sizeof head, "%zu ", message.size);
  if (spool->fd < 0 || message.size == 0 || message.size > AUDIT_MESSAGE_BYTES_MAX ||
      spool->size + head_size + message.size > spool->size_max)
    return CAS_NO_SPACE;
  const bool whole =
      pwrite(spool->fd, head, head_size, (off_t)spool->size) == (ssize_t)head_size &&
      pwrite(spool->fd, message.data, message.size, (off_t)(spool->size + head_size)) == (ssize_t)message.size;
  if (!whole) {
    (void)!ftruncate(spool->fd, (off_t)spool->size);
    return CAS_NO_SPACE;
  }
  spool->size += head_size + message.size;
  spool->waiting++;
  return CAS_OK;
}

cas_status audit_spool_peek(struct audit_spool *spool, struct cas_buffer *message) {
  size_t head, size;
  if (spool->fd < 0 || spool->waiting == 0 || !frame_at(spool, spool->read, &head, &size)) return CAS_NOT_FOUND;
  message->size = 0;
  const cas_status status = cas_buffer_reserve(message, size);
  if (status != CAS_OK) return status;
  if (pread(spool->fd, message->data, size, (off_t)(spool->read + head)) != (ssize_t)size) return CAS_NOT_FOUND;
  message->size = size;
  return CAS_OK;
}

void audit_spool_pop(struct audit_spool *spool) {
  size_t head, size;
  if (!frame_at(spool, spool->read, &head, &size)) return;
  spool->read += head + size;
  spool->waiting--;
  if (spool->waiting > 0) return;
  if (ftruncate(spool->fd, 0) == 0) spool->size = spool->read = 0;
}
