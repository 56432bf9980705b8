/*
 * Owns the queue of what is to be done, and the threads that do it.
 *
 * Invariants
 *  1. Whoever answers a request to read never waits for a thread that hands bytes to the kernel: that thread may itself
 *     wait for the answer, which has the pages locked. Both may wait for a blob that the other decodes.
 *  2. The first file of a window, its mark, is decoded but not handed over: the request to read it orders the next one.
 *  3. An inode that is handed bytes is held in the table meanwhile, so that its number means the same file.
 */
#include "fuse/ahead.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuse/sequence.h"
#include "fuse/threads.h"

#define THREADS_MAX 4
#define JOBS_MAX 256u
#define WINDOW_BYTES_MAX (8u << 20)

struct job {
  struct job *next;
  bool note;       /* somebody reads the file; else: decode it */
  bool mark;       /* decode only */
  uint64_t folder; /* inode */
  char path[];
};

struct queue {
  struct job *first, **end;
};

struct ahead {
  struct ahead_options options;
  unsigned thread_count;
  pthread_t threads[THREADS_MAX];

  pthread_mutex_t lock; /* guards all below; innermost */
  pthread_cond_t changed;
  struct queue notes, files; /* notes go first */
  unsigned jobs;             /* in both */
  bool stopping;
  struct sequences sequences;
};

static struct job *make_job(const char *path, uint64_t folder, bool note, bool mark) {
  size_t size = strlen(path) + 1;
  struct job *job = malloc(sizeof *job + size);
  if (job == NULL) return NULL;
  *job = (struct job){.note = note, .mark = mark, .folder = folder};
  memcpy(job->path, path, size);
  return job;
}

static void push(struct ahead *ahead, struct job *job) {
  if (job == NULL) return;
  pthread_mutex_lock(&ahead->lock);
  bool room = !ahead->stopping && ahead->jobs < JOBS_MAX;
  if (room) {
    struct queue *queue = job->note ? &ahead->notes : &ahead->files;
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
    ahead->jobs++;
    pthread_cond_signal(&ahead->changed);
  }
  pthread_mutex_unlock(&ahead->lock);
  if (!room) free(job);
}

/* The next job; NULL: the end. */
static struct job *pop(struct ahead *ahead) {
  struct job *job = NULL;
  pthread_mutex_lock(&ahead->lock);
  while (ahead->jobs == 0 && !ahead->stopping) pthread_cond_wait(&ahead->changed, &ahead->lock);
  if (!ahead->stopping) {
    struct queue *queue = ahead->notes.first != NULL ? &ahead->notes : &ahead->files;
    job = queue->first;
    queue->first = job->next;
    if (queue->first == NULL) queue->end = &queue->first;
    ahead->jobs--;
  }
  pthread_mutex_unlock(&ahead->lock);
  return job;
}

/* --- what comes next --- */

struct window {
  const char *folder;
  unsigned count_max, count;
  uint64_t bytes;
  uint64_t files[SEQUENCE_WINDOW_MAX];
  struct job *jobs[SEQUENCE_WINDOW_MAX]; /* with the paths */
};

static cas_status add_file(void *arg, const char *name, const struct tree_entry *entry) {
  struct window *window = arg;
  char path[TREE_PATH_MAX];
  if (entry->kind != TREE_FILE) return CAS_END;
  if (tree_join(window->folder, name, path) != CAS_OK) return CAS_OK;
  if (window->count > 0 && window->bytes + entry->bytes > WINDOW_BYTES_MAX) return CAS_END;
  struct job *job = make_job(path, 0, false, window->count == 0);
  if (job == NULL) return CAS_END;
  window->bytes += entry->bytes;
  window->jobs[window->count] = job;
  window->files[window->count++] = tree_inode(path);
  return window->count == window->count_max ? CAS_END : CAS_OK;
}

static void look_on(struct ahead *ahead, const struct job *note) {
  char folder[TREE_PATH_MAX];
  struct sequence_order order;
  struct cas_error error = {.status = CAS_OK};
  memcpy(folder, note->path, strlen(note->path) + 1);
  char *slash = strrchr(folder, '/');
  if (slash == NULL) return;
  *slash = '\0';
  uint64_t number = tree_inode(folder);
  pthread_mutex_lock(&ahead->lock);
  sequences_note(&ahead->sequences, number, tree_inode(note->path), slash + 1, &order);
  pthread_mutex_unlock(&ahead->lock);
  if (order.count == 0) return;
  struct window window = {.folder = folder, .count_max = order.count};
  /* What could not be listed is a shorter window. */
  cas_status status = tree_list(ahead->options.tree, folder, order.after, add_file, &window, &error);
  if (status != CAS_OK && status != CAS_END && window.count == 0) return;
  const char *last = window.count > 0 ? strrchr(window.jobs[window.count - 1]->path, '/') + 1 : "";
  pthread_mutex_lock(&ahead->lock);
  sequences_found(&ahead->sequences, number, &order, window.files, window.count, last);
  pthread_mutex_unlock(&ahead->lock);
  for (unsigned i = 0; i < window.count; i++) {
    window.jobs[i]->folder = note->folder;
    if (order.decode)
      push(ahead, window.jobs[i]);
    else
      free(window.jobs[i]);
  }
}

/* --- decoding --- */

static void hand_over(struct ahead *ahead, struct cas_reader *reader, uint64_t inode, size_t size) {
  struct cas_error error = {.status = CAS_OK};
  size_t got = 0;
  uint8_t *buffer = read_buffers_get(ahead->options.buffers);
  if (buffer == NULL) return;
  if (cas_reader_read(reader, 0, buffer, size, &got, &error) == CAS_OK && got > 0)
    ahead->options.store(ahead->options.arg, inode, buffer, got);
  read_buffers_put(ahead->options.buffers, buffer);
}

static void decode(struct ahead *ahead, const struct job *job) {
  struct cas_error error = {.status = CAS_OK};
  struct kept_reader *kept;
  uint64_t inode = 0;
  bool held = !job->mark && inode_table_hold(ahead->options.inodes, job->folder, strrchr(job->path, '/') + 1,
                                             tree_inode(job->path), &inode) == CAS_OK;
  if (readers_open(ahead->options.readers, ahead->options.tree, job->path, &kept, &error) == CAS_OK) {
    uint64_t size = cas_reader_size(kept->reader);
    if (size > READ_BUFFER_BYTES) size = READ_BUFFER_BYTES;
    if (held)
      hand_over(ahead, kept->reader, inode, size);
    else
      cas_reader_prefetch(kept->reader, 0, size);
  }
  readers_unref(ahead->options.readers, kept);
  if (held) inode_table_unref(ahead->options.inodes, inode, 1);
}

static void *work(void *arg) {
  struct ahead *ahead = arg;
  for (struct job *job; (job = pop(ahead)) != NULL; free(job)) {
    if (job->note)
      look_on(ahead, job);
    else
      decode(ahead, job);
  }
  return NULL;
}

/* --- start and stop --- */

cas_status ahead_start(const struct ahead_options *options, struct ahead **out) {
  struct ahead *ahead = calloc(1, sizeof *ahead);
  if (ahead == NULL) return CAS_NO_MEMORY;
  ahead->options = *options;
  ahead->notes.end = &ahead->notes.first;
  ahead->files.end = &ahead->files.first;
  pthread_mutex_init(&ahead->lock, NULL);
  threads_condition_init(&ahead->changed);
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  unsigned count = processors < 1 ? 1 : processors < THREADS_MAX ? (unsigned)processors : THREADS_MAX;
  while (ahead->thread_count < count && threads_start(&ahead->threads[ahead->thread_count], work, ahead) == 0)
    ahead->thread_count++;
  if (ahead->thread_count == 0) {
    ahead_destroy(ahead);
    return CAS_NO_MEMORY;
  }
  *out = ahead;
  return CAS_OK;
}

void ahead_note(struct ahead *ahead, uint64_t inode, const char *path) {
  uint64_t folder;
  if (inode_table_parent(ahead->options.inodes, inode, &folder) == CAS_OK)
    push(ahead, make_job(path, folder, true, false));
}

void ahead_stop(struct ahead *ahead) {
  if (ahead == NULL) return;
  pthread_mutex_lock(&ahead->lock);
  ahead->stopping = true;
  pthread_cond_broadcast(&ahead->changed);
  pthread_mutex_unlock(&ahead->lock);
  for (unsigned i = 0; i < ahead->thread_count; i++) pthread_join(ahead->threads[i], NULL);
  ahead->thread_count = 0;
}

static void free_jobs(struct queue *queue) {
  for (struct job *job = queue->first, *next; job != NULL; job = next) {
    next = job->next;
    free(job);
  }
}

void ahead_destroy(struct ahead *ahead) {
  if (ahead == NULL) return;
  ahead_stop(ahead);
  free_jobs(&ahead->notes);
  free_jobs(&ahead->files);
  pthread_cond_destroy(&ahead->changed);
  pthread_mutex_destroy(&ahead->lock);
  free(ahead);
}
