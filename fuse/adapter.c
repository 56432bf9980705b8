/*
 * Owns nothing: names, attributes and facts, asked from the tree for each request.
 *
 * Invariants
 *  1. Each entry that is handed to the kernel with an inode number holds one lookup in the table until the kernel
 * forgets it.
 *  2. A fault (I/O, damage) concerns its request only and is in the log with the path.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuse/adapter.h"
#include "fuse/threads.h"

#define BLOCK_BYTES 4096u

int adapter_errno(cas_status status) {
  switch (status) {
  case CAS_OK:
  case CAS_END: return 0;
  case CAS_NOT_FOUND: return ENOENT;
  case CAS_EXISTS: return EEXIST;
  case CAS_BUSY: return EBUSY;
  case CAS_REFUSED:
  case CAS_INVALID: return EINVAL;
  case CAS_UNSUPPORTED: return EOPNOTSUPP; /* not ENOSYS, after which the kernel never asks again */
  case CAS_NO_SPACE: return ENOSPC;
  case CAS_NO_MEMORY: return ENOMEM;
  case CAS_NO_DESCRIPTORS: return ENFILE; /* not EMFILE: those of the reader are not meant */
  case CAS_AWAY: return ENOMEDIUM;
  case CAS_IO:
  case CAS_CORRUPT: return EIO;
  }
  return EIO;
}

void adapter_report(const struct adapter *adapter, const char *path, cas_status status, const struct cas_error *error) {
  if (adapter->log == NULL || status == CAS_OK || status == CAS_NOT_FOUND || status == CAS_END) return;
  char line[TREE_PATH_MAX + sizeof error->message + 64];
  const char *detail = error->message[0] != '\0' ? error->message : cas_status_text(status);
  snprintf(line, sizeof line, "mount: %s: %s", path[0] != '\0' ? path : "/", detail);
  adapter->log(adapter->log_arg, CAS_LOG_ERROR, line);
}

void adapter_reply_status(fuse_req_t request, const char *path, cas_status status, const struct cas_error *error) {
  adapter_report(adapter_of(request), path, status, error);
  fuse_reply_err(request, adapter_errno(status));
}

void adapter_refresh(struct adapter *adapter) {
  if (adapter->fixed) return;
  struct cas_error error = {.status = CAS_OK};
  enum follower_news news = follower_refresh(&adapter->follower, &error);
  if (news == FOLLOWER_FAILED)
    adapter_report(adapter, "the store cannot be followed", CAS_IO, &error);
  else if (news == FOLLOWER_WORKS_AGAIN && adapter->log != NULL)
    adapter->log(adapter->log_arg, CAS_LOG_NOTICE, "mount: the store is followed again");
}

static struct timespec timespec_of(int64_t ns) {
  int64_t seconds = ns / NS_PER_S, rest = ns % NS_PER_S;
  if (rest < 0) {
    seconds--;
    rest += NS_PER_S;
  }
  return (struct timespec){.tv_sec = seconds, .tv_nsec = rest};
}

void adapter_fill(struct adapter *adapter, uint64_t epoch, uint64_t inode, const struct tree_entry *entry,
                  struct fuse_entry_param *param) {
  bool file = entry->kind == TREE_FILE;
  struct timespec time = timespec_of(entry->time_ns);
  *param = (struct fuse_entry_param){.ino = inode};
  bool watched = adapter->fixed || (!entry->fleeting && epoch == atomic_load(&adapter->epoch));
  param->entry_timeout = watched ? LONG_TIMEOUT_S : SHORT_TIMEOUT_S;
  param->attr_timeout = watched || file ? LONG_TIMEOUT_S : SHORT_TIMEOUT_S;
  param->attr = (struct stat){.st_ino = inode,
                              .st_mode = file ? S_IFREG | adapter->file_mode : S_IFDIR | adapter->folder_mode,
                              /* 1 for a folder means "unknown": 2 would promise find that it has no folders in it */
                              .st_nlink = 1,
                              .st_uid = adapter->uid,
                              .st_gid = adapter->gid,
                              .st_size = (off_t)entry->bytes,
                              .st_blocks = (blkcnt_t)((entry->bytes + 511) / 512),
                              .st_atim = time,
                              .st_mtim = time,
                              .st_ctim = time};
}

/* --- names and attributes --- */

static void lookup(fuse_req_t request, fuse_ino_t parent, const char *name) {
  struct adapter *adapter = adapter_of(request);
  struct cas_error error = {.status = CAS_OK};
  struct tree_entry entry;
  char folder[TREE_PATH_MAX], path[TREE_PATH_MAX] = "";
  uint64_t inode = 0;
  if (strlen(name) > NAME_MAX) {
    fuse_reply_err(request, ENAMETOOLONG);
    return;
  }
  adapter_refresh(adapter);
  uint64_t epoch = atomic_load(&adapter->epoch);
  cas_status status = inode_table_path(adapter->inodes, parent, folder);
  if (status == CAS_OK) status = tree_join(folder, name, path);
  if (status == CAS_OK) status = tree_get(&adapter->tree, path, &entry, NULL, &error);
  if (status == CAS_OK)
    status = inode_table_ref(adapter->inodes, parent, name, entry.kind == TREE_FILE, tree_inode(path), &inode);
  if (status != CAS_OK) {
    adapter_reply_status(request, path, status, &error);
    return;
  }
  struct fuse_entry_param param;
  adapter_fill(adapter, epoch, inode, &entry, &param);
  if (fuse_reply_entry(request, &param) != 0) inode_table_unref(adapter->inodes, inode, 1);
  trimmer_note(adapter->trimmer);
}

static void forget(fuse_req_t request, fuse_ino_t inode, uint64_t lookups) {
  inode_table_unref(adapter_of(request)->inodes, inode, lookups);
  fuse_reply_none(request);
}

static void forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets) {
  for (size_t i = 0; i < count; i++) inode_table_unref(adapter_of(request)->inodes, forgets[i].ino, forgets[i].nlookup);
  fuse_reply_none(request);
}

static void get_attributes(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info) {
  (void)info;
  struct adapter *adapter = adapter_of(request);
  struct cas_error error = {.status = CAS_OK};
  struct tree_entry entry;
  char path[TREE_PATH_MAX] = "";
  adapter_refresh(adapter);
  uint64_t epoch = atomic_load(&adapter->epoch);
  cas_status status = inode_table_path(adapter->inodes, inode, path);
  if (status == CAS_OK) status = tree_get(&adapter->tree, path, &entry, NULL, &error);
  if (status != CAS_OK) {
    adapter_reply_status(request, path, status, &error);
    return;
  }
  struct fuse_entry_param param;
  adapter_fill(adapter, epoch, inode, &entry, &param);
  fuse_reply_attr(request, &param.attr, param.attr_timeout);
}

static void get_statistics(fuse_req_t request, fuse_ino_t inode) {
  (void)inode;
  struct adapter *adapter = adapter_of(request);
  struct cas_error error = {.status = CAS_OK};
  struct cas_stats stats = {.patients = 0};
  cas_status status = cas_store_stats(adapter->tree.store, &stats, &error);
  if (status != CAS_OK) {
    adapter_reply_status(request, "", status, &error);
    return;
  }
  uint64_t used = stats.segment_bytes + stats.index_bytes;
  struct statvfs answer = {.f_bsize = BLOCK_BYTES,
                           .f_frsize = BLOCK_BYTES,
                           .f_blocks = (used + stats.free_bytes) / BLOCK_BYTES,
                           .f_bfree = stats.free_bytes / BLOCK_BYTES,
                           .f_bavail = stats.free_bytes / BLOCK_BYTES,
                           .f_files = stats.patients + stats.studies + stats.series + stats.instances,
                           .f_namemax = NAME_MAX};
  fuse_reply_statfs(request, &answer);
}

/* --- extended attributes --- */

static cas_status append_text(struct cas_buffer *buffer, const char *text, size_t size) {
  return cas_buffer_append(buffer, (struct cas_slice){.data = (const uint8_t *)text, .size = size});
}

static cas_status keep_value(void *arg, const char *name, const char *value) {
  (void)name;
  return append_text(arg, value, strlen(value));
}

static cas_status keep_name(void *arg, const char *name, const char *value) {
  (void)value;
  if (!facts_are_listed(name)) return CAS_OK;
  cas_status status = append_text(arg, FACT_PREFIX, strlen(FACT_PREFIX));
  return status == CAS_OK ? append_text(arg, name, strlen(name) + 1) : status;
}

/* Answers with the bytes, or with their number where the caller asks for it with size 0. */
static void reply_sized(fuse_req_t request, const struct cas_buffer *bytes, size_t size) {
  if (size == 0)
    fuse_reply_xattr(request, bytes->size);
  else if (bytes->size > size)
    fuse_reply_err(request, ERANGE);
  else
    fuse_reply_buf(request, (const char *)bytes->data, bytes->size);
}

static void reply_facts(fuse_req_t request, fuse_ino_t inode, const char *only, size_t size) {
  struct adapter *adapter = adapter_of(request);
  struct cas_error error = {.status = CAS_OK};
  struct cas_buffer bytes = {.size = 0};
  char path[TREE_PATH_MAX] = "";
  cas_status status = inode_table_path(adapter->inodes, inode, path);
  if (status == CAS_OK)
    status = fact_cache_list(&adapter->facts, &adapter->tree, path, only, only != NULL ? keep_value : keep_name, &bytes,
                             &error);
  if (status != CAS_OK)
    adapter_reply_status(request, path, status, &error);
  else if (only != NULL && bytes.size == 0)
    fuse_reply_err(request, ENODATA);
  else
    reply_sized(request, &bytes, size);
  cas_buffer_fini(&bytes);
}

/* A fact of the mount itself. */
static void reply_requests(fuse_req_t request, size_t size) {
  struct cas_buffer text = {.size = 0};
  if (requests_format(&adapter_of(request)->requests, &text) != CAS_OK)
    fuse_reply_err(request, ENOMEM);
  else
    reply_sized(request, &text, size);
  cas_buffer_fini(&text);
}

static void get_xattr(fuse_req_t request, fuse_ino_t inode, const char *name, size_t size) {
  size_t prefix_size = strlen(FACT_PREFIX);
  if (adapter_of(request)->xattr == CAS_MOUNT_XATTR_NONE)
    fuse_reply_err(request, ENOSYS); /* the kernel does not ask again */
  else if (inode == INODE_TABLE_ROOT && strcmp(name, FACT_PREFIX "requests") == 0)
    reply_requests(request, size);
  else if (strncmp(name, FACT_PREFIX, prefix_size) == 0)
    reply_facts(request, inode, name + prefix_size, size);
  else
    /* ls asks for system.posix_acl_access of every file, and stops asking after EOPNOTSUPP. */
    fuse_reply_err(request, strncmp(name, "user.", 5) == 0 ? ENODATA : EOPNOTSUPP);
}

static void list_xattr(fuse_req_t request, fuse_ino_t inode, size_t size) {
  if (adapter_of(request)->xattr != CAS_MOUNT_XATTR_LISTED)
    fuse_reply_err(request, ENOSYS);
  else
    reply_facts(request, inode, NULL, size);
}

/* --- the beginning --- */

static void begin(void *arg, struct fuse_conn_info *connection) {
  struct adapter *adapter = arg;
  adapter->opens_itself = (connection->capable & FUSE_CAP_NO_OPEN_SUPPORT) != 0;
  connection->max_readahead = READAHEAD_BYTES;
  connection->max_read = READ_BUFFER_BYTES;
  /* Requests that the kernel sends without somebody waiting for each: reading ahead. */
  connection->max_background = 64;
  connection->congestion_threshold = 48;
  /* Lists that the kernel keeps of folders go when the folder's time changes. Files' attributes never change. */
  connection->want |= connection->capable & FUSE_CAP_AUTO_INVAL_DATA;
  /* The kernel opens files itself, and then has to send what is to truncate as a change of attributes, to be refused.
   */
  connection->want &= ~(unsigned)FUSE_CAP_ATOMIC_O_TRUNC;
  /* Lists always hand out the attributes, which the index gives at no cost: those who walk a tree want them. */
  connection->want &= ~(unsigned)FUSE_CAP_READDIRPLUS_AUTO;
  connection->want |= connection->capable &
                      (FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS | FUSE_CAP_ASYNC_DIO);
}

void adapter_operations(struct fuse_lowlevel_ops *operations) {
  operations->init = begin;
  operations->lookup = lookup;
  operations->forget = forget;
  operations->forget_multi = forget_multi;
  operations->getattr = get_attributes;
  operations->statfs = get_statistics;
  operations->getxattr = get_xattr;
  operations->listxattr = list_xattr;
}
