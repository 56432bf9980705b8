/*
 * Owns the mount, the store it follows, and the snapshot that was made for it.
 *
 *   foreground: open, mount, wait, unmount
 *   background: the parent forks before anything has threads, waits for one byte on a pipe (the child's exit code so
 *               far), and leaves; the child goes on as above. No byte: the child died.
 */
#include "mount_service.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "cli.h"
#include "cli_interrupt.h"
#include "cli_text.h"
#include "disclosure.h"
#include "snapshot_writer.h"

/* The background process's end of the pipe: the first descriptor behind the standard ones. */
#define READY_FD 3

/* How soon a signal is noticed. */
#define WAIT_MS 200

struct service {
  struct mount_settings *settings;
  char *store, *folder; /* absolute: the background process leaves this folder */
  bool quiet;
  bool made_snapshot; /* by us: it goes with the mount */
};

static void log_to_terminal(void *arg, enum cas_log_level level, const char *line) {
  (void)arg;
  if (level <= CAS_LOG_WARNING) cli_error("%s", line);
}

static void log_to_system(void *arg, enum cas_log_level level, const char *line) {
  (void)arg;
  if (level <= CAS_LOG_WARNING) syslog(level == CAS_LOG_ERROR ? LOG_ERR : LOG_WARNING, "%s", line);
}

static void say_mounted(const struct service *service) {
  if (service->quiet) return;
  cli_put(stdout, service->store);
  fputs(" is mounted on ", stdout);
  cli_put(stdout, service->folder);
  fputs("; to unmount: fusermount3 -u ", stdout);
  cli_put(stdout, service->folder);
  putchar('\n');
  fflush(stdout);
}

/* Tells the parent that the mount is up, and lets go of its terminal. */
static void leave_terminal(int ready_fd) {
  if (write(ready_fd, &(char){CLI_OK}, 1) != 1) syslog(LOG_WARNING, "the parent is gone");
  close(ready_fd);
  int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; null_fd >= 0 && fd <= 2; fd++) dup2(null_fd, fd);
  if (null_fd > 2) close(null_fd);
}

/* Makes the snapshot "latest" that a mount shows. */
static int make_snapshot(struct service *service) {
  struct cas_error error = {0};
  if (strcmp(service->settings->snapshot, "latest") != 0) return CLI_OK;
  snapshot_writer_name("mount", service->settings->snapshot);
  cas_status status = snapshot_writer_create(service->store, service->settings->snapshot, &error);
  service->made_snapshot = status == CAS_OK;
  return status == CAS_OK ? CLI_OK : cli_fail(service->store, status, &error);
}

static void remove_snapshot(const struct service *service, cas_log_fn log) {
  struct cas_error error = {0};
  char line[512];
  if (!service->made_snapshot) return;
  cas_status status = snapshot_writer_remove(service->store, service->settings->snapshot, &error);
  if (status == CAS_OK) return;
  snprintf(line, sizeof line, "snapshot %s is left behind: %s", service->settings->snapshot,
           cli_reason(status, &error));
  log(NULL, CAS_LOG_WARNING, line);
}

/* Mounts the open store, or the snapshot in it, and serves until the end. */
static int serve_store(struct service *service, struct cas_store *store, struct cli_interrupt *interrupt,
                       int ready_fd) {
  struct cas_error error = {0};
  struct cas_mount *mount = NULL;
  service->settings->mount.mountpoint = service->folder;
  cas_status status = cas_mount_start(store, &service->settings->mount, &mount, &error);
  if (status != CAS_OK) return cli_fail(service->folder, status, &error);
  disclosure_mount(service->store, CONTROL_MOUNTED, service->folder);
  if (ready_fd >= 0)
    leave_terminal(ready_fd);
  else
    say_mounted(service);
  do status = cas_mount_wait_for(mount, WAIT_MS, &error);
  while (status == CAS_BUSY && !cli_interrupted(interrupt));
  cas_mount_stop(mount);
  disclosure_mount(service->store, CONTROL_UNMOUNTED, service->folder);
  if (status == CAS_OK || status == CAS_BUSY) return CLI_OK;
  if (ready_fd >= 0) syslog(LOG_ERR, "%s", cli_reason(status, &error));
  return cli_fail(service->folder, status, &error);
}

/* Decoding takes and gives back pieces of up to some megabytes all the time. To return them to the system each time,
 * and have their pages zeroed again, costs as much as the decoding. */
static void keep_memory(void) {
  mallopt(M_MMAP_THRESHOLD, 8 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
  mallopt(M_ARENA_MAX, 2);
}

/* The same for the settings' store. `ready_fd` is -1 in the foreground. */
static int serve(struct service *service, int ready_fd) {
  CLI_STORE struct cas_store *store = NULL;
  struct cas_store *view = NULL;
  struct cas_error error = {0};
  struct cli_interrupt interrupt;
  keep_memory();
  cli_interrupt_open(&interrupt); /* before there are threads, which are to inherit what it does */
  cas_log_fn log = ready_fd >= 0 ? log_to_system : log_to_terminal;
  struct cas_store_options store_options = {.mode = CAS_OPEN_FOLLOW, .log = log};
  store_options.read_cache_bytes = (uint64_t)service->settings->read_cache_mib << 20;
  int code = make_snapshot(service);
  if (code != CLI_OK) return code;
  service->settings->mount.log = log;
  cas_status status = cas_store_open(service->store, &store_options, &store, &error);
  if (status == CAS_OK && service->settings->snapshot[0])
    status = cas_snapshot_open(store, service->settings->snapshot, &view, &error);
  service->settings->mount.fixed = view != NULL;
  code = status != CAS_OK ? cli_fail(service->store, status, &error)
                          : serve_store(service, view ? view : store, &interrupt, ready_fd);
  cas_snapshot_close(view);
  remove_snapshot(service, log);
  return code;
}

static int serve_in_background(struct service *service) {
  int ready[2];
  char code;
  if (pipe2(ready, O_CLOEXEC) != 0) return cli_fail("mount", CAS_IO, NULL);
  fflush(stdout);
  pid_t child = fork();
  if (child < 0) return cli_fail("fork", CAS_IO, NULL);
  if (child == 0) {
    /* Whoever waits for the end of what else this process has inherited is not to wait for the unmounting. */
    int ready_fd = dup2(ready[1], READY_FD);
    close_range(READY_FD + 1, ~0u, 0);
    setsid();
    openlog("cassette mount", LOG_PID, LOG_DAEMON);
    if (chdir("/") != 0) return CLI_IO;
    return serve(service, ready_fd);
  }
  close(ready[1]);
  ssize_t got = read(ready[0], &code, 1);
  close(ready[0]);
  if (got == 1) {
    say_mounted(service);
    return code;
  }
  int status;
  if (waitpid(child, &status, 0) == child && WIFEXITED(status)) return WEXITSTATUS(status);
  cli_error("mount: the process that was to serve it died");
  return CLI_IO;
}

static int become(const char *user) {
  const struct passwd *entry = getpwnam(user);
  if (entry && entry->pw_uid == geteuid()) return CLI_OK;
  if (entry && initgroups(user, entry->pw_gid) == 0 && setgid(entry->pw_gid) == 0 && setuid(entry->pw_uid) == 0)
    return CLI_OK;
  cli_error("mount: cannot become the user \"%s\": %s", user, entry ? strerror(errno) : "there is no such user");
  return CLI_IO;
}

/* An absolute path, also of a folder that a dead mount covers. The caller frees. */
static char *absolute(const char *path) {
  char *real = realpath(path, NULL);
  if (real || path[0] == '/') return real ? real : strdup(path);
  CLI_FREE char *here = get_current_dir_name();
  return here && asprintf(&real, "%s/%s", here, path) >= 0 ? real : NULL;
}

int mount_service_run(struct mount_settings *settings, const char *store, const char *folder, bool foreground,
                      bool quiet) {
  if (settings->user[0]) {
    int code = become(settings->user);
    if (code != CLI_OK) return code;
  }
  mount_options_own(settings, &settings->mount);
  CLI_FREE char *store_path = absolute(store), *folder_path = absolute(folder);
  if (!store_path || !folder_path) return cli_fail("mount", CAS_NO_MEMORY, NULL);
  struct service service = {.settings = settings, .store = store_path, .folder = folder_path, .quiet = quiet};
  return foreground ? serve(&service, -1) : serve_in_background(&service);
}
