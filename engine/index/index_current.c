/*
 * An older list is no danger: what it shows is the index as it was, with a mark that says up to where, and the log is
 * replayed from there. If its tables are gone RocksDB refuses it.
 */
#include "index/index_current.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_PREFIX "MANIFEST-"
#define NAME_BYTES 64

/* The number of a list, or 0: RocksDB counts from 1. */
static unsigned long long list_number(const char *name) {
  size_t prefix = strlen(LIST_PREFIX);
  if (strncmp(name, LIST_PREFIX, prefix) != 0 || strlen(name) >= NAME_BYTES) return 0;
  if (name[prefix] == '\0' || strspn(name + prefix, "0123456789") != strlen(name + prefix)) return 0;
  return strtoull(name + prefix, NULL, 10);
}

/* Whether a name has this ending. */
static bool ends_with(const char *name, const char *ending) {
  size_t size = strlen(name), last = strlen(ending);
  return size >= last && strcmp(name + size - last, ending) == 0;
}

static bool has_tables(const char *folder) {
  DIR *list = opendir(folder);
  bool found = list == NULL;
  for (const struct dirent *entry; !found && (entry = readdir(list)) != NULL;) found = ends_with(entry->d_name, ".sst");
  if (list != NULL) closedir(list);
  return found;
}

/* An index of which nothing but a few names became durable. CURRENT goes last: until then this is tried again. */
static bool remove_all(const char *folder, int fd) {
  DIR *list = opendir(folder);
  bool good = list != NULL;
  for (const struct dirent *entry; good && (entry = readdir(list)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || strcmp(entry->d_name, "CURRENT") == 0)
      continue;
    good = unlinkat(fd, entry->d_name, 0) == 0;
  }
  if (list != NULL) closedir(list);
  return good && fsync(fd) == 0 && unlinkat(fd, "CURRENT", 0) == 0 && fsync(fd) == 0;
}

static bool newest_list(const char *folder, char newest[NAME_BYTES]) {
  DIR *list = opendir(folder);
  unsigned long long highest = 0;
  if (list == NULL) return false;
  for (const struct dirent *entry; (entry = readdir(list)) != NULL;) {
    unsigned long long number = list_number(entry->d_name);
    if (number <= highest) continue;
    highest = number;
    memcpy(newest, entry->d_name, strlen(entry->d_name) + 1); /* list_number() looked at the length */
  }
  closedir(list);
  return highest > 0;
}

/* The name in CURRENT, "" where there is none. */
static void read_current(int folder, char name[NAME_BYTES]) {
  name[0] = '\0';
  int fd = openat(folder, "CURRENT", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ssize_t size = read(fd, name, NAME_BYTES - 1);
  close(fd);
  name[size > 0 ? size : 0] = '\0';
  name[strcspn(name, "\n")] = '\0';
}

/* RocksDB removes files with this ending that are left over. */
static bool replace_current(int folder, const char *name) {
  static const char temporary[] = "000000.dbtmp";
  char line[NAME_BYTES + 2];
  int size = snprintf(line, sizeof line, "%s\n", name);
  int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  bool written = write(fd, line, (size_t)size) == size && fsync(fd) == 0;
  int failure = errno;
  close(fd);
  errno = failure;
  return written && renameat(folder, temporary, folder, "CURRENT") == 0 && fsync(folder) == 0;
}

cas_status index_current_mend(const char *folder, struct cas_error *error) {
  char named[NAME_BYTES], newest[NAME_BYTES];
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return CAS_OK;
  read_current(fd, named);
  cas_status status = CAS_OK;
  bool is_lost = list_number(named) > 0 && faccessat(fd, named, F_OK, 0) != 0 && errno == ENOENT;
  if (is_lost && newest_list(folder, newest)) {
    if (!replace_current(fd, newest))
      status = status_fail_errno(error, errno, "index %s: cannot let CURRENT name %s", folder, newest);
  } else if (is_lost && !has_tables(folder) && !remove_all(folder, fd)) {
    status = status_fail_errno(error, errno, "index %s: cannot remove what is left of it", folder);
  }
  close(fd);
  return status;
}
