/*
 * Owns nothing.
 *
 * Invariants
 *  1. Only mounts of the type MOUNTPOINT_TYPE are ever taken away: a dead one before mounting, our own at the end.
 *  2. A mount is asked for an answer only before mounting: no function waits for what this process serves itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse/mountpoint.h"

extern char **environ;

static cas_status fail(struct cas_error *error, cas_status status, int number, const char *what, const char *path) {
  error->status = status;
  error->system_errno = number;
  snprintf(error->message, sizeof error->message, "%s: %s%s%s", path, what, number != 0 ? ": " : "",
           number != 0 ? strerrordesc_np(number) : "");
  return status;
}

/* --- /proc/self/mountinfo --- */

/* Undoes \ooo in place. */
static void unescape(char *text) {
  char *to = text;
  for (const char *from = text; *from != '\0'; to++) {
    bool octal = from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' && from[2] <= '7' &&
                 from[3] >= '0' && from[3] <= '7';
    *to = octal ? (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0')) : *from;
    from += octal ? 4 : 1;
  }
  *to = '\0';
}

/* 36 35 98:0 /root /mount/point options [optional fields] - type source options */
static void parse_line(char *line, const char *folder, struct mountpoint_state *state) {
  unsigned major, minor;
  int point_at = 0;
  if (sscanf(line, "%*u %*u %u:%u %*s %n", &major, &minor, &point_at) != 2 || point_at == 0) return;
  char *point = line + point_at, *rest = strchr(point, ' ');
  if (rest == NULL) return;
  *rest++ = '\0';
  unescape(point);
  char *type = strstr(rest, " - ");
  if (type == NULL || strcmp(point, folder) != 0) return;
  type += 3;
  bool cassette =
      strcspn(type, " ") == strlen(MOUNTPOINT_TYPE) && strncmp(type, MOUNTPOINT_TYPE, strlen(MOUNTPOINT_TYPE)) == 0;
  *state = (struct mountpoint_state){.cassette = cassette, .major = major, .minor = minor};
}

void mountpoint_parse(FILE *mountinfo, const char *folder, struct mountpoint_state *state) {
  char *line = NULL;
  size_t capacity = 0;
  *state = (struct mountpoint_state){.cassette = false};
  while (getline(&line, &capacity, mountinfo) > 0) parse_line(line, folder, state);
  free(line);
}

cas_status mountpoint_read(const char *folder, struct mountpoint_state *state, struct cas_error *error) {
  FILE *mountinfo = fopen("/proc/self/mountinfo", "re");
  if (mountinfo == NULL) return fail(error, CAS_IO, errno, "cannot be read", "/proc/self/mountinfo");
  mountpoint_parse(mountinfo, folder, state);
  fclose(mountinfo);
  return CAS_OK;
}

/* --- unmounting --- */

/* Runs fusermount3, which may unmount where this user may not. */
static bool run_fusermount(const char *path) {
  char program[] = "fusermount3", unmount[] = "-uzq", end[] = "--";
  char *copy = strdup(path);
  if (copy == NULL) return false;
  char *arguments[] = {program, unmount, end, copy, NULL};
  pid_t child;
  int status = -1;
  bool started = posix_spawnp(&child, program, NULL, NULL, arguments, environ) == 0;
  free(copy);
  if (!started) return false;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool detach(const char *path) {
  return umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || run_fusermount(path);
}

static void write_text(const char *path, const char *text, bool *written) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  *written = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);
  if (file >= 0) close(file);
}

int mountpoint_open_abort(unsigned minor) {
  char path[64];
  snprintf(path, sizeof path, "/sys/fs/fuse/connections/%u/abort", minor);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file >= 0) return file;
  /* Where nobody has mounted the control file system, root can without anybody's seeing it. */
  int system = fsopen("fusectl", FSOPEN_CLOEXEC), folder = -1;
  if (system >= 0 && fsconfig(system, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
    folder = fsmount(system, FSMOUNT_CLOEXEC, 0);
  snprintf(path, sizeof path, "%u/abort", minor);
  if (folder >= 0) file = openat(folder, path, O_WRONLY | O_CLOEXEC);
  if (folder >= 0) close(folder);
  if (system >= 0) close(system);
  return file;
}

void mountpoint_remove(const char *path, unsigned minor) {
  struct mountpoint_state state;
  struct cas_error error = {.status = CAS_OK};
  if (mountpoint_read(path, &state, &error) == CAS_OK && state.cassette && state.minor == minor) {
    if (umount2(path, UMOUNT_NOFOLLOW) == 0) return;
    if (umount2(path, MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return;
    run_fusermount(path);
  }
  /* A mount that is detached but in use lives on without this. */
  int control = mountpoint_open_abort(minor);
  if (control < 0) return;
  ssize_t written = write(control, "1", 1);
  (void)written;
  close(control);
}

/* --- before mounting --- */

/* The absolute path, also where a dead mount covers the folder; NULL and errno. */
static char *resolve(const char *folder) {
  char *path = realpath(folder, NULL);
  if (path != NULL || errno != ENOTCONN) return path;
  char *copy = strdup(folder);
  if (copy == NULL) return NULL;
  size_t size = strlen(copy);
  while (size > 1 && copy[size - 1] == '/') copy[--size] = '\0';
  char *slash = strrchr(copy, '/');
  const char *name = slash == NULL ? copy : slash + 1;
  char *parent;
  if (slash == NULL) {
    parent = realpath(".", NULL);
  } else {
    char kept = slash[1];
    slash[1] = '\0';
    parent = realpath(copy, NULL);
    slash[1] = kept;
  }
  if (parent != NULL && asprintf(&path, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, name) < 0) path = NULL;
  free(parent);
  free(copy);
  return path;
}

static cas_status prepare_resolved(const char *path, bool *detached, struct cas_error *error) {
  struct stat stat_buffer;
  struct statfs statistics;
  struct mountpoint_state state;
  cas_status status = mountpoint_read(path, &state, error);
  if (status != CAS_OK) return status;
  /* Not stat(), which the kernel answers for a dead mount, too, while it remembers the attributes. */
  bool dead = state.cassette && statfs(path, &statistics) != 0 && (errno == ENOTCONN || errno == ECONNABORTED);
  if (state.cassette && !dead) return fail(error, CAS_BUSY, 0, "a Cassette mount is here already", path);
  if (state.cassette) {
    if (!detach(path)) return fail(error, CAS_IO, errno, "the dead mount here cannot be detached", path);
    *detached = true;
  }
  if (stat(path, &stat_buffer) != 0)
    return fail(error, errno == ENOENT ? CAS_NOT_FOUND : CAS_IO, errno, "cannot mount here", path);
  return S_ISDIR(stat_buffer.st_mode) ? CAS_OK : fail(error, CAS_NOT_FOUND, ENOTDIR, "cannot mount here", path);
}

cas_status mountpoint_prepare(const char *folder, char **path, bool *detached, struct cas_error *error) {
  char *resolved = resolve(folder);
  if (resolved == NULL)
    return fail(error, errno == ENOENT || errno == ENOTDIR ? CAS_NOT_FOUND : CAS_IO, errno, "cannot mount here",
                folder);
  bool dead_one = false;
  cas_status status = prepare_resolved(resolved, &dead_one, error);
  if (status != CAS_OK) {
    free(resolved);
    return status;
  }
  *path = resolved;
  *detached = dead_one;
  return CAS_OK;
}

static bool is_in(const char *path, const char *folder) {
  size_t size = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
  return strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

cas_status mountpoint_check_store(const char *path, const char *store, struct cas_error *error) {
  char *resolved = realpath(store, NULL);
  if (resolved == NULL) return fail(error, CAS_IO, errno, "cannot be looked up", store);
  cas_status status = CAS_OK;
  if (is_in(resolved, path))
    status = fail(error, CAS_INVALID, 0, "a mount here would cover the store itself", path);
  else if (is_in(path, resolved))
    status = fail(error, CAS_INVALID, 0, "a store cannot be mounted inside itself", path);
  free(resolved);
  return status;
}

bool mountpoint_set_readahead(const struct mountpoint_state *state, unsigned kib) {
  char path[64], text[16];
  bool written;
  snprintf(path, sizeof path, "/sys/class/bdi/%u:%u/read_ahead_kb", state->major, state->minor);
  snprintf(text, sizeof text, "%u", kib);
  write_text(path, text, &written);
  return written;
}
