/*
 * The adapter: answers the kernel's requests from the tree and the readers. What is specific to libfuse is here and in
 * mount.c.
 *
 * Threads: the operations run on all threads of the mount at once. Nothing in struct adapter changes while the mount
 * lives but what has a lock of its own. Source: libfuse's fuse_lowlevel.h.
 */
#ifndef FUSE_ADAPTER_H
#define FUSE_ADAPTER_H

#include <fuse_lowlevel.h>

#include "fuse/ahead.h"
#include "fuse/fact_cache.h"
#include "fuse/follower.h"
#include "fuse/inode_table.h"
#include "fuse/mount.h"
#include "fuse/opened.h"
#include "fuse/read_buffers.h"
#include "fuse/requests.h"
#include "fuse/tree.h"
#include "fuse/trimmer.h"

/* For how long the kernel need not ask again. The attributes of a file never change; names can go, and a folder's time
 * changes with what comes or goes below it: then the watcher tells the kernel. What no watcher sees is kept for a
 * second. What was not found is not remembered, for it may arrive now. */
#define LONG_TIMEOUT_S 86400.0
#define SHORT_TIMEOUT_S 1.0

/* The kernel reads ahead this much. */
#define READAHEAD_BYTES (1u << 20)

struct adapter {
  struct tree tree;
  bool fixed;                 /* nothing in the tree ever changes */
  enum cas_mount_xattr xattr; /* never the default */
  uid_t uid;
  gid_t gid;
  mode_t file_mode, folder_mode; /* permission bits */
  cas_log_fn log;                /* or NULL */
  void *log_arg;
  struct follower follower;
  atomic_uint_fast64_t epoch; /* see watcher.c */
  struct inode_table *inodes;
  struct opened_list opened;
  struct readers *readers;
  struct read_buffers buffers;
  struct fact_cache facts;
  struct ahead *ahead;
  struct trimmer *trimmer;
  struct requests requests;
  bool opens_itself; /* the kernel opens files without asking; set before the first of them */
};

/* Fills in the operations of each part. */
void adapter_operations(struct fuse_lowlevel_ops *operations);
void adapter_folder_operations(struct fuse_lowlevel_ops *operations);
void adapter_file_operations(struct fuse_lowlevel_ops *operations);
void adapter_readonly_operations(struct fuse_lowlevel_ops *operations);

/* The one place where a status becomes an errno. */
int adapter_errno(cas_status status);

/* Answers a request that failed: faults go to the log with the path, expected outcomes do not. */
void adapter_reply_status(fuse_req_t request, const char *path, cas_status status, const struct cas_error *error);

/* The same without answering. */
void adapter_report(const struct adapter *adapter, const char *path, cas_status status, const struct cas_error *error);

/* To be called before names are looked up or listed: sees what the writer of the store has made durable by now. */
void adapter_refresh(struct adapter *adapter);

/* The attributes and timeouts of an entry that was found out in this epoch; call it when the inode is in the table. */
void adapter_fill(struct adapter *adapter, uint64_t epoch, uint64_t inode, const struct tree_entry *entry,
                  struct fuse_entry_param *param);

static inline struct adapter *adapter_of(fuse_req_t request) { return fuse_req_userdata(request); }

#endif
