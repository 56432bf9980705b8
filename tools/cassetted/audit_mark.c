/* Owns nothing. */
#include "audit_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void name_of(const char *store_path, const char *end, char name[PATH_MAX]) {
  snprintf(name, PATH_MAX, "%s/audit.mark%s", store_path, end);
}

bool audit_mark_read(const char *store_path, uint64_t *group) {
  char name[PATH_MAX];
  uint64_t value;
  name_of(store_path, "", name);
  FILE *file = fopen(name, "re");
  if (file == NULL) return false;
  const bool is_read = fscanf(file, "%" SCNu64, &value) == 1;
  fclose(file);
  if (is_read) *group = value;
  return is_read;
}

cas_status audit_mark_write(const char *store_path, uint64_t group, struct cas_error *error) {
  char name[PATH_MAX], fresh[PATH_MAX];
  name_of(store_path, "", name);
  name_of(store_path, ".new", fresh);
  const int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool written = fd >= 0 && dprintf(fd, "%" PRIu64 "\n", group) > 0 && fdatasync(fd) == 0;
  if (fd >= 0) written = close(fd) == 0 && written;
  if (written && rename(fresh, name) == 0) return CAS_OK;
  *error = (struct cas_error){.status = CAS_IO, .system_errno = errno};
  snprintf(error->message, sizeof error->message, "audit.mark: %s", strerrordesc_np(errno));
  return CAS_IO;
}
