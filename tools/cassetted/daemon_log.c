/*
 * Owns the log's file. Invariants:
 *  1. lock guards fd; a line is one write(), so that lines do not mix.
 *  2. A log that cannot be written is no reason to stop archiving: failures are passed over.
 */
#include "daemon_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES_MAX 2048u

struct daemon_log {
  pthread_mutex_t lock;
  int fd;
  char *path; /* NULL: standard error */
  enum cas_log_level level;
  bool journal;
};

static int open_file(const char *path) { return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640); }

cas_status daemon_log_open(const char *path, enum cas_log_level level, struct daemon_log **log,
                           struct cas_error *error) {
  struct daemon_log *made = calloc(1, sizeof *made);
  if (made == NULL) return CAS_NO_MEMORY;
  made->fd = STDERR_FILENO;
  made->level = level;
  made->journal = path == NULL && getenv("JOURNAL_STREAM") != NULL;
  if (path != NULL) {
    made->path = strdup(path);
    made->fd = made->path != NULL ? open_file(path) : -1;
  }
  if (made->fd < 0) {
    if (error != NULL) {
      *error = (struct cas_error){.status = CAS_IO, .system_errno = errno};
      snprintf(error->message, sizeof error->message, "log file %s: %s", path, strerrordesc_np(errno));
    }
    free(made->path);
    free(made);
    return CAS_IO;
  }
  pthread_mutex_init(&made->lock, NULL);
  *log = made;
  return CAS_OK;
}

void daemon_log_close(struct daemon_log *log) {
  if (log == NULL) return;
  if (log->path != NULL) close(log->fd);
  pthread_mutex_destroy(&log->lock);
  free(log->path);
  free(log);
}

void daemon_log_reopen(struct daemon_log *log) {
  if (log->path == NULL) return;
  const int opened = open_file(log->path);
  if (opened < 0) {
    daemon_log_printf(log, CAS_LOG_ERROR, "the log file cannot be opened anew: %s", strerrordesc_np(errno));
    return;
  }
  pthread_mutex_lock(&log->lock);
  close(log->fd);
  log->fd = opened;
  pthread_mutex_unlock(&log->lock);
}

/* "2026-11-23T22:15:04.123Z notice " or "<5>". */
static size_t format_prefix(const struct daemon_log *log, enum cas_log_level level, char *text, size_t size) {
  static const char *const names[] = {"error", "warning", "notice", "debug"};
  static const int priorities[] = {3, 4, 5, 7}; /* of syslog(3) */
  const size_t index = level < CAS_LOG_ERROR || level > CAS_LOG_DEBUG ? 0 : (size_t)(level - CAS_LOG_ERROR);
  if (log->journal) return (size_t)snprintf(text, size, "<%d>", priorities[index]);
  struct timespec now;
  struct tm utc;
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  const size_t used = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &utc);
  return used + (size_t)snprintf(text + used, size - used, ".%03ldZ %s ", now.tv_nsec / 1000000, names[index]);
}

void daemon_log_write(void *arg, enum cas_log_level level, const char *line) {
  struct daemon_log *log = arg;
  if (level > log->level) return;
  char text[LINE_BYTES_MAX];
  size_t size = format_prefix(log, level, text, sizeof text);
  const size_t length = strnlen(line, sizeof text - size - 1);
  for (size_t i = 0; i < length; i++) text[size++] = line[i] == '\n' || line[i] == '\r' ? ' ' : line[i];
  text[size++] = '\n';
  pthread_mutex_lock(&log->lock);
  const ssize_t written = write(log->fd, text, size);
  (void)written;
  pthread_mutex_unlock(&log->lock);
}

void daemon_log_printf(struct daemon_log *log, enum cas_log_level level, const char *format, ...) {
  char line[LINE_BYTES_MAX];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  daemon_log_write(log, level, line);
}
