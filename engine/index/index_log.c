#include "index/index_log.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int make_in(const char *parent, char folder[INDEX_LOG_FOLDER_BYTES]) {
  if (parent == NULL || parent[0] == '\0') return 0;
  if (snprintf(folder, INDEX_LOG_FOLDER_BYTES, "%s/cassette.XXXXXX", parent) >= INDEX_LOG_FOLDER_BYTES) return 0;
  return mkdtemp(folder) != NULL;
}

void index_log_make(char folder[INDEX_LOG_FOLDER_BYTES]) {
  if (make_in("/dev/shm", folder) || make_in(getenv("TMPDIR"), folder) || make_in("/tmp", folder)) return;
  folder[0] = '\0';
}

void index_log_remove(const char *folder) {
  DIR *entries = folder[0] != '\0' ? opendir(folder) : NULL;
  if (entries == NULL) return;
  struct dirent *entry;
  while ((entry = readdir(entries)) != NULL) (void)unlinkat(dirfd(entries), entry->d_name, 0);
  closedir(entries);
  (void)rmdir(folder);
}
