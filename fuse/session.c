/*
 * Owns nothing.
 */
#include "fuse/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuse/read_buffers.h"

char *session_options(const struct cas_store *store, bool allow_other) {
  struct cas_store_info info;
  char *options = NULL;
  cas_store_info(store, &info);
  char *source = malloc(2 * strlen(info.path) + 1), *to = source;
  if (source == NULL) return NULL;
  for (const char *from = info.path; *from != '\0'; *to++ = *from++)
    if (*from == ',' || *from == '\\') *to++ = '\\';
  *to = '\0';
  if (asprintf(&options, "fsname=%s,subtype=cassette,ro,nosuid,nodev,noexec,noatime,default_permissions,max_read=%u%s",
               source, READ_BUFFER_BYTES, allow_other ? ",allow_other" : "") < 0)
    options = NULL;
  free(source);
  return options;
}

void session_leave(struct fuse_session *session) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == 0) {
    close(ends[0]);
    dup3(ends[1], fuse_session_fd(session), O_CLOEXEC);
    close(ends[1]);
  }
  fuse_session_unmount(session);
}
