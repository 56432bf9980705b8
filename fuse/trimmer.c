/*
 * Owns the thread.
 *
 * Invariants
 *  1. Who answers a request waits for the trimmer only while `holding`, when the trimmer does not wait for that answer;
 *     and for WAIT_MS at most, then nobody until the trimmer is through: it may wait for another answer, that to a
 *     request to read, and all those who answer might wait here.
 *  2. An inode is told once, until it comes back into the table's line (inode_table.h): what is in use stays told, and
 *     costs nothing, but for one more attempt each RETURN_NS while something is to be forgotten.
 */
#include "fuse/trimmer.h"

#include <stdlib.h>

#include "fuse/threads.h"

#define TOLD_AT_ONCE 128
/* Down to this part of the most, so that it is done now and then, and many at once. */
#define SLACK(most) ((most) / 16)
#define WAIT_MS 100
#define RETURN_NS (30 * NS_PER_S)

struct trimmer {
  struct trimmer_options options;
  bool started;
  pthread_t thread;
  int64_t returned_ns; /* the thread's own, as the next */
  struct inode_taken taken[TOLD_AT_ONCE];

  pthread_mutex_t lock; /* guards all below; innermost */
  pthread_cond_t changed;
  pthread_cond_t released;
  bool wanted, stopping;
  bool holding, slow; /* lists are to wait; they have waited for too long */
};

/* Waits until something is to be done; false: the end. */
static bool wait_wanted(struct trimmer *trimmer) {
  pthread_mutex_lock(&trimmer->lock);
  while (!trimmer->wanted && !trimmer->stopping) pthread_cond_wait(&trimmer->changed, &trimmer->lock);
  trimmer->wanted = false;
  bool stopping = trimmer->stopping;
  pthread_mutex_unlock(&trimmer->lock);
  return !stopping;
}

/* While the kernel is forgetting; false: the end. */
static bool hold_lists(struct trimmer *trimmer, bool hold) {
  pthread_mutex_lock(&trimmer->lock);
  trimmer->holding = hold && !trimmer->slow;
  bool stopping = trimmer->stopping;
  pthread_mutex_unlock(&trimmer->lock);
  return !stopping;
}

static void release_lists(struct trimmer *trimmer) {
  pthread_mutex_lock(&trimmer->lock);
  trimmer->holding = trimmer->slow = false;
  pthread_cond_broadcast(&trimmer->released);
  pthread_mutex_unlock(&trimmer->lock);
}

void trimmer_wait(struct trimmer *trimmer) {
  int64_t end = threads_now_ns() + WAIT_MS * NS_PER_MS;
  bool in_time = true;
  pthread_mutex_lock(&trimmer->lock);
  while (trimmer->holding && in_time) in_time = threads_wait(&trimmer->released, &trimmer->lock, end);
  if (!in_time && trimmer->holding) {
    trimmer->holding = false;
    trimmer->slow = true;
    pthread_cond_broadcast(&trimmer->released);
  }
  pthread_mutex_unlock(&trimmer->lock);
}

static void *work(void *arg) {
  struct trimmer *trimmer = arg;
  const struct trimmer_options *options = &trimmer->options;
  size_t keep = options->known_max - SLACK(options->known_max), count;
  while (wait_wanted(trimmer)) {
    int64_t now = threads_now_ns();
    if (now - trimmer->returned_ns >= RETURN_NS) {
      inode_table_return_told(options->inodes);
      trimmer->returned_ns = now;
    }
    bool quick = false;
    while (hold_lists(trimmer, quick) &&
           (count = inode_table_take(options->inodes, keep, trimmer->taken, TOLD_AT_ONCE)) > 0)
      quick = options->tell(options->arg, trimmer->taken, count);
    release_lists(trimmer);
  }
  return NULL;
}

cas_status trimmer_start(const struct trimmer_options *options, struct trimmer **out) {
  struct trimmer *trimmer = calloc(1, sizeof *trimmer);
  if (trimmer == NULL) return CAS_NO_MEMORY;
  trimmer->options = *options;
  if (options->known_max == 0) trimmer->options.known_max = TRIMMER_KNOWN_MAX;
  trimmer->returned_ns = threads_now_ns();
  pthread_mutex_init(&trimmer->lock, NULL);
  threads_condition_init(&trimmer->changed);
  threads_condition_init(&trimmer->released);
  trimmer->started = threads_start(&trimmer->thread, work, trimmer) == 0;
  if (!trimmer->started) {
    trimmer_destroy(trimmer);
    return CAS_NO_MEMORY;
  }
  *out = trimmer;
  return CAS_OK;
}

void trimmer_note(struct trimmer *trimmer) {
  if (inode_table_waiting(trimmer->options.inodes) <= trimmer->options.known_max) return;
  pthread_mutex_lock(&trimmer->lock);
  if (!trimmer->wanted) pthread_cond_signal(&trimmer->changed);
  trimmer->wanted = true;
  pthread_mutex_unlock(&trimmer->lock);
}

bool trimmer_has_room(const struct trimmer *trimmer) {
  return inode_table_count(trimmer->options.inodes) < 2 * trimmer->options.known_max;
}

void trimmer_stop(struct trimmer *trimmer) {
  if (trimmer == NULL || !trimmer->started) return;
  pthread_mutex_lock(&trimmer->lock);
  trimmer->stopping = true;
  pthread_cond_signal(&trimmer->changed);
  pthread_mutex_unlock(&trimmer->lock);
  pthread_join(trimmer->thread, NULL);
  trimmer->started = false;
}

void trimmer_destroy(struct trimmer *trimmer) {
  if (trimmer == NULL) return;
  trimmer_stop(trimmer);
  pthread_cond_destroy(&trimmer->released);
  pthread_cond_destroy(&trimmer->changed);
  pthread_mutex_destroy(&trimmer->lock);
  free(trimmer);
}
