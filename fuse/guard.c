/*
 * Owns the guard's process and the socket to it. Our end is closed on exec, so no child of ours keeps it open.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse/guard.h"

extern char **environ;

/* Reads one line; where there is none, we are dead. A mount that answers is not ours: somebody was quick to mount
 * again. */
static const char script[] = "read -r line && exit; echo 1 >&3; "
                             "stat -f -- \"$1\" >/dev/null 2>&1 || exec fusermount3 -uzq -- \"$1\"";

#define ABORT_FD 3

/* `abort_file` may be what is at ABORT_FD already, which only a copy of it lets the child inherit. */
static bool prepare_files(posix_spawn_file_actions_t *actions, int input, int abort_file) {
  return (abort_file < 0 || posix_spawn_file_actions_adddup2(actions, abort_file, ABORT_FD) == 0) &&
         posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO) == 0 &&
         posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
         posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
         posix_spawn_file_actions_addclosefrom_np(actions, abort_file < 0 ? ABORT_FD : ABORT_FD + 1) == 0 &&
         posix_spawn_file_actions_addchdir_np(actions, "/") == 0;
}

static bool prepare_signals(posix_spawnattr_t *attributes) {
  sigset_t none;
  sigemptyset(&none);
  return posix_spawnattr_setsigmask(attributes, &none) == 0 &&
         posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK) == 0;
}

static bool spawn_shell(pid_t *child, int input, int abort_file, const char *path) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (posix_spawn_file_actions_init(&actions) != 0) return false;
  if (posix_spawnattr_init(&attributes) != 0) {
    posix_spawn_file_actions_destroy(&actions);
    return false;
  }
  char shell[] = "/bin/sh", command[] = "-c", name[] = "cassette-mount-guard";
  char *commands = strdup(script), *folder = strdup(path);
  char *arguments[] = {shell, command, commands, name, folder, NULL};
  bool started = commands != NULL && folder != NULL && prepare_files(&actions, input, abort_file) &&
                 prepare_signals(&attributes) &&
                 posix_spawn(child, shell, &actions, &attributes, arguments, environ) == 0;
  free(commands);
  free(folder);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return started;
}

bool guard_start(struct guard *guard, const char *path, int abort_file) {
  int ends[2];
  *guard = (struct guard){.socket = -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  pid_t child;
  bool started = spawn_shell(&child, ends[0], abort_file, path);
  close(ends[0]);
  if (started)
    *guard = (struct guard){.socket = ends[1], .child = child};
  else
    close(ends[1]);
  return started;
}

void guard_stop(struct guard *guard) {
  if (guard->child == 0) return;
  /* Where the guard was killed this fails, which is as good. */
  ssize_t sent = send(guard->socket, "\n", 1, MSG_NOSIGNAL);
  (void)sent;
  close(guard->socket);
  while (waitpid(guard->child, NULL, 0) < 0 && errno == EINTR)
    ;
  *guard = (struct guard){.socket = -1};
}
