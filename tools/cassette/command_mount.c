/*
 * cassette mount: the store as a read-only file system, in a process of its own that follows the store.
 *
 *   foreground: open, mount, wait, unmount
 *   background: the parent forks before anything has threads, waits for one byte on a pipe (the child's exit code so
 *               far), and leaves; the child goes on as above. No byte: the child died.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "cli_interrupt.h"
#include "cli_text.h"
#include "commands.h"
#include "mount_options.h"
#include "snapshot_writer.h"

#define KEY_ALLOW_OTHER 256
#define KEY_VIEW 257
#define KEY_SNAPSHOT 258

/* The background process's end of the pipe: the first descriptor behind the standard ones. */
#define READY_FD 3

/* How soon a signal is noticed. */
#define WAIT_MS 200

static const struct cli_option options[] = {
    {'f', "foreground", NULL, "stay in the foreground until unmounted or interrupted"},
    {KEY_ALLOW_OTHER, "allow-other", NULL, "let other users in"},
    {KEY_VIEW, "view", "LIST", "of patients,dates,uids,snapshots: the top folders shown (default: all)"},
    {KEY_SNAPSHOT, "snapshot", "NAME", "show this snapshot; \"latest\" makes one, until the end of the mount"},
    {'o', "options", "LIST",
     "allow_other, no_auto_unmount, no_xattr, uid=, gid=, file_mode=, folder_mode=, threads=, refresh_ms="},
    {0},
};

struct settings {
  bool foreground;
  char *store, *folder; /* absolute */
  char snapshot[CAS_SNAPSHOT_NAME_MAX + 1];
  bool made_snapshot; /* by us: it goes with the mount */
  struct cas_mount_options mount;
};

static void log_to_terminal(void *arg, enum cas_log_level level, const char *line) {
  (void)arg;
  if (level <= CAS_LOG_WARNING) cli_error("%s", line);
}

static void log_to_system(void *arg, enum cas_log_level level, const char *line) {
  (void)arg;
  if (level <= CAS_LOG_WARNING) syslog(level == CAS_LOG_ERROR ? LOG_ERR : LOG_WARNING, "%s", line);
}

static void say_mounted(const struct settings *settings) {
  cli_put(stdout, settings->store);
  fputs(" is mounted on ", stdout);
  cli_put(stdout, settings->folder);
  fputs("; to unmount: fusermount3 -u ", stdout);
  cli_put(stdout, settings->folder);
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
static int make_snapshot(struct settings *settings) {
  struct cas_error error = {0};
  if (strcmp(settings->snapshot, "latest") != 0) return CLI_OK;
  snapshot_writer_name("mount", settings->snapshot);
  cas_status status = snapshot_writer_create(settings->store, settings->snapshot, &error);
  settings->made_snapshot = status == CAS_OK;
  return status == CAS_OK ? CLI_OK : cli_fail(settings->store, status, &error);
}

static void remove_snapshot(const struct settings *settings, cas_log_fn log) {
  struct cas_error error = {0};
  char line[512];
  if (!settings->made_snapshot) return;
  cas_status status = snapshot_writer_remove(settings->store, settings->snapshot, &error);
  if (status == CAS_OK) return;
  snprintf(line, sizeof line, "snapshot %s is left behind: %s", settings->snapshot, cli_reason(status, &error));
  log(NULL, CAS_LOG_WARNING, line);
}

/* Mounts the open store, or the snapshot in it, and serves until the end. */
static int serve_store(struct settings *settings, struct cas_store *store, struct cli_interrupt *interrupt,
                       int ready_fd) {
  struct cas_error error = {0};
  struct cas_mount *mount = NULL;
  settings->mount.mountpoint = settings->folder;
  cas_status status = cas_mount_start(store, &settings->mount, &mount, &error);
  if (status != CAS_OK) return cli_fail(settings->folder, status, &error);
  if (ready_fd >= 0)
    leave_terminal(ready_fd);
  else
    say_mounted(settings);
  do status = cas_mount_wait_for(mount, WAIT_MS, &error);
  while (status == CAS_BUSY && !cli_interrupted(interrupt));
  cas_mount_stop(mount);
  if (status == CAS_OK || status == CAS_BUSY) return CLI_OK;
  if (ready_fd >= 0) syslog(LOG_ERR, "%s", cli_reason(status, &error));
  return cli_fail(settings->folder, status, &error);
}

/* The same for the settings' store. `ready_fd` is -1 in the foreground. */
static int serve(struct settings *settings, int ready_fd) {
  CLI_STORE struct cas_store *store = NULL;
  struct cas_store *view = NULL;
  struct cas_error error = {0};
  struct cli_interrupt interrupt;
  cli_interrupt_open(&interrupt); /* before there are threads, which are to inherit what it does */
  cas_log_fn log = ready_fd >= 0 ? log_to_system : log_to_terminal;
  struct cas_store_options store_options = {.mode = CAS_OPEN_FOLLOW, .log = log};
  int code = make_snapshot(settings);
  if (code != CLI_OK) return code;
  settings->mount.log = log;
  cas_status status = cas_store_open(settings->store, &store_options, &store, &error);
  if (status == CAS_OK && settings->snapshot[0]) status = cas_snapshot_open(store, settings->snapshot, &view, &error);
  settings->mount.fixed = view != NULL;
  code = status != CAS_OK ? cli_fail(settings->store, status, &error)
                          : serve_store(settings, view ? view : store, &interrupt, ready_fd);
  cas_snapshot_close(view);
  remove_snapshot(settings, log);
  return code;
}

static int serve_in_background(struct settings *settings) {
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
    return serve(settings, ready_fd);
  }
  close(ready[1]);
  ssize_t got = read(ready[0], &code, 1);
  close(ready[0]);
  if (got == 1) {
    say_mounted(settings);
    return code;
  }
  int status;
  if (waitpid(child, &status, 0) == child && WIFEXITED(status)) return WEXITSTATUS(status);
  cli_error("mount: the process that was to serve it died");
  return CLI_IO;
}

/* An absolute path: the background process leaves this folder. The caller frees. */
static char *absolute(const char *path) {
  char *real = realpath(path, NULL);
  return real ? real : strdup(path);
}

static int read_option(struct cli_arguments *arguments, struct settings *settings, int key) {
  CLI_FREE char *list = strdup(arguments->value ? arguments->value : "");
  const char *wrong = NULL;
  if (!list) return cli_fail("mount", CAS_NO_MEMORY, NULL);
  if (key == 'f') settings->foreground = true;
  if (key == KEY_ALLOW_OTHER) settings->mount.allow_other = true;
  if (key == KEY_VIEW && (wrong = mount_views_parse(&settings->mount, list)))
    return cli_usage(arguments, "\"%s\" is no view: patients, dates, uids, snapshots", wrong);
  if (key == KEY_SNAPSHOT &&
      snprintf(settings->snapshot, sizeof settings->snapshot, "%s", arguments->value) >= (int)sizeof settings->snapshot)
    return cli_usage(arguments, "\"%s\" is no snapshot", arguments->value);
  if (key == 'o' && (wrong = mount_options_parse(&settings->mount, list)))
    return cli_usage(arguments, "\"%s\" is no option of mounts", wrong);
  return CLI_OK;
}

static int run(struct cli_arguments *arguments) {
  struct settings settings = {.mount = {.uid = geteuid(), .gid = getegid()}};
  int key, code;
  while ((key = cli_option(arguments)) > 0)
    if ((code = read_option(arguments, &settings, key)) != CLI_OK) return code;
  if (key < 0) return arguments->exit_code;
  settings.store = absolute(arguments->operands[0]);
  settings.folder = absolute(arguments->operands[1]);
  if (!settings.store || !settings.folder)
    code = cli_fail("mount", CAS_NO_MEMORY, NULL);
  else
    code = settings.foreground ? serve(&settings, -1) : serve_in_background(&settings);
  free(settings.store);
  free(settings.folder);
  return code;
}

const struct cli_command command_mount = {
    .name = "mount",
    .operands = "STORE DIR",
    .summary = "Show a store as read-only folders and files",
    .details = "Goes to the background once the mount is there. What arrives later appears by itself.\n"
               "To unmount: fusermount3 -u DIR, or stop the process.\n",
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run,
};
