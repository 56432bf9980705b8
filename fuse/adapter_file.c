/*
 * Owns nothing: the readers are in the adapter's list.
 *
 * Invariants
 *  1. The kernel may keep what it has read for ever: the bytes of a version never change.
 *  2. An answer is short only at the end of the file.
 *  3. Opening and closing need nobody here: where the kernel can do without, the first request to open a file is
 *     answered once and for all. So what is open, or is opened for writing where root has remounted, is not known
 *     here; writing itself is refused (adapter_readonly.c).
 */
#include <errno.h>
#include <fcntl.h>

#include "fuse/adapter.h"

static void open_file(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info) {
  (void)inode;
  if (adapter_of(request)->opens_itself) {
    fuse_reply_err(request, ENOSYS);
    return;
  }
  if ((info->flags & O_ACCMODE) != O_RDONLY) {
    fuse_reply_err(request, EROFS);
    return;
  }
  info->keep_cache = 1;
  info->noflush = 1;
  fuse_reply_open(request, info);
}

/* A damaged file is read again and again by programs that try; the log has it once for as long as its reader is kept.
 */
static void report_once(struct adapter *adapter, struct kept_reader *kept, const char *path, cas_status status,
                        const struct cas_error *error) {
  if (kept == NULL || !atomic_exchange(&kept->reported, true)) adapter_report(adapter, path, status, error);
}

/* What is read may have gone since the kernel learned of it: then it is no fault. */
static bool is_gone(struct adapter *adapter, const char *path) {
  struct tree_entry entry;
  struct cas_error error = {.status = CAS_OK};
  return tree_get(&adapter->tree, path, &entry, NULL, &error) == CAS_NOT_FOUND;
}

static void read_file(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *info) {
  (void)info;
  struct adapter *adapter = adapter_of(request);
  struct cas_error error = {.status = CAS_OK};
  struct kept_reader *kept = NULL;
  char path[TREE_PATH_MAX] = "";
  if (offset < 0 || size > READ_BUFFER_BYTES) {
    fuse_reply_err(request, EINVAL);
    return;
  }
  uint8_t *buffer = read_buffers_get(&adapter->buffers);
  cas_status status = buffer == NULL ? CAS_NO_MEMORY : inode_table_path(adapter->inodes, inode, path);
  if (status == CAS_OK && offset == 0) ahead_note(adapter->ahead, inode, path);
  if (status == CAS_OK) status = readers_open(adapter->readers, &adapter->tree, path, &kept, &error);
  size_t got = 0;
  if (status == CAS_OK) status = cas_reader_read(kept->reader, (uint64_t)offset, buffer, size, &got, &error);
  if (status == CAS_OK) {
    fuse_reply_buf(request, (const char *)buffer, got);
  } else if (status == CAS_NOT_FOUND || is_gone(adapter, path)) {
    fuse_reply_err(request, ESTALE);
  } else {
    report_once(adapter, kept, path, status, &error);
    fuse_reply_err(request, adapter_errno(status));
  }
  readers_unref(adapter->readers, kept);
  if (buffer != NULL) read_buffers_put(&adapter->buffers, buffer);
}

void adapter_file_operations(struct fuse_lowlevel_ops *operations) {
  operations->open = open_file;
  operations->read = read_file;
}
