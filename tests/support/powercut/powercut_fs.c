/*
 * A file system for tests, in memory, that loses on command what was not synced: powercut_fs MOUNTPOINT runs in the
 * foreground until it is unmounted. powercut_faults.h has the commands, powercut_tree.h what a cut leaves.
 *
 * It serves one request at a time, so that nothing is locked. The kernel caches nothing of it (direct_io, no timeouts):
 * what was written is here, and what is gone here is gone.
 */
#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fuse.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "support/powercut/powercut_faults.h"

#define CONTROL_PATH "/.powercut"
#define CONTROL_NUMBER 0xC0117801u
#define DEFAULT_LIMIT_BYTES (UINT64_C(1) << 30)

struct file_system {
  struct powercut_tree *tree;
  struct powercut_faults faults;
};

static struct file_system *self(void) { return fuse_get_context()->private_data; }

static int check(enum powercut_kind kind, const char *path) {
  return powercut_faults_check(&self()->faults, kind, path != NULL ? path : "", fuse_get_context()->pid);
}

static uint64_t limit_bytes(void) {
  return self()->faults.limit_bytes != 0 ? self()->faults.limit_bytes : DEFAULT_LIMIT_BYTES;
}

static bool is_control(const char *path) { return path != NULL && strcmp(path, CONTROL_PATH) == 0; }

static struct powercut_node *node_of(const char *path, const struct fuse_file_info *info) {
  return info != NULL ? powercut_tree_by_number(self()->tree, info->fh) : powercut_tree_find(self()->tree, path);
}

static bool has_room(const struct powercut_node *node, uint64_t end) {
  uint64_t growth = end > node->image.present.size ? end - node->image.present.size : 0;
  return growth == 0 || powercut_tree_bytes(self()->tree) + growth <= limit_bytes();
}

/* --- names --- */

static int get_attributes(const char *path, struct stat *facts, struct fuse_file_info *info) {
  *facts = (struct stat){.st_nlink = 1, .st_uid = fuse_get_context()->uid, .st_gid = fuse_get_context()->gid};
  if (is_control(path)) {
    facts->st_mode = S_IFREG | 0600;
    facts->st_ino = CONTROL_NUMBER;
    return 0;
  }
  const struct powercut_node *node = node_of(path, info);
  if (node == NULL) return -ENOENT;
  facts->st_mode = node->mode;
  facts->st_ino = node->number;
  facts->st_size = (off_t)node->image.present.size;
  facts->st_blocks = facts->st_size / 512;
  return 0;
}

static int list(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *info,
                enum fuse_readdir_flags flags) {
  (void)offset;
  (void)flags;
  int status = check(POWERCUT_READ, path);
  const struct powercut_node *node = node_of(path, info);
  if (status != 0 || node == NULL) return status != 0 ? status : -ENOENT;
  fill(buffer, ".", NULL, 0, 0);
  fill(buffer, "..", NULL, 0, 0);
  for (size_t i = 0; i < node->present.count; i++) fill(buffer, node->present.entries[i].name, NULL, 0, 0);
  return 0;
}

static int make(const char *path, mode_t mode, struct powercut_node **node) {
  int status = check(POWERCUT_NAME, path);
  return status != 0 ? status : powercut_tree_make(self()->tree, path, mode, node);
}

static int make_folder(const char *path, mode_t mode) {
  struct powercut_node *node;
  return make(path, S_IFDIR | mode, &node);
}

/* A socket's name, for one. */
static int make_special(const char *path, mode_t mode, dev_t device) {
  struct powercut_node *node;
  (void)device;
  return make(path, mode, &node);
}

static int create(const char *path, mode_t mode, struct fuse_file_info *info) {
  struct powercut_node *node;
  int status = make(path, S_IFREG | mode, &node);
  if (status == 0) info->fh = node->number;
  if (status == 0) info->direct_io = 1;
  return status;
}

static int remove_file(const char *path) {
  int status = check(POWERCUT_NAME, path);
  return status != 0 ? status : powercut_tree_remove(self()->tree, path, false);
}

static int remove_folder(const char *path) {
  int status = check(POWERCUT_NAME, path);
  return status != 0 ? status : powercut_tree_remove(self()->tree, path, true);
}

static int rename_entry(const char *from, const char *to, unsigned flags) {
  int status = flags != 0 ? -EINVAL : check(POWERCUT_NAME, from);
  return status != 0 ? status : powercut_tree_rename(self()->tree, from, to);
}

static int change_mode(const char *path, mode_t mode, struct fuse_file_info *info) {
  struct powercut_node *node = node_of(path, info);
  if (node == NULL) return -ENOENT;
  node->mode = (node->mode & S_IFMT) | (mode & 07777);
  return 0;
}

static int change_times(const char *path, const struct timespec times[2], struct fuse_file_info *info) {
  (void)times;
  return node_of(path, info) == NULL ? -ENOENT : 0;
}

/* --- bytes --- */

static int open_node(const char *path, struct fuse_file_info *info) {
  info->direct_io = 1;
  if (is_control(path)) {
    info->fh = CONTROL_NUMBER;
    return 0;
  }
  if (self()->faults.off) return -EIO;
  const struct powercut_node *node = powercut_tree_find(self()->tree, path);
  if (node == NULL) return -ENOENT;
  if (self()->faults.read_only && (info->flags & O_ACCMODE) != O_RDONLY) return -EROFS;
  info->fh = node->number;
  return 0;
}

static int read_report(char *bytes, size_t size, off_t offset) {
  char text[512];
  size_t length = powercut_faults_report(&self()->faults, text, sizeof text);
  if ((size_t)offset >= length) return 0;
  if (size > length - (size_t)offset) size = length - (size_t)offset;
  memcpy(bytes, text + offset, size);
  return (int)size;
}

static int read_bytes(const char *path, char *bytes, size_t size, off_t offset, struct fuse_file_info *info) {
  if (info->fh == CONTROL_NUMBER) return read_report(bytes, size, offset);
  int status = check(POWERCUT_READ, path);
  const struct powercut_node *node = node_of(path, info);
  if (status != 0 || node == NULL) return status != 0 ? status : -EIO;
  uint64_t at = (uint64_t)offset, end = node->image.present.size;
  if (at >= end) return 0;
  if (size > end - at) size = end - at;
  memcpy(bytes, node->image.present.data + at, size);
  return (int)size;
}

static int take_command(const char *bytes, size_t size) {
  char line[512];
  if (size >= sizeof line) return -EINVAL;
  memcpy(line, bytes, size);
  line[size] = '\0';
  int status = powercut_faults_command(&self()->faults, self()->tree, line);
  return status != 0 ? status : (int)size;
}

static int write_bytes(const char *path, const char *bytes, size_t size, off_t offset, struct fuse_file_info *info) {
  if (info->fh == CONTROL_NUMBER) return take_command(bytes, size);
  int status = check(POWERCUT_WRITE, path);
  struct powercut_node *node = node_of(path, info);
  if (status != 0 || node == NULL) return status != 0 ? status : -EIO;
  if ((info->flags & O_APPEND) != 0) offset = (off_t)node->image.present.size;
  size = powercut_faults_shorten(&self()->faults, size);
  if (!has_room(node, (uint64_t)offset + size)) return -ENOSPC;
  powercut_image_write(&node->image, (uint64_t)offset, bytes, size);
  return (int)size;
}

static int truncate_node(const char *path, off_t size, struct fuse_file_info *info) {
  if (is_control(path)) return 0;
  int status = check(POWERCUT_WRITE, path);
  struct powercut_node *node = node_of(path, info);
  if (status != 0 || node == NULL) return status != 0 ? status : -ENOENT;
  if (!has_room(node, (uint64_t)size)) return -ENOSPC;
  powercut_image_truncate(&node->image, (uint64_t)size);
  return 0;
}

static int sync_node(const char *path, int data_only, struct fuse_file_info *info) {
  (void)data_only;
  if (info->fh == CONTROL_NUMBER) return 0;
  int status = check(POWERCUT_SYNC, path);
  struct powercut_node *node = node_of(path, info);
  if (status != 0 && node != NULL && !S_ISDIR(node->mode)) powercut_image_fail_sync(&node->image);
  if (status != 0 || node == NULL) return status != 0 ? status : -EIO;
  if (S_ISDIR(node->mode))
    powercut_tree_sync_folder(self()->tree, node, self()->faults.honesty);
  else
    powercut_image_sync(&node->image, self()->faults.honesty);
  return 0;
}

static int tell_space(const char *path, struct statvfs *facts) {
  (void)path;
  uint64_t limit = limit_bytes(), used = powercut_tree_bytes(self()->tree);
  *facts = (struct statvfs){.f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255, .f_blocks = limit / 4096};
  facts->f_bfree = facts->f_bavail = used < limit ? (limit - used) / 4096 : 0;
  return 0;
}

static void *begin(struct fuse_conn_info *connection, struct fuse_config *config) {
  (void)connection;
  config->use_ino = 1;
  config->hard_remove = 1;
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  config->direct_io = 1;
  return fuse_get_context()->private_data;
}

static const struct fuse_operations operations = {
    .init = begin,
    .getattr = get_attributes,
    .opendir = open_node,
    .readdir = list,
    .mknod = make_special,
    .mkdir = make_folder,
    .create = create,
    .unlink = remove_file,
    .rmdir = remove_folder,
    .rename = rename_entry,
    .chmod = change_mode,
    .utimens = change_times,
    .open = open_node,
    .read = read_bytes,
    .write = write_bytes,
    .truncate = truncate_node,
    .fsync = sync_node,
    .fsyncdir = sync_node,
    .statfs = tell_space,
};

int main(int argc, char **argv) {
  if (argc != 2) {
    fputs("usage: powercut_fs MOUNTPOINT\n", stderr);
    return 2;
  }
  struct file_system system = {.tree = powercut_tree_create()};
  char name[] = "powercut_fs", foreground[] = "-f", single[] = "-s";
  char *arguments[] = {name, foreground, single, argv[1], NULL};
  int status = fuse_main(4, arguments, &operations, &system);
  powercut_tree_destroy(system.tree);
  return status;
}
