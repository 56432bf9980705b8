#include "store/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

char *path_join(const char *folder, const char *name) {
  char *path;
  return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static struct dirent *next_entry(DIR *folder) {
  struct dirent *entry;
  while ((entry = readdir(folder)) != NULL)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) return entry;
  return NULL;
}

cas_status path_check_empty(const char *path, struct cas_error *error) {
  DIR *folder = opendir(path);
  if (folder == NULL && errno == ENOTDIR) return status_fail(error, CAS_INVALID, "%s is no folder", path);
  if (folder == NULL) return status_fail_errno(error, errno, "cannot look into %s", path);
  bool empty = next_entry(folder) == NULL;
  closedir(folder);
  return empty ? CAS_OK : status_fail(error, CAS_EXISTS, "%s is not empty", path);
}

cas_status path_sync_parent(const char *path, struct cas_error *error) {
  CLEANUP_FREE char *copy = strdup(path);
  if (copy == NULL) return CAS_NO_MEMORY;
  int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return status_fail_errno(error, errno, "cannot open the folder above %s", path);
  int failure = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  return failure == 0 ? CAS_OK : status_fail_errno(error, failure, "cannot sync the folder above %s", path);
}

cas_status path_make_scratch(char **path, struct cas_error *error) {
  const char *base = getenv("TMPDIR");
  char *made = path_join(base != NULL && base[0] != '\0' ? base : "/tmp", "cassette.XXXXXX");
  if (made == NULL) return CAS_NO_MEMORY;
  if (mkdtemp(made) == NULL) {
    cas_status status = status_fail_errno(error, errno, "cannot make a temporary folder");
    free(made);
    return status;
  }
  *path = made;
  return CAS_OK;
}

void path_remove_folder(const char *path) {
  DIR *folder = opendir(path);
  if (folder == NULL) return;
  struct dirent *entry;
  while ((entry = next_entry(folder)) != NULL) unlinkat(dirfd(folder), entry->d_name, 0);
  closedir(folder);
  rmdir(path);
}

unsigned long long path_folder_bytes(const char *path) {
  unsigned long long bytes = 0;
  DIR *folder = opendir(path);
  if (folder == NULL) return 0;
  struct dirent *entry;
  struct stat status;
  while ((entry = next_entry(folder)) != NULL)
    if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
      bytes += (unsigned long long)status.st_size;
  closedir(folder);
  return bytes;
}

void path_forget_cached(const char *folder, const char *name) {
  CLEANUP_FREE char *path = path_join(folder, name);
  int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
}
