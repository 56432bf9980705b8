/*
 * Owns the file descriptor of the root folder; everything is named relative to it.
 *
 * Invariants
 *  1. Whatever changes a folder's entries syncs that folder before it returns.
 *  2. Names never lead out of the root: they come from the engine itself, so a wrong one is our own bug.
 */
#include "io/folder.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/status.h"

enum { file_mode = 0640, folder_mode = 0750, path_bytes_max = 256 };

static void check_name(const char *name) {
  assert(name[0] != '/' && strstr(name, "..") == NULL && strlen(name) < path_bytes_max);
  (void)name;
}

cas_status folder_open(const char *path, struct folder *folder, struct cas_error *error) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return status_fail_errno(error, errno, "folder %s", path);
  char *copy = strdup(path);
  if (copy == NULL) {
    close(fd);
    return status_fail(error, CAS_NO_MEMORY, "folder %s: no memory", path);
  }
  *folder = (struct folder){.fd = fd, .path = copy};
  return CAS_OK;
}

void folder_close(struct folder *folder) {
  close(folder->fd);
  free(folder->path);
  *folder = (struct folder){.fd = -1};
}

/* Makes the entry `name` durable, or its absence. */
static cas_status sync_parent(const struct folder *folder, const char *name, struct cas_error *error) {
  char parent[path_bytes_max] = ".";
  const char *slash = strrchr(name, '/');
  if (slash != NULL) {
    memcpy(parent, name, (size_t)(slash - name));
    parent[slash - name] = '\0';
  }
  int fd = openat(folder->fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return status_fail_errno(error, errno, "%s/%s: open to sync", folder->path, parent);
  cas_status status = CAS_OK;
  if (fsync(fd) != 0) status = status_fail_errno(error, errno, "%s/%s: sync", folder->path, parent);
  close(fd);
  return status;
}

cas_status folder_open_file(const struct folder *folder, const char *name, enum io_open_mode mode, int *fd,
                            struct cas_error *error) {
  check_name(name);
  int access = mode == IO_READ ? O_RDONLY : O_RDWR;
  int create = mode == IO_CREATE ? O_CREAT | O_EXCL : 0;
  int opened = openat(folder->fd, name, access | create | O_CLOEXEC, file_mode);
  if (opened < 0) return status_fail_errno(error, errno, "%s/%s: open", folder->path, name);
  if (mode == IO_CREATE) {
    cas_status status = sync_parent(folder, name, error);
    if (status != CAS_OK) {
      close(opened);
      unlinkat(folder->fd, name, 0);
      return status;
    }
  }
  *fd = opened;
  return CAS_OK;
}

cas_status folder_make(const struct folder *folder, const char *name, struct cas_error *error) {
  check_name(name);
  if (mkdirat(folder->fd, name, folder_mode) != 0) {
    int reason = errno;
    /* It may be there from a run that ended before it was durable. */
    if (reason == EEXIST) STATUS_TRY(sync_parent(folder, name, error));
    return status_fail_errno(error, reason, "%s/%s: make folder", folder->path, name);
  }
  return sync_parent(folder, name, error);
}

cas_status folder_remove(const struct folder *folder, const char *name, struct cas_error *error) {
  check_name(name);
  if (unlinkat(folder->fd, name, 0) != 0) return status_fail_errno(error, errno, "%s/%s: remove", folder->path, name);
  return sync_parent(folder, name, error);
}

static cas_status write_temporary(const struct folder *folder, const char *name, struct cas_slice content,
                                  struct cas_error *error) {
  int fd = openat(folder->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, file_mode);
  if (fd < 0) return status_fail_errno(error, errno, "%s/%s: create", folder->path, name);
  cas_status status = folder_write(fd, name, 0, content.data, content.size, error);
  if (status == CAS_OK && fsync(fd) != 0) status = status_fail_errno(error, errno, "%s/%s: sync", folder->path, name);
  close(fd);
  return status;
}

cas_status folder_replace(const struct folder *folder, const char *name, struct cas_slice content,
                          struct cas_error *error) {
  check_name(name);
  char temporary[path_bytes_max + 8];
  snprintf(temporary, sizeof temporary, "%s.new", name);
  cas_status status = write_temporary(folder, temporary, content, error);
  if (status == CAS_OK && renameat(folder->fd, temporary, folder->fd, name) != 0)
    status = status_fail_errno(error, errno, "%s/%s: rename", folder->path, temporary);
  if (status != CAS_OK) {
    unlinkat(folder->fd, temporary, 0);
    return status;
  }
  return sync_parent(folder, name, error);
}

cas_status folder_rename(const struct folder *folder, const char *name, const char *new_name, struct cas_error *error) {
  check_name(name);
  check_name(new_name);
  if (renameat(folder->fd, name, folder->fd, new_name) != 0)
    return status_fail_errno(error, errno, "%s/%s: rename", folder->path, name);
  return sync_parent(folder, new_name, error);
}

static cas_status list_entry(DIR *stream, const struct dirent *entry, io_name_fn each, void *arg) {
  if (entry->d_name[0] == '.') return CAS_OK;
  struct stat facts;
  if (fstatat(dirfd(stream), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0) return CAS_OK; /* just removed */
  if (S_ISREG(facts.st_mode)) return each(arg, entry->d_name);
  if (!S_ISDIR(facts.st_mode)) return CAS_OK;
  char name[sizeof entry->d_name + 1];
  snprintf(name, sizeof name, "%s/", entry->d_name);
  return each(arg, name);
}

cas_status folder_list(const struct folder *folder, const char *name, io_name_fn each, void *arg,
                       struct cas_error *error) {
  check_name(name);
  int fd = openat(folder->fd, name[0] == '\0' ? "." : name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return status_fail_errno(error, errno, "%s/%s: open folder", folder->path, name);
  DIR *stream = fdopendir(fd);
  if (stream == NULL) {
    int reason = errno;
    close(fd);
    return status_fail_errno(error, reason, "%s/%s: list", folder->path, name);
  }
  cas_status status = CAS_OK;
  while (status == CAS_OK) {
    errno = 0;
    const struct dirent *entry = readdir(stream);
    if (entry == NULL) {
      if (errno != 0) status = status_fail_errno(error, errno, "%s/%s: list", folder->path, name);
      break;
    }
    status = list_entry(stream, entry, each, arg);
  }
  closedir(stream);
  return status;
}

cas_status folder_space(const struct folder *folder, uint64_t *free_bytes, uint64_t *total_bytes,
                        struct cas_error *error) {
  struct statvfs facts;
  if (fstatvfs(folder->fd, &facts) != 0) return status_fail_errno(error, errno, "%s: free space", folder->path);
  *free_bytes = (uint64_t)facts.f_bavail * facts.f_frsize;
  *total_bytes = (uint64_t)facts.f_blocks * facts.f_frsize;
  return CAS_OK;
}

cas_status folder_read(int fd, const char *name, uint64_t offset, uint8_t *bytes, size_t size, size_t *got,
                       struct cas_error *error) {
  size_t done = 0;
  while (done < size) {
    ssize_t n = pread(fd, bytes + done, size - done, (off_t)(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return status_fail_errno(error, errno, "%s: read at %" PRIu64, name, offset + done);
    if (n == 0) break;
    done += (size_t)n;
  }
  *got = done;
  return done == size ? CAS_OK : CAS_END;
}

/* The kernel cuts what one call asks for to what the device takes in one request, or reads ahead by itself. */
static const uint64_t hint_bytes = 512u << 10;

void folder_will_need(int fd, uint64_t offset, uint64_t size) {
  for (uint64_t done = 0; done < size; done += hint_bytes) {
    uint64_t part = size - done < hint_bytes ? size - done : hint_bytes;
    (void)posix_fadvise(fd, (off_t)(offset + done), (off_t)part, POSIX_FADV_WILLNEED);
  }
}

cas_status folder_write(int fd, const char *name, uint64_t offset, const uint8_t *bytes, size_t size,
                        struct cas_error *error) {
  for (size_t done = 0; done < size;) {
    ssize_t n = pwrite(fd, bytes + done, size - done, (off_t)(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return status_fail_errno(error, errno, "%s: write at %" PRIu64, name, offset + done);
    if (n == 0) return status_fail_errno(error, EIO, "%s: write at %" PRIu64, name, offset + done);
    done += (size_t)n;
  }
  return CAS_OK;
}

cas_status folder_file_size(int fd, const char *name, uint64_t *size, struct cas_error *error) {
  struct stat facts;
  if (fstat(fd, &facts) != 0) return status_fail_errno(error, errno, "%s: size", name);
  *size = (uint64_t)facts.st_size;
  return CAS_OK;
}

bool folder_writes_direct(const struct folder *folder, const uint8_t *block, size_t size) {
  int fd = openat(folder->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, file_mode);
  if (fd < 0) return false;
  bool direct = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_DIRECT) == 0 && pwrite(fd, block, size, 0) == (ssize_t)size;
  close(fd);
  return direct;
}
