/*
 * Owns nothing: the counts are in the adapter.
 */
#include "fuse/requests.h"

#include <inttypes.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>

static const char *const names[REQUESTS_KINDS] = {
    [FUSE_LOOKUP] = "lookup",
    [FUSE_FORGET] = "forget",
    [FUSE_GETATTR] = "getattr",
    [FUSE_SETATTR] = "setattr",
    [FUSE_READLINK] = "readlink",
    [FUSE_SYMLINK] = "symlink",
    [FUSE_MKNOD] = "mknod",
    [FUSE_MKDIR] = "mkdir",
    [FUSE_UNLINK] = "unlink",
    [FUSE_RMDIR] = "rmdir",
    [FUSE_RENAME] = "rename",
    [FUSE_LINK] = "link",
    [FUSE_OPEN] = "open",
    [FUSE_READ] = "read",
    [FUSE_WRITE] = "write",
    [FUSE_STATFS] = "statfs",
    [FUSE_RELEASE] = "release",
    [FUSE_FSYNC] = "fsync",
    [FUSE_SETXATTR] = "setxattr",
    [FUSE_GETXATTR] = "getxattr",
    [FUSE_LISTXATTR] = "listxattr",
    [FUSE_REMOVEXATTR] = "removexattr",
    [FUSE_FLUSH] = "flush",
    [FUSE_INIT] = "init",
    [FUSE_OPENDIR] = "opendir",
    [FUSE_READDIR] = "readdir",
    [FUSE_RELEASEDIR] = "releasedir",
    [FUSE_FSYNCDIR] = "fsyncdir",
    [FUSE_ACCESS] = "access",
    [FUSE_CREATE] = "create",
    [FUSE_INTERRUPT] = "interrupt",
    [FUSE_DESTROY] = "destroy",
    [FUSE_IOCTL] = "ioctl",
    [FUSE_POLL] = "poll",
    [FUSE_BATCH_FORGET] = "batch_forget",
    [FUSE_READDIRPLUS] = "readdirplus",
    [FUSE_RENAME2] = "rename2",
    [FUSE_LSEEK] = "lseek",
};

void requests_note(struct requests *requests, const void *bytes, size_t size) {
  struct fuse_in_header header;
  if (size < sizeof header) return;
  memcpy(&header, bytes, sizeof header);
  /* Kind 0 is none of the kernel's: all that have no name here. */
  unsigned kind = header.opcode < REQUESTS_KINDS && names[header.opcode] != NULL ? header.opcode : 0;
  atomic_fetch_add_explicit(&requests->counts[kind], 1, memory_order_relaxed);
}

void requests_each(const struct requests *requests, void (*each)(void *arg, const char *kind, uint64_t count),
                   void *arg) {
  for (unsigned kind = 0; kind < REQUESTS_KINDS; kind++) {
    uint64_t count = atomic_load_explicit(&requests->counts[kind], memory_order_relaxed);
    if (count > 0) each(arg, names[kind] != NULL ? names[kind] : "other", count);
  }
}

struct text {
  struct cas_buffer *buffer;
  cas_status status;
};

static void append(void *arg, const char *kind, uint64_t count) {
  struct text *text = arg;
  char word[64];
  int size = snprintf(word, sizeof word, "%s%s=%" PRIu64, text->buffer->size > 0 ? " " : "", kind, count);
  if (text->status == CAS_OK)
    text->status =
        cas_buffer_append(text->buffer, (struct cas_slice){.data = (const uint8_t *)word, .size = (size_t)size});
}

cas_status requests_format(const struct requests *requests, struct cas_buffer *buffer) {
  struct text text = {.buffer = buffer, .status = CAS_OK};
  requests_each(requests, append, &text);
  return text.status;
}
