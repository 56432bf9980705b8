/*
 * Owns nothing: every operation that would change something answers EROFS. The mount option "ro" makes the kernel say
 * so itself; these are for a mount that root has remounted writable.
 */
#include <errno.h>

#include "fuse/adapter.h"

#define UNUSED __attribute__((unused))

static void set_attributes(fuse_req_t request, fuse_ino_t inode UNUSED, struct stat *attributes UNUSED,
                           int which UNUSED, struct fuse_file_info *info UNUSED) {
  fuse_reply_err(request, EROFS);
}

static void make_node(fuse_req_t request, fuse_ino_t parent UNUSED, const char *name UNUSED, mode_t mode UNUSED,
                      dev_t device UNUSED) {
  fuse_reply_err(request, EROFS);
}

static void make_folder(fuse_req_t request, fuse_ino_t parent UNUSED, const char *name UNUSED, mode_t mode UNUSED) {
  fuse_reply_err(request, EROFS);
}

static void remove_name(fuse_req_t request, fuse_ino_t parent UNUSED, const char *name UNUSED) {
  fuse_reply_err(request, EROFS);
}

static void make_symlink(fuse_req_t request, const char *target UNUSED, fuse_ino_t parent UNUSED,
                         const char *name UNUSED) {
  fuse_reply_err(request, EROFS);
}

static void rename_entry(fuse_req_t request, fuse_ino_t parent UNUSED, const char *name UNUSED,
                         fuse_ino_t new_parent UNUSED, const char *new_name UNUSED, unsigned flags UNUSED) {
  fuse_reply_err(request, EROFS);
}

static void make_link(fuse_req_t request, fuse_ino_t inode UNUSED, fuse_ino_t new_parent UNUSED,
                      const char *new_name UNUSED) {
  fuse_reply_err(request, EROFS);
}

static void write_file(fuse_req_t request, fuse_ino_t inode UNUSED, const char *bytes UNUSED, size_t size UNUSED,
                       off_t offset UNUSED, struct fuse_file_info *info UNUSED) {
  fuse_reply_err(request, EROFS);
}

static void create_file(fuse_req_t request, fuse_ino_t parent UNUSED, const char *name UNUSED, mode_t mode UNUSED,
                        struct fuse_file_info *info UNUSED) {
  fuse_reply_err(request, EROFS);
}

static void set_xattr(fuse_req_t request, fuse_ino_t inode UNUSED, const char *name UNUSED, const char *value UNUSED,
                      size_t size UNUSED, int flags UNUSED) {
  fuse_reply_err(request, EROFS);
}

static void remove_xattr(fuse_req_t request, fuse_ino_t inode UNUSED, const char *name UNUSED) {
  fuse_reply_err(request, EROFS);
}

static void allocate(fuse_req_t request, fuse_ino_t inode UNUSED, int mode UNUSED, off_t offset UNUSED,
                     off_t length UNUSED, struct fuse_file_info *info UNUSED) {
  fuse_reply_err(request, EROFS);
}

void adapter_readonly_operations(struct fuse_lowlevel_ops *operations) {
  operations->setattr = set_attributes;
  operations->mknod = make_node;
  operations->mkdir = make_folder;
  operations->unlink = remove_name;
  operations->rmdir = remove_name;
  operations->symlink = make_symlink;
  operations->rename = rename_entry;
  operations->link = make_link;
  operations->write = write_file;
  operations->create = create_file;
  operations->setxattr = set_xattr;
  operations->removexattr = remove_xattr;
  operations->fallocate = allocate;
}
