/*
 * Owns the readers and a lane for each: what was read of one segment and not delivered yet. Invariants (under `lock`):
 *  1. Part i is in lane i % lane_count, and is taken by a reader only when part i - lane_count was delivered: so at
 * most lane_count segments are under way.
 *  2. A lane is filled by one reader and emptied by the caller, in the order of the segment.
 *  3. What a lane holds is below bytes_max, but for one block.
 *  4. Every event that was prepared is either delivered or dropped.
 *
 *   lane:  FREE --reader--> READING --bounds known--> BOUNDED --scanned, or failed--> ENDED --delivered--> FREE
 */
#include "segment/segment_readers.h"

#include <pthread.h>

#include "base/status.h"

/* Events that change hands together, so that the lock does not count. */
#define BLOCK_EVENTS 64u

struct block {
  struct block *next;
  size_t count, bytes;
  struct segment_event events[BLOCK_EVENTS];
};

enum lane_state { LANE_FREE, LANE_READING, LANE_BOUNDED, LANE_ENDED };

struct lane {
  enum lane_state state;
  struct segment_part part;
  struct block *first, **last;
  size_t bytes; /* in the blocks, as `prepare` counts them, and the blocks themselves */
  cas_status status;
  struct cas_error error;
};

struct segment_readers {
  struct volume *volume;
  const struct segment_store_key *key;
  unsigned flags;
  const struct segment_ahead *ahead;
  const struct segment_part *parts;
  size_t count;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  size_t next;      /* lock; the part that is taken next */
  size_t delivered; /* lock; parts that are done */
  unsigned started; /* lock; gives each reader its number */
  bool stopping;    /* lock */
  unsigned thread_count;
  pthread_t threads[SEGMENT_READERS_MAX];
  struct lane lanes[SEGMENT_READERS_MAX]; /* lock, but for `part` while the lane is READING */
};

/* One reader at work on one lane. */
struct reading {
  struct segment_readers *readers;
  struct lane *lane;
  unsigned reader;
  struct block *block; /* being filled */
};

static void drop_block(const struct segment_readers *readers, struct block *block, size_t from) {
  for (size_t i = from; i < block->count; i++)
    if (block->events[i].prepared != NULL) readers->ahead->drop(readers->ahead->arg, block->events[i].prepared);
  free(block);
}

/* --- reading --- */

/* Hands the block over, waiting for room. */
static cas_status publish(struct reading *reading) {
  struct segment_readers *readers = reading->readers;
  struct lane *lane = reading->lane;
  struct block *block = reading->block;
  if (block == NULL) return CAS_OK;
  reading->block = NULL;
  pthread_mutex_lock(&readers->lock);
  while (!readers->stopping && lane->bytes >= readers->ahead->bytes_max)
    pthread_cond_wait(&readers->changed, &readers->lock);
  bool stopping = readers->stopping;
  if (!stopping) {
    *lane->last = block;
    lane->last = &block->next;
    lane->bytes += block->bytes;
    pthread_cond_broadcast(&readers->changed);
  }
  pthread_mutex_unlock(&readers->lock);
  if (stopping) drop_block(readers, block, 0);
  return stopping ? CAS_END : CAS_OK;
}

static cas_status keep_event(void *arg, const struct segment_event *event) {
  struct reading *reading = arg;
  const struct segment_ahead *ahead = reading->readers->ahead;
  if (reading->block == NULL) {
    reading->block = malloc(sizeof *reading->block);
    if (reading->block == NULL) return CAS_NO_MEMORY;
    reading->block->next = NULL;
    reading->block->count = 0;
    reading->block->bytes = sizeof *reading->block;
  }
  struct segment_event kept = *event;
  size_t bytes = 0;
  if (event->kind == SEGMENT_EVENT_RECORD) STATUS_TRY(ahead->prepare(ahead->arg, reading->reader, &kept, &bytes));
  kept.payload = (struct cas_slice){0};
  struct block *block = reading->block;
  block->events[block->count++] = kept;
  block->bytes += bytes;
  return block->count == BLOCK_EVENTS || block->bytes >= ahead->bytes_max / 4 ? publish(reading) : CAS_OK;
}

static void set_state(struct segment_readers *readers, struct lane *lane, enum lane_state state) {
  pthread_mutex_lock(&readers->lock);
  lane->state = state;
  pthread_cond_broadcast(&readers->changed);
  pthread_mutex_unlock(&readers->lock);
}

static void read_part(struct segment_readers *readers, unsigned reader, struct lane *lane) {
  struct reading reading = {.readers = readers, .lane = lane, .reader = reader};
  struct segment_part *part = &lane->part;
  cas_status status = segment_part_bound(readers->volume, readers->key, part, &lane->error);
  if (status == CAS_OK) set_state(readers, lane, LANE_BOUNDED);
  if (status == CAS_OK && !segment_part_is_lost(part)) {
    struct segment_range range = part->range;
    range.needs = readers->ahead->needs;
    status = segment_scan_range(readers->volume, readers->key, part->segment, &range, readers->flags, keep_event,
                                &reading, &lane->error);
  }
  if (status == CAS_OK) status = publish(&reading);
  if (reading.block != NULL) drop_block(readers, reading.block, 0);
  lane->status = status;
  set_state(readers, lane, LANE_ENDED);
}

/* The next part that may be taken, with its lane; false when there is none any more. */
static bool take_part(struct segment_readers *readers, struct lane **lane) {
  pthread_mutex_lock(&readers->lock);
  while (!readers->stopping && readers->next < readers->count &&
         readers->next >= readers->delivered + readers->ahead->readers)
    pthread_cond_wait(&readers->changed, &readers->lock);
  bool taken = !readers->stopping && readers->next < readers->count;
  if (taken) {
    *lane = &readers->lanes[readers->next % readers->ahead->readers];
    **lane = (struct lane){.state = LANE_READING, .part = readers->parts[readers->next++]};
    (*lane)->last = &(*lane)->first;
  }
  pthread_mutex_unlock(&readers->lock);
  return taken;
}

static void *read_parts(void *arg) {
  struct segment_readers *readers = arg;
  struct lane *lane;
  pthread_mutex_lock(&readers->lock);
  unsigned reader = readers->started++;
  pthread_mutex_unlock(&readers->lock);
  while (take_part(readers, &lane)) read_part(readers, reader, lane);
  return NULL;
}

/* --- delivering --- */

static struct lane *lane_of_next(struct segment_readers *readers) {
  return &readers->lanes[readers->delivered % readers->ahead->readers];
}

cas_status segment_readers_bound(struct segment_readers *readers, struct segment_part *part, struct cas_error *error) {
  struct lane *lane = lane_of_next(readers);
  pthread_mutex_lock(&readers->lock);
  while (readers->next <= readers->delivered || lane->state == LANE_READING)
    pthread_cond_wait(&readers->changed, &readers->lock);
  /* A failure of the scan comes behind the events before it. */
  bool failed = lane->state == LANE_ENDED && lane->status != CAS_OK && lane->first == NULL;
  pthread_mutex_unlock(&readers->lock);
  *part = lane->part;
  if (failed && error != NULL) *error = lane->error;
  return failed ? lane->status : CAS_OK;
}

/* The next block, or NULL at the end of the part. */
static struct block *take_block(struct segment_readers *readers, struct lane *lane) {
  pthread_mutex_lock(&readers->lock);
  while (lane->first == NULL && lane->state != LANE_ENDED) pthread_cond_wait(&readers->changed, &readers->lock);
  struct block *block = lane->first;
  if (block != NULL) {
    lane->first = block->next;
    if (lane->first == NULL) lane->last = &lane->first;
    lane->bytes -= block->bytes;
    pthread_cond_broadcast(&readers->changed);
  }
  pthread_mutex_unlock(&readers->lock);
  return block;
}

cas_status segment_readers_deliver(struct segment_readers *readers, segment_event_fn each, void *arg,
                                   struct cas_error *error) {
  struct lane *lane = lane_of_next(readers);
  struct block *block;
  while ((block = take_block(readers, lane)) != NULL) {
    cas_status status = CAS_OK;
    size_t i = 0;
    while (i < block->count && status == CAS_OK) status = each(arg, &block->events[i++]);
    drop_block(readers, block, i);
    if (status != CAS_OK) return status;
  }
  cas_status status = lane->status;
  if (status != CAS_OK) {
    if (error != NULL) *error = lane->error;
    return status;
  }
  pthread_mutex_lock(&readers->lock);
  lane->state = LANE_FREE;
  readers->delivered++;
  pthread_cond_broadcast(&readers->changed);
  pthread_mutex_unlock(&readers->lock);
  return CAS_OK;
}

/* --- opening and closing --- */

cas_status segment_readers_open(struct volume *volume, const struct segment_store_key *key, unsigned flags,
                                const struct segment_ahead *ahead, const struct segment_part *parts, size_t count,
                                struct segment_readers **readers, struct cas_error *error) {
  struct segment_readers *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return CAS_NO_MEMORY;
  *opened = (struct segment_readers){
      .volume = volume, .key = key, .flags = flags, .ahead = ahead, .parts = parts, .count = count};
  pthread_mutex_init(&opened->lock, NULL);
  pthread_cond_init(&opened->changed, NULL);
  for (unsigned i = 0; i < ahead->readers; i++) {
    int failure = pthread_create(&opened->threads[i], NULL, read_parts, opened);
    if (failure == 0) {
      opened->thread_count++;
    } else if (opened->thread_count == 0) {
      segment_readers_close(opened);
      return status_fail_errno(error, failure, "cannot start a thread that reads segments");
    } else {
      break;
    }
  }
  *readers = opened;
  return CAS_OK;
}

void segment_readers_close(struct segment_readers *readers) {
  if (readers == NULL) return;
  pthread_mutex_lock(&readers->lock);
  readers->stopping = true;
  pthread_cond_broadcast(&readers->changed);
  pthread_mutex_unlock(&readers->lock);
  for (unsigned i = 0; i < readers->thread_count; i++) pthread_join(readers->threads[i], NULL);
  for (unsigned i = 0; i < SEGMENT_READERS_MAX; i++) {
    struct block *next;
    for (struct block *block = readers->lanes[i].first; block != NULL; block = next) {
      next = block->next;
      drop_block(readers, block, 0);
    }
  }
  pthread_cond_destroy(&readers->changed);
  pthread_mutex_destroy(&readers->lock);
  free(readers);
}
