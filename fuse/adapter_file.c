/*
 * Owns nothing: open files are in the adapter's list.
 *
 * Invariants
 *  1. The kernel may keep what it has read for ever (keep_cache): the bytes of a version never change.
 *  2. An answer is short only at the end of the file.
 */
#include <errno.h>
#include <fcntl.h>

#include "fuse/adapter.h"

static cas_status open_path(struct adapter *adapter, const char *path, struct cas_reader **reader,
                            struct cas_error *error) {
  struct tree_entry entry;
  char node_path[TREE_PATH_MAX];
  cas_status status = tree_get(&adapter->tree, path, &entry, node_path, error);
  if (status == CAS_OK && entry.kind != TREE_FILE) status = CAS_INVALID;
  return status == CAS_OK ? cas_reader_open(adapter->tree.store, node_path, reader, error) : status;
}

static void open_file(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info) {
  struct adapter *adapter = adapter_of(request);
  struct cas_error error = {.status = CAS_OK};
  struct cas_reader *reader = NULL;
  struct opened *opened = NULL;
  char path[TREE_PATH_MAX] = "";
  if ((info->flags & O_ACCMODE) != O_RDONLY) {
    fuse_reply_err(request, EROFS);
    return;
  }
  cas_status status = inode_table_path(adapter->inodes, inode, path);
  if (status == CAS_OK) status = open_path(adapter, path, &reader, &error);
  if (status != CAS_OK) {
    adapter_reply_status(request, path, status, &error);
    return;
  }
  status = opened_add(&adapter->opened, reader, NULL, &opened);
  if (status != CAS_OK) {
    fuse_reply_err(request, status == CAS_BUSY ? ENFILE : adapter_errno(status));
    return;
  }
  info->fh = (uintptr_t)opened;
  info->keep_cache = 1;
  info->noflush = 1;
  if (fuse_reply_open(request, info) != 0) opened_remove(&adapter->opened, opened);
}

/* A damaged file is read again and again by programs that try; the log has it once for each time it is opened. */
static void report_once(struct adapter *adapter, struct opened *opened, fuse_ino_t inode, cas_status status,
                        const struct cas_error *error) {
  char path[TREE_PATH_MAX];
  if (atomic_exchange(&opened->reported, true)) return;
  if (inode_table_path(adapter->inodes, inode, path) == CAS_OK) adapter_report(adapter, path, status, error);
}

static void read_file(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *info) {
  struct adapter *adapter = adapter_of(request);
  struct opened *opened = (struct opened *)(uintptr_t)info->fh;
  struct cas_error error = {.status = CAS_OK};
  if (offset < 0 || size > READ_BUFFER_BYTES) {
    fuse_reply_err(request, EINVAL);
    return;
  }
  uint8_t *buffer = read_buffers_get(&adapter->buffers);
  if (buffer == NULL) {
    fuse_reply_err(request, ENOMEM);
    return;
  }
  size_t got = 0;
  cas_status status = cas_reader_read(opened->reader, (uint64_t)offset, buffer, size, &got, &error);
  if (status == CAS_OK) {
    fuse_reply_buf(request, (const char *)buffer, got);
  } else {
    report_once(adapter, opened, inode, status, &error);
    fuse_reply_err(request, adapter_errno(status));
  }
  read_buffers_put(&adapter->buffers, buffer);
}

static void release_file(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info) {
  (void)inode;
  opened_remove(&adapter_of(request)->opened, (struct opened *)(uintptr_t)info->fh);
  fuse_reply_err(request, 0);
}

void adapter_file_operations(struct fuse_lowlevel_ops *operations) {
  operations->open = open_file;
  operations->read = read_file;
  operations->release = release_file;
}
