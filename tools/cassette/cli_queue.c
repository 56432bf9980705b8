/*
 * A bounded queue of pointers.
 *
 * Invariant: the items are items[first], ... in a ring, `count` of them, at most `capacity`.
 */
#include "cli_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "monotonic.h"

struct cli_queue {
  pthread_mutex_t lock; /* guards all below */
  pthread_cond_t has_item, has_room;
  bool closed;
  size_t capacity, first, count;
  void *items[];
};

struct cli_queue *cli_queue_create(size_t capacity) {
  struct cli_queue *queue = calloc(1, sizeof *queue + capacity * sizeof queue->items[0]);
  if (!queue) return NULL;
  queue->capacity = capacity;
  pthread_mutex_init(&queue->lock, NULL);
  monotonic_condition_init(&queue->has_item);
  monotonic_condition_init(&queue->has_room);
  return queue;
}

void cli_queue_destroy(struct cli_queue *queue) {
  if (!queue) return;
  pthread_cond_destroy(&queue->has_room);
  pthread_cond_destroy(&queue->has_item);
  pthread_mutex_destroy(&queue->lock);
  free(queue);
}

bool cli_queue_put(struct cli_queue *queue, void *item) {
  pthread_mutex_lock(&queue->lock);
  while (!queue->closed && queue->count == queue->capacity) pthread_cond_wait(&queue->has_room, &queue->lock);
  bool put = !queue->closed;
  if (put) {
    queue->items[(queue->first + queue->count++) % queue->capacity] = item;
    pthread_cond_signal(&queue->has_item);
  }
  pthread_mutex_unlock(&queue->lock);
  return put;
}

static void *take(struct cli_queue *queue) {
  if (queue->count == 0) return NULL;
  void *item = queue->items[queue->first];
  queue->first = (queue->first + 1) % queue->capacity;
  queue->count--;
  pthread_cond_signal(&queue->has_room);
  return item;
}

void *cli_queue_get(struct cli_queue *queue) {
  pthread_mutex_lock(&queue->lock);
  while (!queue->closed && queue->count == 0) pthread_cond_wait(&queue->has_item, &queue->lock);
  void *item = take(queue);
  pthread_mutex_unlock(&queue->lock);
  return item;
}

void *cli_queue_get_within(struct cli_queue *queue, double seconds) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  long ns = until.tv_nsec + (long)((seconds - (double)(time_t)seconds) * 1e9);
  until.tv_sec += (time_t)seconds + ns / 1000000000;
  until.tv_nsec = ns % 1000000000;
  pthread_mutex_lock(&queue->lock);
  while (!queue->closed && queue->count == 0)
    if (pthread_cond_timedwait(&queue->has_item, &queue->lock, &until) == ETIMEDOUT) break;
  void *item = take(queue);
  pthread_mutex_unlock(&queue->lock);
  return item;
}

void cli_queue_close(struct cli_queue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->closed = true;
  pthread_cond_broadcast(&queue->has_item);
  pthread_cond_broadcast(&queue->has_room);
  pthread_mutex_unlock(&queue->lock);
}
