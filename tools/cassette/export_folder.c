/*
 * Export into a folder, by several threads.
 *
 * Owns: the folder's descriptor, the queue, the threads.
 * Invariants
 *  1. A file appears under its name whole or not at all: it is written under another name and renamed.
 *  2. Without `force` no file that is there already is changed.
 *  3. What finish() returned CAS_OK for is durable: the file system was synced behind the last rename.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "export.h"
#include "instance_copy.h"

#define THREADS_MAX 8
#define QUEUED_MAX 64

struct folder_sink {
  struct export_sink sink;
  int folder_fd;
  const char *name;
  struct cli_queue *queue;
  atomic_uint temporary_number;
  unsigned thread_count;
  pthread_t threads[THREADS_MAX];
};

static void cleanup_fd(int *fd) {
  if (*fd >= 0) close(*fd);
}
#define CLOSE_FD __attribute__((cleanup(cleanup_fd)))

static cas_status refuse(struct cas_error *error, cas_status status, const char *message) {
  error->status = status;
  snprintf(error->message, sizeof error->message, "%s", message);
  return status;
}

/* The names come from the store, which keeps them safe; a damaged one must not write elsewhere all the same. */
static bool is_safe_part(const char *part, size_t length) {
  return length > 0 && length <= NAME_MAX && !(length == 1 && part[0] == '.') &&
         !(length == 2 && memcmp(part, "..", 2) == 0);
}

/* Opens, and makes where needed, the folder of `path` below `folder_fd`; *name receives the last part of the path. */
static cas_status open_parent(int folder_fd, const char *path, int *parent_fd, const char **name,
                              struct cas_error *error) {
  CLOSE_FD int at = fcntl(folder_fd, F_DUPFD_CLOEXEC, 0);
  if (at < 0) return instance_fail_errno(error, errno);
  for (;;) {
    size_t length = strcspn(path, "/");
    if (!is_safe_part(path, length)) return refuse(error, CAS_CORRUPT, "the path in the tree is not safe to write to");
    if (path[length] == '\0') break;
    char part[NAME_MAX + 1];
    memcpy(part, path, length);
    part[length] = '\0';
    if (mkdirat(at, part, 0777) != 0 && errno != EEXIST) return instance_fail_errno(error, errno);
    int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (next < 0) return instance_fail_errno(error, errno);
    close(at);
    at = next;
    path += length + 1;
  }
  *name = path;
  *parent_fd = at;
  at = -1;
  return CAS_OK;
}

/* What is there under the name: CAS_NOT_FOUND, CAS_OK (the same bytes), CAS_EXISTS (something else). */
static cas_status compare_existing(int parent_fd, const char *name, struct cas_reader *reader,
                                   struct cas_error *error) {
  struct stat facts;
  if (fstatat(parent_fd, name, &facts, 0) != 0) {
    if (errno == ENOENT) return CAS_NOT_FOUND;
    return instance_fail_errno(error, errno);
  }
  bool same = false;
  if (S_ISREG(facts.st_mode) && (uint64_t)facts.st_size == cas_reader_size(reader)) {
    CLOSE_FD int fd = openat(parent_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return instance_fail_errno(error, errno);
    cas_status status = instance_compare_fd(reader, fd, &same, error);
    if (status != CAS_OK) return status;
  }
  return same ? CAS_OK : refuse(error, CAS_EXISTS, "something else is there under this name; --force replaces files");
}

static cas_status write_temporary(const struct folder_sink *sink, int parent_fd, const char *temporary,
                                  struct cas_reader *reader, int64_t arrival_ns, struct cas_error *error) {
  CLOSE_FD int fd = openat(parent_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return instance_fail_errno(error, errno);
  cas_status status = instance_copy(reader, &sink->sink.export->stop, instance_write_fd, &fd, error);
  if (status != CAS_OK) return status;
  struct timespec arrival = {.tv_sec = arrival_ns / 1000000000, .tv_nsec = arrival_ns % 1000000000};
  if (arrival_ns >= 0) futimens(fd, (struct timespec[]){arrival, arrival}); /* best effort: the bytes count */
  int closing = fd;
  fd = -1;
  return close(closing) == 0 ? CAS_OK : instance_fail_errno(error, errno);
}

static cas_status rename_into_place(int parent_fd, const char *temporary, const char *name, bool force,
                                    struct cas_error *error) {
  if (force) return renameat(parent_fd, temporary, parent_fd, name) == 0 ? CAS_OK : instance_fail_errno(error, errno);
  if (renameat2(parent_fd, temporary, parent_fd, name, RENAME_NOREPLACE) == 0) return CAS_OK;
  /* Some network file systems do not know the flag; a hard link does not replace either. */
  if (errno == EINVAL && linkat(parent_fd, temporary, parent_fd, name, 0) == 0)
    return unlinkat(parent_fd, temporary, 0) == 0 ? CAS_OK : instance_fail_errno(error, errno);
  if (errno == EEXIST) return CAS_EXISTS;
  return instance_fail_errno(error, errno);
}

static cas_status write_file(struct folder_sink *sink, int parent_fd, const char *name, struct cas_reader *reader,
                             const struct export_item *item, struct cas_error *error) {
  char temporary[64];
  snprintf(temporary, sizeof temporary, ".cassette-%ld-%u.part", (long)getpid(),
           atomic_fetch_add(&sink->temporary_number, 1));
  cas_status status = write_temporary(sink, parent_fd, temporary, reader, item->arrival_ns, error);
  if (status == CAS_OK) status = rename_into_place(parent_fd, temporary, name, sink->sink.export->force, error);
  if (status != CAS_OK) unlinkat(parent_fd, temporary, 0);
  return status;
}

static cas_status export_item(struct folder_sink *sink, const struct export_item *item, enum export_outcome *outcome,
                              struct cas_error *error) {
  INSTANCE_READER struct cas_reader *reader = NULL;
  CLOSE_FD int parent_fd = -1;
  const char *name = NULL;
  cas_status status = cas_reader_open(sink->sink.export->store, item->path, &reader, error);
  if (status == CAS_OK)
    status = open_parent(sink->folder_fd, sink->name ? sink->name : item->path, &parent_fd, &name, error);
  if (status != CAS_OK) return status;
  *outcome = EXPORT_UNCHANGED;
  status = compare_existing(parent_fd, name, reader, error);
  if (status == CAS_NOT_FOUND || (status == CAS_EXISTS && sink->sink.export->force)) {
    *outcome = EXPORT_WRITTEN;
    status = write_file(sink, parent_fd, name, reader, item, error);
    if (status == CAS_EXISTS) {
      /* Another thread or program was faster: the same file, asked for twice, is no error. */
      *outcome = EXPORT_UNCHANGED;
      status = compare_existing(parent_fd, name, reader, error);
    }
  }
  return status;
}

static void *run_thread(void *arg) {
  struct folder_sink *sink = arg;
  struct export *export = sink->sink.export;
  struct export_item *item;
  while ((item = cli_queue_get(sink->queue))) {
    enum export_outcome outcome = EXPORT_FAILED;
    struct cas_error error = {0};
    cas_status status = atomic_load(&export->stop) ? CAS_END : export_item(sink, item, &outcome, &error);
    if (status == CAS_NO_SPACE) atomic_store(&export->stop, true);
    if (status != CAS_END) export_report(export, item, status == CAS_OK ? outcome : EXPORT_FAILED, status, &error);
    if (status == CAS_NO_SPACE) {
      pthread_mutex_lock(&export->lock);
      export->fault = status;
      pthread_mutex_unlock(&export->lock);
    }
    export_item_free(item);
  }
  return NULL;
}

static cas_status put(struct export_sink *base, struct export_item *item) {
  struct folder_sink *sink = (struct folder_sink *)base;
  if (cli_queue_put(sink->queue, item)) return CAS_OK;
  export_item_free(item);
  return CAS_END;
}

static cas_status finish(struct export_sink *base, struct cas_error *error) {
  struct folder_sink *sink = (struct folder_sink *)base;
  cli_queue_close(sink->queue);
  for (unsigned i = 0; i < sink->thread_count; i++) pthread_join(sink->threads[i], NULL);
  cas_status status = syncfs(sink->folder_fd) == 0 ? CAS_OK : instance_fail_errno(error, errno);
  close(sink->folder_fd);
  cli_queue_destroy(sink->queue);
  free(sink);
  return status;
}

struct export_sink *export_folder_create(struct export *export, int folder_fd, const char *name) {
  struct folder_sink *sink = calloc(1, sizeof *sink);
  if (!sink) return NULL;
  sink->sink = (struct export_sink){.export = export, .put = put, .finish = finish};
  sink->folder_fd = folder_fd;
  sink->name = name;
  sink->queue = cli_queue_create(QUEUED_MAX);
  unsigned wanted = (unsigned)get_nprocs() < THREADS_MAX ? (unsigned)get_nprocs() : THREADS_MAX;
  while (sink->queue && sink->thread_count < wanted &&
         pthread_create(&sink->threads[sink->thread_count], NULL, run_thread, sink) == 0)
    sink->thread_count++;
  if (sink->thread_count > 0) return &sink->sink;
  cli_queue_destroy(sink->queue);
  free(sink);
  return NULL;
}
